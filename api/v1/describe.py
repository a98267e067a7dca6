"""The API described: OpenAPI for programs, a page for people and agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern
from rest_framework.request import Request

from api.openapi.document import document, document_bytes
from api.openapi.reading import groups
from api.views import Resource, route
from harmonic.kernel.access import Access, Door, Link, Rule
from harmonic.kernel.pages import Page, mounted

CODES = {
    "invalid": "A parameter, a value, or a body that cannot be read.",
    "closed": "The item takes no more changes.",
    "duplicate": "There is one already.",
    "limit_reached": "There are as many as there may be.",
    "immutable": "This never changes.",
    "unauthorized": "No token, or one that is unknown, deleted, or of another tenant.",
    "token_expired": "The token's time is over.",
    "api_disabled_tenant": "An admin of the tenant has not turned the API on.",
    "api_disabled_collective": "An admin of the collective has not turned its API on.",
    "not_a_member": "The caller is no member of the collective.",
    "collective_archived": "The collective is deactivated.",
    "insufficient_scope": "The token lacks the scope that the answer names.",
    "capability_denied": "The agent's human has not granted it this.",
    "scope_not_grantable": "A token would have more than the one that makes it.",
    "representation_invalid": "The headers of representation do not fit.",
    "tenant_suspended": "The tenant is suspended.",
    "forbidden": "Everything else that is not allowed.",
    "not_found": "Nothing there, deleted, elsewhere, or not for the caller to know.",
    "method_not_allowed": "The path has no such method; Allow names those it has.",
    "already_rotated": "The token has a successor.",
    "token_ended": "The token is expired, and takes no successor.",
    "idempotency_key_invalid": "The key is not 1 to 255 printable ASCII characters.",
    "idempotency_key_reused": "The key was used for another request.",
    "idempotency_in_progress": "The request under this key is still running.",
    "idempotency_secret_unavailable": "The first answer held a token, which was not kept.",
    "precondition_failed": "The item is not what the request expects.",
    "payload_too_large": "The body is above 16 MB.",
    "unsupported_media_type": "The body is neither JSON nor a form.",
    "rate_limited": "Too many requests; Retry-After says when to go on.",
    "internal": "A fault of the server; request_id is what helps.",
}


class OpenApi(Resource):
    rule = Rule(Door.PUBLIC)

    def retrieve(self, request: Request) -> HttpResponse:
        return HttpResponse(document_bytes(), content_type="application/json; charset=utf-8")


def _shown(access: Access, target: None) -> Mapping[str, Any]:
    return {"groups": groups(document()), "codes": CODES.items()}


def _crumbs(access: Access, target: None) -> list[Link]:
    return [Link("Help", "/help"), Link("REST API", "/help/rest-api")]


DOCS = Page(
    name="api.docs",
    template="api/docs.html",
    title=lambda access, target: "REST API reference",
    show=_shown,
    crumbs=_crumbs,
    door=Door.PUBLIC,
)


def urls() -> list[URLPattern]:
    return [
        # The middleware takes the suffix `.json` off.
        route("api/v1/openapi", OpenApi, get="retrieve"),
        *mounted("api/v1/docs", DOCS)[:1],
    ]
