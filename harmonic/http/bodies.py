"""Middleware that validates and reads a request's body before all other code."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse

from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.parameters.decoding import read_body
from harmonic.kernel.refusals import Refused

GetResponse = Callable[[AccessRequest], HttpResponse]


class BodyMiddleware:
    """Middleware that reads the whole body, so that later code sees a complete request.

    It runs before sessions and the CSRF check, which read the body first. The access middleware
    renders its refusal in the requested format, once the tenant is known.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: AccessRequest) -> HttpResponse:
        request.refused_body = refused_body(request)
        return self.get_response(request)


def refused_body(request: AccessRequest) -> Refused | None:
    """Read the body; return the refusal, or None if the body is valid."""
    try:
        read_body(request)
    except Refused as refused:
        return refused
    return None
