"""Middleware that judges and reads a request's body before anything else does."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse

from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.parameters.decoding import read_body
from harmonic.kernel.refusals import Refused

GetResponse = Callable[[AccessRequest], HttpResponse]


class BodyMiddleware:
    """Read the body whole, so that everything behind it decides about a complete request.

    It stands before sessions and the CSRF check, which are the first to look into a body. What it
    refuses, the access middleware answers, in the format asked for, once it knows the tenant.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: AccessRequest) -> HttpResponse:
        request.refused_body = refused_body(request)
        return self.get_response(request)


def refused_body(request: AccessRequest) -> Refused | None:
    """Read the body, and return the refusal if it cannot be taken."""
    try:
        read_body(request)
    except Refused as refused:
        return refused
    return None
