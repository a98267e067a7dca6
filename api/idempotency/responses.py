"""Carry out a request with a key, and store its response in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse

from api.idempotency.claims import in_progress, rows_of
from api.idempotency.keys import RequestIdentity
from api.models import KeyedRequest
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.operations import storage
from harmonic.kernel.operations.redaction import shown_once_by, without_tokens
from harmonic.kernel.refusals import Refused
from harmonic.kernel.rendering.text import storable

KEPT_HEADERS = ("Content-Type", "Location", "ETag")
# Clients are expected to retry these.
NOT_KEPT = frozenset({401, 429})
Respond = Callable[[], HttpResponse]


def respond_and_store(
    request: AccessRequest, identity: RequestIdentity, claim: UUID, respond: Respond
) -> HttpResponse:
    with transaction.atomic():
        response = respond()
        if hasattr(response, "render"):
            response.render()
        if is_kept(identity, response) and not _store(request, identity, claim, response):
            # Another request has taken over, so this one is rolled back.
            raise in_progress()
    return response


def is_kept(identity: RequestIdentity, response: HttpResponse) -> bool:
    is_secret = shown_once_by(response) is not None
    if identity.is_form:
        return is_secret or response.status_code == HTTPStatus.SEE_OTHER
    if response.get("Cache-Control") == "no-store" and not is_secret:
        return False
    if response.status_code >= 400 and _is_long(response):
        # Nothing was changed, so the request can be refused again.
        return False
    return response.status_code < 500 and response.status_code not in NOT_KEPT


def _is_long(response: HttpResponse) -> bool:
    return len(response.content) > KeyedRequest.KEPT_BYTES


def _store(
    request: AccessRequest, identity: RequestIdentity, claim: UUID, response: HttpResponse
) -> bool:
    shown = shown_once_by(response)
    is_body_kept = not (identity.is_form or shown or _is_long(response))
    headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
    body = response.content.decode() if is_body_kept else ""
    answer = {
        "status": response.status_code,
        "headers": headers,
        "body": body,
        "is_body_kept": is_body_kept,
        "object_path": "" if is_body_kept else _object_path(identity, response),
        "secret_id": shown.token_id if shown else "",
        "refusal": _refusal(request) if response.status_code >= 400 else {},
    }
    storage.count(identity.access, storage.size_of(body))
    return bool(rows_of(identity).filter(claim=claim).update(**answer))


def _refusal(request: AccessRequest) -> dict[str, str]:
    refused: Refused | None = getattr(request, "refused", None)
    if refused is None:
        return {}
    told = {"message": refused.message, "code": refused.code, "hint": refused.hint}
    told = {"message": refused.message, "code": refused.code, "hint": refused.hint}
    return {name: str(storable(without_tokens(text))) for name, text in told.items()}


def _object_path(identity: RequestIdentity, response: HttpResponse) -> str:
    location = response.get("Location", "")
    if identity.is_form:
        # Includes the query, which the join page of an invitation has.
        shown = shown_once_by(response)
        return shown.path if shown else location
    return urlsplit(location).path
