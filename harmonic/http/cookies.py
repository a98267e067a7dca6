"""Middleware for cookies: sessions and CSRF protection."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from harmonic.access.checks import rule_of
from harmonic.access.credentials import has_credentials
from harmonic.http.outages import outage_of, outage_response
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.database import outages
from harmonic.kernel.database.outages import Write
from harmonic.kernel.http.methods import SAFE
from harmonic.kernel.http.negotiation import Format, is_api_path
from harmonic.kernel.pages import page_of


class HostSessionMiddleware(SessionMiddleware):
    """Session middleware that ignores the session of requests with an Authorization header."""

    def process_request(self, request: HttpRequest) -> None:
        if has_credentials(request):
            request.session = SessionStore()
            return
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        # The response to an outage has an empty session; the cookie must survive it.
        if has_credentials(request) or outage_of(request) is not None:
            return response
        try:
            with _saving_context(request):
                return super().process_response(request, response)
        except (Error, SessionInterrupted) as error:
            return self._unsaved(request, response, error)

    def _unsaved(
        self, request: HttpRequest, response: HttpResponse, error: Error | SessionInterrupted
    ) -> HttpResponse:
        """Return the response to a request whose session was not saved.

        Reads and committed writes keep their response. Others, such as signing in, are refused.
        """
        refused = outage_response(request, _error_of_database(error))
        if refused is None:
            raise error
        waiting = outages.current()
        is_saved = waiting is not None and waiting.write is Write.COMMITTED
        return response if request.method in SAFE or is_saved else refused


def _error_of_database(error: Exception) -> Exception:
    """Return the database error that Django reports as a deleted session."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, Error):
        cause = cause.__context__
    return cause or error


def _saving_context(request: HttpRequest) -> AbstractContextManager[object]:
    """Return the context to save a session in: a read waits only briefly for the database."""
    return outages.waiting_briefly() if request.method in SAFE else nullcontext()


class CsrfMiddleware(CsrfViewMiddleware):
    """CSRF middleware that checks only the requests that the token protects.

    These are requests of signed-in sessions and writes to public routes, such as signing in. All
    others are left to the access middleware or the page.
    """

    def process_request(self, request: HttpRequest) -> None:
        # Public clients send the token under this name.
        if "HTTP_X_CSRF_TOKEN" in request.META:
            request.META.setdefault("HTTP_X_CSRFTOKEN", request.META["HTTP_X_CSRF_TOKEN"])
        super().process_request(request)

    def process_view(  # type: ignore[override]  # returns HttpResponse, not only HttpResponseForbidden
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
        if access.session_end_reason and access.format == Format.HTML:
            # Its form is kept until the person signs in, so it must be one of ours.
            return True
        rule = rule_of(callback)
        return (
            rule is not None
            and rule.access_level == AccessLevel.PUBLIC
            and not _only_reads(request, callback)
        )


def _only_reads(request: HttpRequest, callback: object) -> bool:
    """Return whether the route is a page without actions, which refuses all writes."""
    page = page_of(callback)
    return page is not None and not page.actions and request.method not in page.writes
