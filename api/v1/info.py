"""The routes and lists of a base, and the caller."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from operator import itemgetter
from typing import Annotated, TypeGuard

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.request import Request
from typing_extensions import TypedDict

from api.http.paging import PageParams
from api.operations import Operation, operation_of
from api.responses.schema import Doc, Id, OneOf, Scopes, Timestamp, Url
from api.responses.timestamps import format_timestamp
from api.views import Base, ObjectResponse, Resource, RoutedResource, access_of, route
from harmonic.kernel.access import AccessLevel, Rule, TokenFacts
from harmonic.kernel.http.negotiation import API_VERSION
from harmonic.kernel.parameters.decoding import declared_fields
from harmonic.kernel.rendering.documents import origin_of

BASES = Base
VERBS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
# The query parameters of all lists.
PAGING = (*declared_fields(PageParams), "sort_by", "created_after", "created_before")
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class RouteJson(TypedDict):
    """A route below this base, and the methods it supports."""

    path: Annotated[str, Doc(example="/api/v1/notes/:id")]
    methods: Annotated[list[str], Doc(minItems=1, example=["GET"])]


class CallerJson(TypedDict):
    """The user who sent the request."""

    id: Id
    handle: Annotated[str, Doc(example="alice")]


class TokenFactsJson(TypedDict):
    """The token of the request."""

    id: Id
    name: Annotated[str | None, Doc(example="ci")]
    scopes: Scopes
    expires_at: Timestamp


class ListJson(TypedDict):
    """A list at this base, with its filters and an example."""

    path: Annotated[str, Doc(example="/api/v1/notes")]
    filters: Annotated[
        list[str],
        Doc(
            "Query parameters in addition to `paging`.",
            example=["created_by", "updated_after", "q"],
        ),
    ]
    example: Annotated[str, Doc("An example of its query.", example="updated_after=2026-05-13")]


class InfoJson(TypedDict):
    """The routes and lists of a base, and the caller."""

    name: Annotated[str, Doc(example="Harmonic API")]
    version: Annotated[str, Doc(example=API_VERSION)]
    routes: list[RouteJson]
    openapi: Annotated[Url, Doc(example="http://garden.localhost:8000/api/v1/openapi.json")]
    docs: Annotated[Url, Doc(example="http://garden.localhost:8000/api/v1/docs")]
    tenant: Annotated[str, Doc("The tenant's subdomain.", example="garden")]
    collective: Annotated[str, Doc("The collective's handle.", example="kitchen")]
    user: CallerJson
    token: TokenFactsJson
    visibility: Annotated[
        str,
        OneOf("Visibility", ("public", "shared", "private")),
        Doc(
            "Who can read what is written at this base: `public` (all members of the tenant),"
            " `shared` (members of the collective) or `private` (the owner of the workspace)."
        ),
    ]
    lists: list[ListJson]
    paging: Annotated[
        list[str], Doc("Query parameters of all lists.", example=["limit", "cursor", "sort_by"])
    ]
    parts: Annotated[
        list[Url],
        Doc(
            "URLs of the reference and the OpenAPI document of one resource.",
            example=["http://garden.localhost:8000/api/v1/openapi.json?resources=notes"],
        ),
    ]


class Info(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, any_scope=True)

    @Operation("read_info")
    def retrieve(self, request: Request) -> ObjectResponse[InfoJson]:
        """List the routes of this base, and identify the caller."""
        access, origin = access_of(request), origin_of(request)
        assert access.token is not None  # the API accepts no sessions
        return ObjectResponse(
            {
                "name": "Harmonic API",
                "version": API_VERSION,
                "routes": routes_at(base_of(access.path)),
                "openapi": f"{origin}/api/v1/openapi.json",
                "docs": f"{origin}/api/v1/docs",
                "tenant": access.tenant.subdomain,
                "collective": access.required_place.handle,
                "user": {"id": str(access.user.user_id), "handle": access.user.handle},
                "token": token_json(access.token),
                "visibility": access.required_place.audience,
                "lists": lists_at(base_of(access.path)),
                "paging": list(PAGING),
                "parts": [
                    f"{origin}/api/v1/docs.md?sections=notes",
                    f"{origin}/api/v1/openapi.json?resources=notes",
                ],
            }
        )


def token_json(token: TokenFacts) -> TokenFactsJson:
    return {
        "id": str(token.id),
        "name": token.name,
        "scopes": list(token.scopes),
        "expires_at": format_timestamp(token.expires_at),
    }


# --- The route table ------------------------------------------------------------------------


def base_of(path_: str) -> str:
    """Return the base of a path, as the URL map spells it."""
    word = path_.split("/")[1]
    return "api/v1" if word == "api" else f"{word}/<str:collective>/api/v1"


@cache
def routes_at(base: str) -> list[RouteJson]:
    """Return the routes below a base, with their methods."""
    methods: dict[str, set[str]] = {}
    for where, verbs in _routes(get_resolver().url_patterns):
        if where == base or where.startswith(f"{base}/"):
            methods.setdefault(template_of(where), set()).update(verbs)
    return [{"path": each, "methods": sorted(methods[each])} for each in sorted(methods)]


@cache
def lists_at(base: str) -> list[ListJson]:
    """Return the lists below a base, with their filters and an example."""
    found: list[ListJson] = []
    for where, view in resources(get_resolver().url_patterns):
        reads = getattr(view.resource, view.functions.get("get", ""), None)
        operation = operation_of(reads) if reads else None
        query = operation.query if operation else None
        if operation is None or query is None or not where.startswith(f"{base}/"):
            continue
        if not issubclass(query, PageParams):
            continue
        filters = [name for name in declared_fields(query) if name not in PAGING]
        shown: ListJson = {
            "path": template_of(where),
            "filters": filters,
            "example": operation.example,
        }
        found.append(shown)
    return sorted(found, key=itemgetter("path"))


def below(base: str) -> Iterator[str]:
    """Yield the rest of each route below a base."""
    for where, _ in resources(get_resolver().url_patterns):
        if where == base or where.startswith(f"{base}/"):
            yield where.removeprefix(base)


def _routes(patterns: Iterable[URLPattern | URLResolver]) -> Iterator[tuple[str, set[str]]]:
    for where, view in resources(patterns):
        yield where, {verb.upper() for verb in view.functions} & VERBS


def resources(
    patterns: Iterable[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, RoutedResource]]:
    """Yield every route of a resource with its view, without those of the documentation."""
    for pattern in patterns:
        where = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from resources(pattern.url_patterns, where)
        elif _is_described(pattern.callback):
            yield where, pattern.callback


def _is_described(view: object) -> TypeGuard[RoutedResource]:
    return isinstance(view, RoutedResource) and view.rule.access_level != AccessLevel.PUBLIC


def template_of(where: str) -> str:
    """Return a route as clients see it: `/api/v1/notes/:note_id/confirm`, `/api/v1/notes/:id`."""
    named = PARAMETER.sub(r":\1", where.replace("<str:collective>", ":collective_handle"))
    return "/" + re.sub(r":\w+_id$", ":id", named)


def urls() -> list[URLPattern]:
    return [route("api/v1", Info, get="retrieve")]
