"""Conditional requests: entity tags of responses, and preconditions of writes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from api.http.negotiation import Json
from harmonic.kernel.access import Access
from harmonic.kernel.http import conditional
from harmonic.kernel.http.methods import READS
from harmonic.kernel.refusals import Refused

CHANGES = frozenset({"PUT", "PATCH", "DELETE"})
# Returns an item as GET returns it without parameters.
Shown = Callable[[Access, Any], Any]


def add_entity_tag(request: Request, response: HttpResponse, beside: Collection[str] = ()) -> None:
    """Add the entity tag of a read's body, or of the object that a write created or changed.

    `beside` are members of responses to writes that are not part of the object.
    A response that must not be stored has none. One that has its tag already keeps it.
    """
    if response.status_code != 200 or response["Cache-Control"] == "no-store":
        return
    django = request._request
    data: Any = getattr(response, "data", None)
    if django.method in READS:
        modified_at = last_modified_of(data)
        if modified_at:
            response["Last-Modified"] = conditional.last_modified(modified_at)
        etag = response.get("ETag") or conditional.etag_of(_body(response))
        conditional.tag(django.headers, response, etag)
    elif _is_object(request, response) and "include" not in django.GET:
        plain = {key: data[key] for key in data if key not in beside}
        response["ETag"] = conditional.etag_of(Json().render(plain))


def _is_object(request: Request, response: HttpResponse) -> bool:
    """Return whether a response to a write is the object as GET returns it."""
    return response.has_header("Location") or request.method in {"PUT", "PATCH"}


def _body(response: HttpResponse) -> bytes:
    if isinstance(response, Response):
        response.render()
    return response.content


def last_modified_of(data: Any) -> datetime | None:
    """Return the time of the last change of a single item, or None for lists."""
    changed = data.get("updated_at") if isinstance(data, dict) else None
    return datetime.fromisoformat(changed) if changed else None


def is_conditional(request: Request) -> bool:
    """Return whether a change has If-Match or If-Unmodified-Since."""
    headers = request._request.headers
    return request.method in CHANGES and conditional.is_conditional_write(headers)


def check_preconditions(request: Request, shown: Shown, access: Access, target: Any) -> None:
    """Require that the locked item matches the preconditions of the request.

    Raises:
        Refused: 412.
    """
    item = shown(access, target)
    etag = conditional.etag_of(Json().render(item))
    if not conditional.is_as_expected(request._request.headers, etag, last_modified_of(item)):
        raise Refused(
            "The item has changed since, or never had this tag.",
            status=412,
            code="precondition_failed",
            hint="Read it again without parameters, then send its ETag in If-Match.",
        )
