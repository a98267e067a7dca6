"""Notifications about the use of API tokens: new networks, and many refused requests.

Requests only store their usage (`tokens/usage.py`); the worker looks through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone

from collectives.notifications.models import TokenNotice, TokenNoticeKind
from collectives.notifications.token_notices.people import (
    day,
    named,
    responsible_for,
    tell,
    tokens_with_owners,
    told_person,
)
from harmonic.kernel.database.tenancy import tenant_bound
from tokens.models import ApiToken, TokenNetwork, TokenRefusal, token_path

EVERY = timedelta(minutes=1)
# Tokens that one look tells about.
BATCH = 100
# A token's new networks are told together, at most once in this time.
NETWORKS_TOLD_EVERY = timedelta(hours=1)
# The requests of an hour that may be refused without a notification, and the time until the next.
REFUSED_MORE_THAN = 20
REFUSED_WITHIN = timedelta(hours=1)
REFUSALS_TOLD_EVERY = timedelta(days=1)
# Networks that a notification names.
NAMED_NETWORKS = 5


def _recent(kind: TokenNoticeKind, since: datetime) -> Exists:
    """Return whether a token, in the column `token`, was told about since a time."""
    rows = TokenNotice.unscoped.filter(token=OuterRef("token"), kind=kind, notified_at__gt=since)
    return Exists(rows)


def _begin(token: ApiToken, kind: TokenNoticeKind, now: datetime, pause: timedelta) -> bool:
    """Record a notification; return False if another worker has just sent it."""
    known, is_new = TokenNotice.objects.get_or_create(
        tenant_id=token.tenant_id, token=token, kind=kind, defaults={"notified_at": now}
    )
    if is_new:
        return True
    unchanged = TokenNotice.objects.filter(id=known.id, notified_at__lte=now - pause)
    return bool(unchanged.update(notified_at=now))


# --- New networks ---------------------------------------------------------------------------


def notify_of_networks() -> None:
    """Tell people about the networks that their tokens were used from for the first time."""
    now = timezone.now()
    new = TokenNetwork.unscoped.filter(notified_at=None).exclude(
        _recent(TokenNoticeKind.NETWORK, now - NETWORKS_TOLD_EVERY)
    )
    found = new.order_by().values_list("tenant", "token").distinct()
    for tenant_id, token_id in list(found[:BATCH]):
        with tenant_bound(tenant_id):
            tell_of_networks(token_id, now)


@transaction.atomic
def tell_of_networks(token_id: UUID, now: datetime) -> None:
    """Tell about the new networks of a token; its first network is only marked."""
    rows = TokenNetwork.objects.filter(token=token_id)
    new = list(rows.filter(notified_at=None).order_by("first_used_at", "id"))
    is_first = not rows.exclude(notified_at=None).exists()
    rows.filter(id__in=[each.id for each in new]).update(notified_at=now)
    told = new[1:] if is_first else new
    token = tokens_with_owners().filter(id=token_id).first()
    if token is None or not told:
        return
    user_id = responsible_for(token.owner)
    is_due = _begin(token, TokenNoticeKind.NETWORK, now, NETWORKS_TOLD_EVERY)
    if is_due and told_person(token.tenant_id, user_id) is not None:
        title = f"{named(token)} was used from a new network"
        tell(user_id, [token], title, _networks(told), token_path(token.owner, token.id), now)


def _networks(told: Sequence[TokenNetwork]) -> str:
    names = ", ".join(each.network for each in told[:NAMED_NETWORKS])
    rest = f" and {len(told) - NAMED_NETWORKS} more" if len(told) > NAMED_NETWORKS else ""
    first = day(told[0].first_used_at)
    return f"{names}{rest}, since {first}. If you do not know it, rotate or delete the token."


# --- Refused requests -----------------------------------------------------------------------


def notify_of_refusals() -> None:
    """Tell people about tokens of theirs whose requests are refused again and again."""
    now = timezone.now()
    rows = TokenRefusal.unscoped.filter(at__gt=now - REFUSED_WITHIN).exclude(
        _recent(TokenNoticeKind.REFUSED, now - REFUSALS_TOLD_EVERY)
    )
    counted = rows.order_by().values("tenant", "token").annotate(count=Count("id"))
    many = counted.filter(count__gt=REFUSED_MORE_THAN).values_list("tenant", "token")
    for tenant_id, token_id in list(many[:BATCH]):
        with tenant_bound(tenant_id):
            tell_of_refusals(token_id, now)


@transaction.atomic
def tell_of_refusals(token_id: UUID, now: datetime) -> None:
    """Tell about a token that was refused more often than an hour allows."""
    token = tokens_with_owners().filter(id=token_id).first()
    last = TokenRefusal.objects.filter(token=token_id).order_by("-at", "-id").first()
    if token is None or last is None:
        return
    user_id = responsible_for(token.owner)
    is_due = _begin(token, TokenNoticeKind.REFUSED, now, REFUSALS_TOLD_EVERY)
    if is_due and told_person(token.tenant_id, user_id) is not None:
        title = f"{named(token)} was refused more than {REFUSED_MORE_THAN} times in an hour"
        body = f"Last: {last.request}, {last.status}: {last.sentence}"
        tell(user_id, [token], title, body, token_path(token.owner, token.id), now)
