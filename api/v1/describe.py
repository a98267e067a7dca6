"""The documentation of the API: the OpenAPI document and the reference page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path
from rest_framework.request import Request

from api.codes import CODES
from api.http.filters import named
from api.openapi.document import document_bytes, groups
from api.openapi.selection import resource_names, selected_bytes
from api.views import Resource, route
from harmonic.kernel import registry
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.page_views import page_view
from harmonic.kernel.pages import Page, with_rule
from harmonic.kernel.refusals import Link, Problem

RESOURCES = "resources"


class OpenApi(Resource):
    rule = Rule(AccessLevel.PUBLIC)
    query = (RESOURCES,)

    def retrieve(self, request: Request) -> HttpResponse:
        names = _names(request.query_params.get(RESOURCES, ""))
        body = selected_bytes(names) if names else document_bytes()
        return HttpResponse(body, content_type="application/json; charset=utf-8")


def _names(text: str) -> tuple[str, ...]:
    """Return the resources in a comma-separated list, sorted and without duplicates.

    Raises:
        Invalid: a resource does not exist.
    """
    names = sorted({name.strip() for name in text.split(",") if name.strip()})
    known = resource_names()
    if not set(names) <= set(known):
        raise named(Problem(RESOURCES, "not_offered", {"offered": ", ".join(known)}))
    return tuple(names)


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


OPENAPI = OpenApi.as_view({"get": "retrieve"})
PAGE = page_view(DOCS)


def docs(request: AccessRequest) -> HttpResponse:
    """Return the reference page, or for JSON the OpenAPI document."""
    return (OPENAPI if request.access.format == Format.JSON else PAGE)(request)


def urls() -> list[URLPattern]:
    registry.site.add_page(DOCS, "api/v1/docs")
    return [
        # The middleware removes the suffix `.json`.
        route("api/v1/openapi", OpenApi, get="retrieve"),
        path("api/v1/docs", with_rule(docs, DOCS.rule, DOCS), name=DOCS.name),
    ]
