"""The API described: OpenAPI for programs, a page for people and agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern
from rest_framework.request import Request

from api.codes import CODES
from api.openapi.document import document_bytes, groups
from api.views import Resource, route
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.page_views import mounted
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link


class OpenApi(Resource):
    rule = Rule(AccessLevel.PUBLIC)

    def retrieve(self, request: Request) -> HttpResponse:
        return HttpResponse(document_bytes(), content_type="application/json; charset=utf-8")


def _shown(access: Access, target: None) -> Mapping[str, Any]:
    return {"groups": groups(), "codes": CODES.items()}


def _crumbs(access: Access, target: None) -> list[Link]:
    return [Link("Help", "/help"), Link("REST API", "/help/rest-api")]


DOCS = Page(
    name="api.docs",
    template="api/docs.html",
    title=lambda access, target: "REST API reference",
    show=_shown,
    crumbs=_crumbs,
    access_level=AccessLevel.PUBLIC,
)


def urls() -> list[URLPattern]:
    return [
        # The middleware takes the suffix `.json` off.
        route("api/v1/openapi", OpenApi, get="retrieve"),
        *mounted("api/v1/docs", DOCS)[:1],
    ]
