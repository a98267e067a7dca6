"""Database outages during a request: one retry of reads, and the response (503)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse

from harmonic.http.refusals import render_refusal
from harmonic.kernel.access import Access
from harmonic.kernel.database import outages
from harmonic.kernel.database.outages import CommitInDoubt, Waiting, Write
from harmonic.kernel.http.methods import SAFE
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.refusals import Refused

GetResponse = Callable[[HttpRequest], HttpResponse]

RETRY_AFTER_SECONDS = 2
_log = logging.getLogger(__name__)
# Gives a request an empty message store.
_MESSAGES = MessageMiddleware(lambda request: HttpResponse())


class OutageMiddleware:
    """Middleware that responds to database outages with 503, after one retry of a read.

    It runs before all code that uses the database. Exceptions of views reach
    `process_exception`; middleware that uses the database calls `outage_response` itself.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        arrived = dict(request.__dict__)
        with outages.waiting() as waiting:
            response = self.get_response(request)
            if _is_worth_repeating(request, waiting):
                _log.info("Retrying a read on another database connection.")
                request.__dict__.clear()
                request.__dict__.update(arrived)
                response = self.get_response(request)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return outage_response(request, error)


def _is_worth_repeating(request: HttpRequest, waiting: Waiting) -> bool:
    error = outage_of(request)
    is_read = request.method in SAFE
    return error is not None and is_read and outages.is_lost(error) and not waiting.is_away


def outage_of(request: HttpRequest) -> Exception | None:
    """Return the outage that occurred during a request, or None."""
    return getattr(request, "outage", None)


def outage_response(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return the response to an outage, or None if the error is not an outage.

    It is rendered without the session, which may not have been read yet.
    """
    if not outages.is_outage(error):
        return None
    refused = refusal_of(request, error)
    cause = str(error).partition("\n")[0]
    _log.warning("The database is unavailable: %s", cause, extra={"audit": {"code": refused.code}})
    request.__dict__["outage"] = error
    request.session = SessionStore()
    _MESSAGES.process_request(request)
    return render_refusal(request, refused)


# --- Refusals -------------------------------------------------------------------------------


def refusal_of(request: HttpRequest, error: Exception) -> Refused:
    """Return the refusal for an outage: whether the request was carried out, and what to do."""
    waiting = outages.current()
    write = waiting.write if waiting else Write.NONE
    if request.method in SAFE:
        return _unavailable("The database is temporarily unavailable.", request)
    if write is Write.COMMITTED:
        return _committed()
    if write is Write.PERFORMED and isinstance(error, CommitInDoubt):
        return _in_doubt(request)
    return _unavailable("The database is temporarily unavailable. Nothing was changed.", request)


def _unavailable(message: str, request: HttpRequest) -> Refused:
    is_form = _is_page(request) and request.method not in SAFE
    again = "Reload this page to send the form again" if is_form else "Try again"
    return Refused(
        message,
        status=503,
        code="unavailable",
        hint=f"{again} in a few seconds.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _in_doubt(request: HttpRequest) -> Refused:
    """Return the refusal of a write whose COMMIT got no answer.

    Only a request with a key can be repeated without a check, so only that gets `Retry-After`.
    """
    message = (
        "The connection to the database was lost while your change was being saved."
        " It may or may not have been saved."
    )
    if _is_keyed(request):
        hint = "Send the request again with the same Idempotency-Key. It is carried out only once."
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    else:
        hint = (
            "Check whether it was saved before you send it again. Requests with an Idempotency-Key"
            " can be repeated safely."
        )
        headers = {}
    return Refused(message, status=503, code="write_in_doubt", hint=hint, headers=headers)


def _committed() -> Refused:
    return Refused(
        "Your change was saved, but the database became unavailable before it could be shown.",
        status=503,
        code="write_saved",
        hint="Do not send it again. Check the result in a few seconds.",
    )


def _is_page(request: HttpRequest) -> bool:
    access: Access | None = getattr(request, "access", None)
    return access is not None and access.format == Format.HTML


def _is_keyed(request: HttpRequest) -> bool:
    is_sent = request.method == "POST" and "Idempotency-Key" in request.headers
    return is_sent and not _is_page(request)
