"""Middleware that removes API tokens from responses."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from harmonic.kernel.operations.redaction import redact

GetResponse = Callable[[HttpRequest], HttpResponse]


class RedactionMiddleware:
    """Middleware that removes API tokens from every response.

    People and programs put tokens into URLs, forms and notes by mistake. What a response repeats
    ends up in histories, logs and caches. This middleware runs outside all others.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        redact(response)
        return response
