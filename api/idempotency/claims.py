"""Claims: rows that reserve a key before its request is carried out."""

from __future__ import annotations

from collections import deque
from uuid import UUID

from django.db import Error, IntegrityError, transaction
from django.db.models import QuerySet

from api.idempotency.keys import HEADER, RequestIdentity
from api.models import KeyedRequest
from harmonic.kernel.database import outages
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.refusals import Refused

IN_PROGRESS = "idempotency_in_progress"


def rows_of(identity: RequestIdentity) -> QuerySet[KeyedRequest]:
    user = identity.access.user.user_id
    return KeyedRequest.objects.filter(user=user, key_digest=identity.key_digest)


def claim_key(identity: RequestIdentity, claim: UUID) -> KeyedRequest | None:
    """Claim the key, or return the earlier request with this key that has a response.

    Raises:
        Refused: the earlier request is still running, or had other parameters.
    """
    access = identity.access
    too_old = access.now - KeyedRequest.LIFETIME
    KeyedRequest.objects.filter(created_at__lt=too_old).delete()
    try:
        with transaction.atomic():
            _insert(identity, claim)
    except IntegrityError:
        return _earlier_request(identity, claim)
    return None


def _insert(identity: RequestIdentity, claim: UUID) -> None:
    access = identity.access
    KeyedRequest.objects.create(
        tenant_id=access.tenant.id,
        user_id=access.user.user_id,
        method="POST",
        path=identity.path,
        key_digest=identity.key_digest,
        body_digest=identity.body_digest,
        claim=claim,
        claimed_at=access.now,
        created_at=access.now,
    )


def _earlier_request(identity: RequestIdentity, claim: UUID) -> KeyedRequest | None:
    found: KeyedRequest | None = rows_of(identity).first()
    if found is not None and found.body_digest != identity.body_digest:
        raise Refused(
            f"This {HEADER} was used for another request.",
            status=422,
            code="idempotency_key_reused",
            hint="Send the same parameters, or use another key.",
        )
    if found is not None and found.status is not None:
        return found
    if found is None or not _take_over(identity, found, claim):
        raise in_progress()
    return None


def _take_over(identity: RequestIdentity, found: KeyedRequest, claim: UUID) -> bool:
    """Take over an interrupted request; return whether this attempt succeeded."""
    now = identity.access.now
    if found.claimed_at > now - KeyedRequest.CUT_OFF_AFTER:
        return False
    running = rows_of(identity).filter(claim=found.claim, status=None)
    return bool(running.update(claim=claim, claimed_at=now))


def in_progress() -> Refused:
    return Refused(
        f"A request with this {HEADER} is still running.",
        status=409,
        code="idempotency_in_progress",
        hint="Retry in a second.",
        headers={"Retry-After": "1"},
    )


def form_in_progress() -> Refused:
    return Refused(
        "This form was already submitted and is still being processed.",
        status=409,
        code="idempotency_in_progress",
        hint="Wait a moment, then reload this page to see the result.",
        headers={"Retry-After": "1"},
    )


# Claims that could not be released because the database was unavailable.
_unreleased: deque[tuple[RequestIdentity, UUID]] = deque(maxlen=1000)


def release(identity: RequestIdentity, claim: UUID) -> None:
    """Release the claim of a request that was not carried out, as soon as the database allows."""
    _unreleased.append((identity, claim))
    release_claims()


def release_claims() -> None:
    """Delete released claims, except those with a response, whose COMMIT succeeded after all."""
    while _unreleased:
        try:
            identity, claim = _unreleased.popleft()
        except IndexError:  # another thread took it
            return
        try:
            with outages.waiting_briefly(), tenant_bound(identity.access.tenant.id):
                rows_of(identity).filter(claim=claim, status=None).delete()
        except Error:
            _unreleased.append((identity, claim))
            return
