"""Carry out a POST with a key once, and respond to repetitions."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

from django.db import Error
from django.http import HttpResponse

from api.idempotency.claims import IN_PROGRESS, claim_key, form_in_progress, release, release_claims
from api.idempotency.keys import RequestIdentity, identity_of, identity_of_form
from api.idempotency.repetitions import redirect_to_result, replay
from api.idempotency.responses import Respond, is_kept, respond_and_store
from api.models import KeyedRequest
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.refusals import Refused

# How long a repeated form waits for the first submission, and how often it checks.
FORM_WAIT = timedelta(seconds=10)
FORM_RETRY = timedelta(milliseconds=50)


def once(request: AccessRequest, respond: Respond) -> HttpResponse:
    """Return the response to a POST with a key: of `respond` at first, then the stored one.

    Raises:
        Refused: the key is malformed, in use, or was used with other parameters.
    """
    answer = _once(request, identity_of(request), respond)
    return replay(request, answer) if isinstance(answer, KeyedRequest) else answer


def once_by_form(request: AccessRequest, key: str, respond: Respond) -> HttpResponse:
    """Return the response of `respond` to a form at first, then a redirect to its result.

    A repetition waits while the first submission runs. A refused form can be submitted again.

    Raises:
        Refused: the first submission still runs after `FORM_WAIT`, or `respond` refuses.
    """
    identity = identity_of_form(request, key)
    give_up_at = time.monotonic() + FORM_WAIT.total_seconds()
    while True:
        try:
            answer = _once(request, identity, respond)
        except Refused as refused:
            if refused.code != IN_PROGRESS:
                raise
            if time.monotonic() > give_up_at:
                raise form_in_progress() from refused
            time.sleep(FORM_RETRY.total_seconds())
        else:
            if isinstance(answer, KeyedRequest):
                return redirect_to_result(request, answer)
            return answer


def _once(
    request: AccessRequest, identity: RequestIdentity, respond: Respond
) -> HttpResponse | KeyedRequest:
    """Return the response of `respond`, or the row of an earlier request with the same key."""
    claim = uuid.uuid4()
    release_claims()
    try:
        earlier = claim_key(identity, claim)
    except Error:  # the claim may have been saved nevertheless
        release(identity, claim)
        raise
    if earlier is not None:
        return earlier
    try:
        response = respond_and_store(request, identity, claim, respond)
    except BaseException:
        release(identity, claim)
        raise
    if not is_kept(identity, response):
        release(identity, claim)
    return response
