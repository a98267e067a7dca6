"""What rides on cookies: the session, and the CSRF token that protects it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from harmonic.access.checks import rule_of
from harmonic.access.credentials import has_credentials
from harmonic.kernel.access import Access, Door
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.kernel.pages import Page


class HostSessionMiddleware(SessionMiddleware):
    """Sessions, which a request with an Authorization header neither reads nor writes."""

    def process_request(self, request: HttpRequest) -> None:
        if has_credentials(request):
            request.session = SessionStore()
            return
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if has_credentials(request):
            return response
        return super().process_response(request, response)


class CsrfMiddleware(CsrfViewMiddleware):
    """Asks for the CSRF token where it protects something.

    That is a request which rides on a signed-in session, or a write that is open to nobody
    signed in. Everything else is for the access middleware, or the page, to refuse.
    """

    def process_request(self, request: HttpRequest) -> None:
        # The name that public clients send.
        if "HTTP_X_CSRF_TOKEN" in request.META:
            request.META.setdefault("HTTP_X_CSRFTOKEN", request.META["HTTP_X_CSRF_TOKEN"])
        super().process_request(request)

    def process_view(  # type: ignore[override]  # a refusal of ours is an answer too
        self,
        request: HttpRequest,
        callback: Callable[..., Any],
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        if has_credentials(request) or not self._protects(request, callback):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)

    def _protects(self, request: HttpRequest, callback: object) -> bool:
        access: Access | None = getattr(request, "access", None)
        if access is None or access.actor is not None:
            return not is_api_path(request.path)
        rule = rule_of(callback)
        return rule is not None and rule.door == Door.PUBLIC and not _only_reads(request, callback)


def _only_reads(request: HttpRequest, callback: object) -> bool:
    """Answer whether the route is a page without actions, which refuses every write."""
    page: Page | None = getattr(callback, "page", None)
    return page is not None and not page.actions and request.method not in page.writes
