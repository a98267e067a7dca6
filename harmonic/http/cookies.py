"""What rides on cookies: the session, and the CSRF token that protects it."""

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
from harmonic.http.outages import outage_answer, outage_of
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.database import outages
from harmonic.kernel.database.outages import Write
from harmonic.kernel.http.methods import SAFE
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.kernel.pages import page_of


class HostSessionMiddleware(SessionMiddleware):
    """Sessions, which a request with an Authorization header neither reads nor writes."""

    def process_request(self, request: HttpRequest) -> None:
        if has_credentials(request):
            request.session = SessionStore()
            return
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        # The answer to an outage has no session, which is no reason to delete the cookie.
        if has_credentials(request) or outage_of(request) is not None:
            return response
        try:
            with _patience(request):
                return super().process_response(request, response)
        except (Error, SessionInterrupted) as error:
            return self._unsaved(request, response, error)

    def _unsaved(
        self, request: HttpRequest, response: HttpResponse, error: Error | SessionInterrupted
    ) -> HttpResponse:
        """Answer a request whose session was not saved.

        A read, and a change that is saved, stand without it. Signing in does not.
        """
        refused = outage_answer(request, _error_of_database(error))
        if refused is None:
            raise error
        waiting = outages.current()
        is_saved = waiting is not None and waiting.write is Write.COMMITTED
        return response if request.method in SAFE or is_saved else refused


def _error_of_database(error: Exception) -> Exception:
    """Return the error for which Django takes a session for deleted: it catches any of them."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, Error):
        cause = cause.__context__
    return cause or error


def _patience(request: HttpRequest) -> AbstractContextManager[object]:
    """Return how long the session of a request waits to be saved: of a read, not for long."""
    return outages.waiting_briefly() if request.method in SAFE else nullcontext()


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
        return (
            rule is not None
            and rule.access_level == AccessLevel.PUBLIC
            and not _only_reads(request, callback)
        )


def _only_reads(request: HttpRequest, callback: object) -> bool:
    """Answer whether the route is a page without actions, which refuses every write."""
    page = page_of(callback)
    return page is not None and not page.actions and request.method not in page.writes
