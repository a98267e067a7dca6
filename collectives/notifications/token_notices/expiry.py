"""Notifications about API tokens that expire soon.

A notification is due at each of three thresholds. If no worker ran in time, the next run sends it.
If several thresholds have passed by then, only the notification for the tightest is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import TenantUser
from collectives.notifications.models import TokenNotice, TokenNoticeKind
from collectives.notifications.token_notices.people import (
    active_person,
    day,
    named,
    notify_of_tokens,
)
from harmonic.kernel.database.tenancy import tenant_bound
from tokens.models import ApiToken, ApiTokenQuerySet, list_path, token_path

EVERY = timedelta(hours=1)
DAY = timedelta(days=1)
# The thresholds in days, tightest first.
THRESHOLDS = {
    1: TokenNoticeKind.EXPIRES_IN_1,
    7: TokenNoticeKind.EXPIRES_IN_7,
    14: TokenNoticeKind.EXPIRES_IN_14,
}
# A person gets at most one of these notifications per day, except on a token's last day.
PAUSE = timedelta(hours=20)
# Late notifications are sent until this time after the expiry.
LATE = timedelta(days=14)
# The number of people who are notified per run.
BATCH = 500


def notify_of_expiry() -> None:
    """Notify people of their tokens and those of their agents that expire soon."""
    now = timezone.now()
    rows = _due(ApiToken.unscoped.external(), now).filter(
        owner__tenant__suspended_at=None, owner__tenant__archived_at=None
    )
    people = rows.order_by().values_list("tenant", _MANAGED_BY).distinct()
    for tenant_id, user_id in list(people[:BATCH]):
        with tenant_bound(tenant_id):
            notify_person_of_expiry(tenant_id, user_id, now)


_MANAGED_BY = Coalesce("owner__user__parent", "owner__user")


def _due(rows: ApiTokenQuerySet, now: datetime) -> ApiTokenQuerySet:
    """Return the tokens that have reached a threshold without a notification.

    Rotated tokens are excluded, because they have a successor. So are tokens created for a day or
    less, because the notification of their creation contains their expiry.
    """
    is_due: Q | Combinable = _is_late(now)
    lower, kinds = timedelta(0), list[TokenNoticeKind]()
    for days, kind in THRESHOLDS.items():
        kinds.append(kind)
        is_within = Q(expires_at__gt=now + lower, expires_at__lte=now + days * DAY)
        is_due |= is_within & ~Exists(_notices(kinds))
        lower = days * DAY
    found: ApiTokenQuerySet = rows.filter(
        is_due, successor=None, expires_at__gt=F("created_at") + DAY
    )
    return found


def _is_late(now: datetime) -> Q | Combinable:
    """Return the condition of expired tokens with an earlier notification, but not the last."""
    has_expired = Q(expires_at__gt=now - LATE, expires_at__lte=now)
    last = [TokenNoticeKind.EXPIRES_IN_1]
    earlier = [kind for kind in THRESHOLDS.values() if kind not in last]
    return has_expired & Exists(_notices(earlier)) & ~Exists(_notices(last))


def _notices(kinds: Sequence[TokenNoticeKind]) -> QuerySet[TokenNotice]:
    return TokenNotice.unscoped.filter(token=OuterRef("pk"), kind__in=list(kinds))


@transaction.atomic
def notify_person_of_expiry(tenant_id: UUID, user_id: UUID, now: datetime) -> None:
    """Send one notification about all due tokens of a person."""
    person = active_person(tenant_id, user_id)
    if person is None:
        return
    # The lock makes workers that run at the same time wait for each other.
    TenantUser.objects.select_for_update(no_key=True).get(id=person.id)
    rows = ApiToken.objects.annotate(manager=_MANAGED_BY).filter(manager=user_id)
    due = _due(rows.external(), now).select_related("owner__user")
    tokens = list(due.order_by("expires_at", "id"))
    if not tokens or _may_wait(user_id, tokens, now):
        return
    TokenNotice.objects.bulk_create(
        TokenNotice(tenant_id=tenant_id, token=token, kind=_kind(token, now), notified_at=now)
        for token in tokens
    )
    path = token_path(tokens[0].owner, tokens[0].id)
    if len(tokens) > 1:
        path = f"{list_path(person)}?sort=expires"
    notify_of_tokens(user_id, tokens, _title(tokens, now), _body(tokens), path, now)


def _may_wait(user_id: UUID, tokens: Sequence[ApiToken], now: datetime) -> bool:
    """Return whether the tokens can wait for the next daily notification of the person."""
    if tokens[0].expires_at <= now + DAY:
        return False
    sent = TokenNotice.objects.annotate(
        manager=Coalesce("token__owner__user__parent", "token__owner__user")
    )
    return sent.filter(
        manager=user_id, kind__in=list(THRESHOLDS.values()), notified_at__gt=now - PAUSE
    ).exists()


def _days(token: ApiToken, now: datetime) -> int:
    """Return the tightest threshold that a token has reached."""
    return next(days for days in THRESHOLDS if token.expires_at <= now + days * DAY)


def _kind(token: ApiToken, now: datetime) -> TokenNoticeKind:
    return THRESHOLDS[_days(token, now)]


def _title(tokens: Sequence[ApiToken], now: datetime) -> str:
    last = tokens[-1]
    days = _days(last, now)
    within = "1 day" if days == 1 else f"{days} days"
    if len(tokens) > 1:
        return f"{len(tokens)} API tokens expire within {within}"
    verb = "has expired" if last.expires_at <= now else f"expires within {within}"
    return f"{named(last)} {verb}"


def _body(tokens: Sequence[ApiToken]) -> str:
    if len(tokens) == 1:
        return f"It expires {day(tokens[0].expires_at)}. Rotate it to replace it without a gap."
    names = "; ".join(f"{named(token)}, {day(token.expires_at)}" for token in tokens[:5])
    return f"{names[:1].upper()}{names[1:]}"
