"""Middleware for idempotency keys on pages: the header of programs, the hidden field of forms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse

from api.idempotency.keys import HEADER, form_key
from api.idempotency.once import once, once_by_form
from harmonic.http.outages import outage_response
from harmonic.http.refusals import render_refusal
from harmonic.kernel.http.negotiation import Format, is_api_path
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.refusals import Refused

View = Callable[..., HttpResponse]


class KeyedPagesMiddleware:
    """Middleware that carries out a page's POST with a key once. Runs after the access middleware.

    The views of the API handle their keys themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: AccessRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        access = request.access
        is_page = access.actor is not None and not is_api_path(access.path)
        if request.method != "POST" or not is_page:
            return None
        respond = partial(view, request, *args, **kwargs)
        try:
            if access.format == Format.HTML:
                key = form_key(request)
                return once_by_form(request, key, respond) if key else None
            if HEADER in request.headers:
                return _answered_once(request, respond)
        except Refused as refused:
            return render_refusal(request, refused)
        except Error as error:
            if (answer := outage_response(request, error)) is None:
                raise
            return answer
        return None


def _answered_once(request: AccessRequest, respond: Callable[[], HttpResponse]) -> HttpResponse:
    """Return the response to a program's POST with a key; errors are rendered as on pages.

    Raises:
        Refused: `once` refuses the key.
    """

    def answered() -> HttpResponse:
        try:
            return respond()
        except Refused as refused:
            return render_refusal(request, refused)

    return once(request, answered)
