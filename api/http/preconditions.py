"""Conditional requests on resources: answers carry tags, writes may name the one they saw."""

from __future__ import annotations

from collections.abc import Callable
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
# Returns an item as GET without parameters answers with it.
Shown = Callable[[Access, Any], Any]
# What answers to writes say besides the object.
BESIDES = frozenset({"note"})


def tagged(request: Request, response: HttpResponse) -> None:
    """Add the entity tag of a read's body, or of the object that a write created or changed.

    A response that must not be stored has none. One that has its tag already keeps it.
    """
    if response.status_code != 200 or response["Cache-Control"] == "no-store":
        return
    django = request._request
    data: Any = getattr(response, "data", None)
    if django.method in READS:
        modified_at = modified(data)
        if modified_at:
            response["Last-Modified"] = conditional.last_modified(modified_at)
        etag = response.get("ETag") or conditional.etag_of(_body(response))
        conditional.tag(django.headers, response, etag)
    elif _is_object(request, response) and "include" not in django.GET:
        plain = {key: data[key] for key in data if key not in BESIDES}
        response["ETag"] = conditional.etag_of(Json().render(plain))


def _is_object(request: Request, response: HttpResponse) -> bool:
    """Return whether a response to a write is the object as GET returns it."""
    return response.has_header("Location") or request.method in {"PUT", "PATCH"}


def _body(response: HttpResponse) -> bytes:
    if isinstance(response, Response):
        response.render()
    return response.content


def modified(data: Any) -> datetime | None:
    """Return when a single item changed last, as its representation has it."""
    changed = data.get("updated_at") if isinstance(data, dict) else None
    return datetime.fromisoformat(changed) if changed else None


def is_conditional(request: Request) -> bool:
    """Return whether the sender of a change says what it expects to find."""
    headers = request._request.headers
    return request.method in CHANGES and conditional.is_conditional_write(headers)


def require_as_expected(request: Request, shown: Shown, access: Access, target: Any) -> None:
    """Pass if the item, which is locked, is what its sender has seen.

    Raises:
        Refused: 412.
    """
    item = shown(access, target)
    etag = conditional.etag_of(Json().render(item))
    if not conditional.is_as_expected(request._request.headers, etag, modified(item)):
        raise Refused(
            "The item is not what you expect: it has changed since, or never was so.",
            status=412,
            code="precondition_failed",
            hint="Read it again, without parameters, and send its ETag in If-Match.",
        )
