"""`Idempotency-Key` on the actions of pages, for whoever reads them as Markdown or JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse

from api import idempotency
from harmonic.http.refusals import render_refusal
from harmonic.kernel.access import Refused
from harmonic.kernel.http.negotiation import Format, is_api_path
from harmonic.kernel.pages import Request

View = Callable[..., HttpResponse]


class KeyedPagesMiddleware:
    """Carries out a page's POST with a key once. It stands behind the access middleware.

    What the API answers, its own views take care of.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if not is_keyed(request):
            return None

        def respond() -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except Refused as refused:
                return render_refusal(request, refused)

        try:
            response = idempotency.once(request, respond)
        except Refused as refused:
            if refused.code == "idempotency_key_reused":
                refused.status = 409
            return render_refusal(request, refused)
        if response.has_header(idempotency.REPLAYED):
            del response[idempotency.REPLAYED]
            response["Idempotent-Replayed"] = "true"
        return response


def is_keyed(request: HttpRequest) -> bool:
    """Answer whether a page is written to under a key; what browsers send has none."""
    access = cast(Request, request).access
    is_write = request.method == "POST" and idempotency.HEADER in request.headers
    is_page = not is_api_path(access.path) and access.format != Format.HTML
    return is_write and is_page and access.actor is not None
