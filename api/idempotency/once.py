"""Carrying out a POST once: the claim, the effect, and the answer to a repetition."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

from django.db import Error
from django.http import HttpResponse

from api.idempotency.answers import Respond, carried_out, is_kept
from api.idempotency.claims import IN_PROGRESS, claimed, form_in_progress, release, release_claims
from api.idempotency.keys import Asked, asked_by_form, asked_of
from api.idempotency.repetitions import replayed, shown_again
from api.models import KeyedRequest
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.refusals import Refused

# How long a form that is sent again waits for the first sending, and how often it looks.
FORM_WAIT = timedelta(seconds=10)
FORM_RETRY = timedelta(milliseconds=50)


def once(request: AccessRequest, respond: Respond) -> HttpResponse:
    """Answer a POST that has a key: by `respond` the first time, as before the next times.

    Raises:
        Refused: the key is malformed, in use, or was used for something else.
    """
    answer = _once(asked_of(request), respond)
    return replayed(request, answer) if isinstance(answer, KeyedRequest) else answer


def once_by_form(request: AccessRequest, key: str, respond: Respond) -> HttpResponse:
    """Answer a form by `respond` the first time, then with a redirect to what that made.

    A repetition waits while the first sending runs. A form that is refused may be sent again.

    Raises:
        Refused: the first sending still runs after `FORM_WAIT`, or `respond` refuses.
    """
    asked = asked_by_form(request, key)
    give_up_at = time.monotonic() + FORM_WAIT.total_seconds()
    while True:
        try:
            answer = _once(asked, respond)
        except Refused as refused:
            if refused.code != IN_PROGRESS:
                raise
            if time.monotonic() > give_up_at:
                raise form_in_progress() from refused
            time.sleep(FORM_RETRY.total_seconds())
        else:
            return shown_again(request, answer) if isinstance(answer, KeyedRequest) else answer


def _once(asked: Asked, respond: Respond) -> HttpResponse | KeyedRequest:
    """Return the answer of `respond`, or the row of an earlier request under the same key."""
    claim = uuid.uuid4()
    release_claims()
    try:
        earlier = claimed(asked, claim)
    except Error:  # it may have been claimed all the same
        release(asked, claim)
        raise
    if earlier is not None:
        return earlier
    try:
        response = carried_out(asked, claim, respond)
    except BaseException:
        release(asked, claim)
        raise
    if not is_kept(asked, response):
        release(asked, claim)
    return response
