"""Notifications about the use of API tokens: new networks, and many refused requests.

Requests only store the usage of tokens (`tokens/usage.py`); a worker evaluates it.
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
    active_person,
    day,
    named,
    notify_of_tokens,
    responsible_for,
    tokens_with_owners,
)
from harmonic.kernel.database.tenancy import tenant_bound
from tokens.models import ApiToken, TokenNetwork, TokenRefusal, token_path

EVERY = timedelta(minutes=1)
# The number of tokens per run.
BATCH = 100
# The minimum time between notifications of a token's new networks, which are sent together.
NETWORKS_PAUSE = timedelta(hours=1)
# The number of refused requests per hour without a notification, and the time between two.
REFUSED_MORE_THAN = 20
REFUSED_WITHIN = timedelta(hours=1)
REFUSALS_PAUSE = timedelta(days=1)
# The number of networks that a notification names.
NAMED_NETWORKS = 5


def _recent(kind: TokenNoticeKind, since: datetime) -> Exists:
    """Return the condition that a notification of the token in `token` was sent since a time."""
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
    """Notify people of networks from which their tokens were used for the first time."""
    now = timezone.now()
    new = TokenNetwork.unscoped.filter(notified_at=None).exclude(
        _recent(TokenNoticeKind.NETWORK, now - NETWORKS_PAUSE)
    )
    found = new.order_by().values_list("tenant", "token").distinct()
    for tenant_id, token_id in list(found[:BATCH]):
        with tenant_bound(tenant_id):
            notify_of_token_networks(token_id, now)


@transaction.atomic
def notify_of_token_networks(token_id: UUID, now: datetime) -> None:
    """Notify of the new networks of a token. Its first network is only marked."""
    rows = TokenNetwork.objects.filter(token=token_id)
    new = list(rows.filter(notified_at=None).order_by("first_used_at", "id"))
    is_first = not rows.exclude(notified_at=None).exists()
    rows.filter(id__in=[each.id for each in new]).update(notified_at=now)
    shown = new[1:] if is_first else new
    token = tokens_with_owners().filter(id=token_id).first()
    if token is None or not shown:
        return
    user_id = responsible_for(token.owner)
    is_due = _begin(token, TokenNoticeKind.NETWORK, now, NETWORKS_PAUSE)
    if is_due and active_person(token.tenant_id, user_id) is not None:
        title = f"{named(token)} was used from a new network"
        path = token_path(token.owner, token.id)
        notify_of_tokens(user_id, [token], title, _networks(shown), path, now)


def _networks(shown: Sequence[TokenNetwork]) -> str:
    names = ", ".join(each.network for each in shown[:NAMED_NETWORKS])
    rest = f" and {len(shown) - NAMED_NETWORKS} more" if len(shown) > NAMED_NETWORKS else ""
    first = day(shown[0].first_used_at)
    return f"{names}{rest}, since {first}. If you do not recognise it, rotate or delete the token."


# --- Refused requests -----------------------------------------------------------------------


def notify_of_refusals() -> None:
    """Notify people of tokens whose requests are refused repeatedly."""
    now = timezone.now()
    rows = TokenRefusal.unscoped.filter(at__gt=now - REFUSED_WITHIN).exclude(
        _recent(TokenNoticeKind.REFUSED, now - REFUSALS_PAUSE)
    )
    counted = rows.order_by().values("tenant", "token").annotate(count=Count("id"))
    many = counted.filter(count__gt=REFUSED_MORE_THAN).values_list("tenant", "token")
    for tenant_id, token_id in list(many[:BATCH]):
        with tenant_bound(tenant_id):
            notify_of_token_refusals(token_id, now)


@transaction.atomic
def notify_of_token_refusals(token_id: UUID, now: datetime) -> None:
    """Notify of a token that was refused more often than the hourly threshold."""
    token = tokens_with_owners().filter(id=token_id).first()
    last = TokenRefusal.objects.filter(token=token_id).order_by("-at", "-id").first()
    if token is None or last is None:
        return
    user_id = responsible_for(token.owner)
    is_due = _begin(token, TokenNoticeKind.REFUSED, now, REFUSALS_PAUSE)
    if is_due and active_person(token.tenant_id, user_id) is not None:
        title = f"{named(token)} was refused more than {REFUSED_MORE_THAN} times in an hour"
        body = f"Last: {last.request}, {last.status}: {last.sentence}"
        path = token_path(token.owner, token.id)
        notify_of_tokens(user_id, [token], title, body, path, now)
