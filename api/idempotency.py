"""Keys of POSTs: one that is sent again is carried out once.

Programs send the header `Idempotency-Key`, and are answered as before (`docs/api.md`, Repeating a
request). Forms of pages carry a key of their own in a hidden field, and lead to what the first
sending made (`docs/decisions/`, 0018).

The key is claimed by a row before anything happens, under a unique constraint. The effect
and the answer are then stored in one transaction: a request that is cut off has changed
nothing and may be taken over.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib import messages
from django.db import Error, IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import resolve

from api.models import KeyedRequest
from harmonic.http.refusals import api_error
from harmonic.kernel.access import Access
from harmonic.kernel.database import outages
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.kernel.http.request import Request
from harmonic.kernel.operations import storage
from harmonic.kernel.parameters.decoding import FORM_KEY, FORMS, raw_of, raw_of_body
from harmonic.kernel.refusals import NotFound, Refused
from harmonic.kernel.rendering.documents import keep_private
from harmonic.kernel.rendering.text import folded

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY_LENGTH = 255
_KEY = re.compile(
    rf'"([\x20-\x21\x23-\x7e]{{1,{KEY_LENGTH}}})"'
    rf"|([\x21\x23-\x7e][\x20-\x7e]{{0,{KEY_LENGTH - 1}}})"
)
_PLACE = re.compile(r"/(collectives|workspace)/(?P<handle>[^/]+)(?=/)")
CSRF_FIELD = "csrfmiddlewaretoken"
IN_PROGRESS = "idempotency_in_progress"
# How long a form that is sent again waits for the first sending, and how often it looks.
FORM_WAIT = timedelta(seconds=10)
FORM_RETRY = timedelta(milliseconds=50)
KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_CONDITIONS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"})
# The sender is to try these again.
NOT_KEPT = frozenset({401, 429})

SHOWN_ONCE = (
    "You had already sent this form, so no second token was created. The token was shown in the"
    " first answer only and cannot be shown again. If you did not copy it, delete it and create"
    " another."
)

Respond = Callable[[], HttpResponse]


@dataclass(frozen=True, slots=True)
class Asked:
    """A POST under a key, as it is told from others."""

    access: Access
    path: str
    key_digest: str
    body_digest: str
    is_form: bool = False


def once(request: HttpRequest, respond: Respond) -> HttpResponse:
    """Answer a POST that has a key: by `respond` the first time, as before the next times.

    Raises:
        Refused: the key is malformed, in use, or was used for something else.
    """
    answer = _once(_asked(request), respond)
    return _replayed(request, answer) if isinstance(answer, KeyedRequest) else answer


def once_by_form(request: HttpRequest, key: str, respond: Respond) -> HttpResponse:
    """Answer a form by `respond` the first time, then with a redirect to what that made.

    A repetition waits while the first sending runs. A form that is refused may be sent again.

    Raises:
        Refused: the first sending still runs after `FORM_WAIT`, or `respond` refuses.
    """
    asked = _asked_by_form(request, key)
    give_up_at = time.monotonic() + FORM_WAIT.total_seconds()
    while True:
        try:
            answer = _once(asked, respond)
        except Refused as refused:
            if refused.code != IN_PROGRESS:
                raise
            if time.monotonic() > give_up_at:
                raise _form_in_progress() from refused
            time.sleep(FORM_RETRY.total_seconds())
        else:
            return _shown_again(request, answer) if isinstance(answer, KeyedRequest) else answer


def _once(asked: Asked, respond: Respond) -> HttpResponse | KeyedRequest:
    """Return the answer of `respond`, or the row of an earlier request under the same key."""
    claim = uuid.uuid4()
    _release_claims()
    try:
        earlier = _claimed(asked, claim)
    except Error:  # it may have been claimed all the same
        _release(asked, claim)
        raise
    if earlier is not None:
        return earlier
    try:
        response = _carried_out(asked, claim, respond)
    except BaseException:
        _release(asked, claim)
        raise
    if not _is_kept(asked, response):
        _release(asked, claim)
    return response


# --- What is asked --------------------------------------------------------------------------


def form_key(request: HttpRequest) -> str:
    """Return the key that a form carries, or "" where it has none that can be read."""
    if request.content_type not in FORMS:
        return ""
    try:
        keys = raw_of_body(request).values.get(FORM_KEY) or [""]
    except Refused:
        return ""
    return keys[-1] if _KEY.fullmatch(keys[-1]) else ""


def _asked_by_form(request: HttpRequest, key: str) -> Asked:
    """Return what a form asks. One that was changed before it was sent again asks for more."""
    access = cast(Request, request).access
    path = _path(access)
    body = _body_digest(request)
    told_apart = f"form\n{path}\n{key}\n{body}"
    return Asked(access, path, _digest(told_apart.encode()), body, is_form=True)


def _asked(request: HttpRequest) -> Asked:
    access = cast(Request, request).access
    method, path = request.method or "", _path(access)
    told_apart = f"{method}\n{path}\n{_key(request.headers[HEADER])}"
    return Asked(access, path, _digest(told_apart.encode()), _body_digest(request))


def _path(access: Access) -> str:
    """Return the path in which a collective is written in one way, however it was sent."""
    named, place = _PLACE.match(access.path), access.place
    if named is None or place is None or folded(named["handle"]) != place.handle:
        return access.path
    return f"{place.path}{access.path[named.end() :]}"


def _key(header: str) -> str:
    match = _KEY.fullmatch(header.strip())
    if match is None:
        raise Refused(
            f"{HEADER} must be 1 to 255 printable ASCII characters, bare or in double quotes.",
            status=400,
            code="idempotency_key_invalid",
        )
    return match[1] or match[2]


def _body_digest(request: HttpRequest) -> str:
    """Return the digest of the parameters; of the bytes where they cannot be read."""
    try:
        sent = raw_of(request).values.items()
        values = json.dumps(
            {name: value for name, value in sent if name != CSRF_FIELD}, sort_keys=True
        ).encode()
    except Refused:
        values = f"{request.META.get('QUERY_STRING', '')}\n".encode() + request.body
    return _digest(values)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- The claim ------------------------------------------------------------------------------


def _rows(asked: Asked) -> QuerySet[KeyedRequest]:
    user = asked.access.user.user_id
    return KeyedRequest.objects.filter(user=user, key_digest=asked.key_digest)


def _claimed(asked: Asked, claim: UUID) -> KeyedRequest | None:
    """Claim the key, or return the request that had it before and is answered.

    Raises:
        Refused: that one runs still, or asked for something else.
    """
    access = asked.access
    too_old = access.now - KeyedRequest.LIFETIME
    KeyedRequest.objects.filter(created_at__lt=too_old).delete()
    try:
        with transaction.atomic():
            _insert(asked, claim)
    except IntegrityError:
        return _earlier(asked, claim)
    return None


def _insert(asked: Asked, claim: UUID) -> None:
    access = asked.access
    KeyedRequest.objects.create(
        tenant_id=access.tenant.id,
        user_id=access.user.user_id,
        method="POST",
        path=asked.path,
        key_digest=asked.key_digest,
        body_digest=asked.body_digest,
        claim=claim,
        claimed_at=access.now,
        created_at=access.now,
    )


def _earlier(asked: Asked, claim: UUID) -> KeyedRequest | None:
    found: KeyedRequest | None = _rows(asked).first()
    if found is not None and found.body_digest != asked.body_digest:
        raise Refused(
            f"This {HEADER} was used for another request.",
            # The contract of pages has another status than that of the API.
            status=422 if is_api_path(asked.path) else 409,
            code="idempotency_key_reused",
            hint="Send the same parameters, or another key.",
        )
    if found is not None and found.status is not None:
        return found
    if found is None or not _taken_over(asked, found, claim):
        raise in_progress()
    return None


def _taken_over(asked: Asked, found: KeyedRequest, claim: UUID) -> bool:
    """Take over a request that was cut off; of several who try, one does."""
    now = asked.access.now
    if found.claimed_at > now - KeyedRequest.CUT_OFF_AFTER:
        return False
    running = _rows(asked).filter(claim=found.claim, status=None)
    return bool(running.update(claim=claim, claimed_at=now))


def in_progress() -> Refused:
    return Refused(
        f"A request with this {HEADER} is still running.",
        status=409,
        code="idempotency_in_progress",
        hint="Send it again in a second.",
        headers={"Retry-After": "1"},
    )


def _form_in_progress() -> Refused:
    return Refused(
        "This form was sent before and is still being carried out.",
        status=409,
        code="idempotency_in_progress",
        hint="Wait a moment, then reload this page to see what it made.",
        headers={"Retry-After": "1"},
    )


# Claims that could not be released because the database was away.
_unreleased: deque[tuple[Asked, UUID]] = deque(maxlen=1000)


def _release(asked: Asked, claim: UUID) -> None:
    """Release the claim of a request that was not carried out, now or once the database is back."""
    _unreleased.append((asked, claim))
    _release_claims()


def _release_claims() -> None:
    """Delete released claims. One that has an answer stays: a COMMIT in doubt was done."""
    while _unreleased:
        try:
            asked, claim = _unreleased.popleft()
        except IndexError:  # another thread was quicker
            return
        try:
            with outages.waiting_briefly(), tenant_bound(asked.access.tenant.id):
                _rows(asked).filter(claim=claim, status=None).delete()
        except Error:
            _unreleased.append((asked, claim))
            return


# --- The answer -----------------------------------------------------------------------------


def _carried_out(asked: Asked, claim: UUID, respond: Respond) -> HttpResponse:
    with transaction.atomic():
        response = respond()
        if hasattr(response, "render"):
            response.render()
        if _is_kept(asked, response) and not _stored(asked, claim, response):
            # Somebody took over meanwhile; what was done here is undone.
            raise in_progress()
    return response


def _is_kept(asked: Asked, response: HttpResponse) -> bool:
    if asked.is_form:
        return hasattr(response, "secret_id") or response.status_code == HTTPStatus.SEE_OTHER
    if response.get("Cache-Control") == "no-store" and not hasattr(response, "secret_id"):
        return False
    if response.status_code >= 400 and _is_long(response):
        # Nothing was done, and it can be refused again.
        return False
    return response.status_code < 500 and response.status_code not in NOT_KEPT


def _is_long(response: HttpResponse) -> bool:
    return len(response.content) > KeyedRequest.KEPT_BYTES


def _stored(asked: Asked, claim: UUID, response: HttpResponse) -> bool:
    secret_id = str(getattr(response, "secret_id", ""))
    is_body_kept = not (asked.is_form or secret_id or _is_long(response))
    headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    body = response.content.decode() if is_body_kept else ""
    answer = {
        "status": response.status_code,
        "headers": headers,
        "body": body,
        "is_body_kept": is_body_kept,
        "object_path": "" if is_body_kept else _object_path(asked, response),
        "secret_id": secret_id,
    }
    storage.count(asked.access, storage.size_of(body))
    return bool(_rows(asked).filter(claim=claim).update(**answer))


def _object_path(asked: Asked, response: HttpResponse) -> str:
    location = response.get("Location", "")
    if asked.is_form:
        # With its query: the join page of an invitation has one.
        return str(getattr(response, "shown_at", location))
    return urlsplit(location).path


def _shown_again(request: HttpRequest, earlier: KeyedRequest) -> HttpResponse:
    """Lead to what a form made the first time; what was secret in that answer is not kept."""
    if earlier.secret_id:
        messages.warning(request, SHOWN_ONCE)
    else:
        messages.info(request, "You had already sent this form, so nothing was done again.")
    response = HttpResponseRedirect(earlier.object_path, status=HTTPStatus.SEE_OTHER)
    keep_private(response)
    return response


def _replayed(request: HttpRequest, earlier: KeyedRequest) -> HttpResponse:
    if earlier.secret_id:
        raise Refused(
            "The answer held a token, which is shown once and was not kept.",
            status=409,
            code="idempotency_secret_unavailable",
            hint=f"Delete the token {earlier.secret_id}, and make another under another key.",
            extra={"id": earlier.secret_id},
        )
    response = _again(request, earlier) if earlier.is_body_kept else _reread(request, earlier)
    response[REPLAYED] = "true"
    keep_private(response)
    return response


def _again(request: HttpRequest, earlier: KeyedRequest) -> HttpResponse:
    assert earlier.status is not None  # it is answered
    if earlier.status >= 400 and is_api_path(earlier.path):
        # Whether as problem details, each request says for itself.
        return api_error(request, json.loads(earlier.body))
    return HttpResponse(earlier.body, status=earlier.status, headers=earlier.headers)


def _reread(request: HttpRequest, earlier: KeyedRequest) -> HttpResponse:
    """Answer with what the request made, as it is now, under the status of the first answer.

    Raises:
        Refused: it is gone, or has no address to read it from.
    """
    if not earlier.object_path:
        raise Refused(
            "This request was carried out; its answer was too long to be kept.",
            status=409,
            code="idempotency_answer_not_kept",
            hint="Read what it changed. To do it once more, send it under another key.",
        )
    reading = _reading(request, earlier.object_path)
    match = resolve(earlier.object_path)
    # The collective is that of this request, to which its sender was let in.
    named = {name: value for name, value in match.kwargs.items() if name != "collective"}
    response = cast(HttpResponse, match.func(reading, *match.args, **named))
    if response.status_code != 200:
        raise NotFound(
            "What this request made is no longer there.",
            hint="To make it once more, send the request under another key.",
        )
    if hasattr(response, "render"):
        response.render()
    response.status_code = cast(int, earlier.status)
    response["Location"] = earlier.headers["Location"]
    del response["Last-Modified"]
    return response


def _reading(request: HttpRequest, path: str) -> HttpRequest:
    """Return the request that reads `path`, sent by whoever sent `request`."""
    reading = copy.copy(request)
    reading.__dict__.pop("headers", None)  # made from META when first asked for
    reading.method, reading.path, reading.path_info = "GET", path, path
    reading.META = {name: value for name, value in request.META.items() if name not in _CONDITIONS}
    included = {"include": request.GET.getlist("include")}
    reading.GET = QueryDict(urlencode(included, doseq=True))
    access = replace(cast(Request, request).access, path=path, query=reading.GET.dict())
    cast(Request, reading).access = access
    return reading
