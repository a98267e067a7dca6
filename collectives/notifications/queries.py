"""Queries of the notifications of a user."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from collectives.models import Collective
from collectives.notifications.models import Recipient
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import Prepared, Values
from harmonic.kernel.database.tenancy import tenant_bound

LISTED = 50
# The highest number of unread notifications that is counted and shown.
COUNTED = 1000
# The ID of the group of notifications without a collective.
REMINDERS = "reminders"


@dataclass(frozen=True, slots=True)
class Group:
    """Notifications of one collective, or of none, newest first."""

    collective: Collective | None
    rows: list[Recipient] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.collective.name if self.collective else "Other"

    @property
    def id(self) -> str:
        return str(self.collective.id) if self.collective else REMINDERS


def grouped(access: Access) -> list[Group]:
    """Return the newest notifications, grouped by collective in order of appearance."""
    rows = Recipient.objects.inbox_of(access).select_related("notification__collective")
    groups: dict[UUID | None, Group] = {}
    for row in rows.order_by("-due_at", "-id")[:LISTED]:
        collective = row.notification.collective
        key = collective.id if collective else None
        groups.setdefault(key, Group(collective)).rows.append(row)
    return list(groups.values())


def unread_count(access: Access) -> int:
    """Return the number of unread notifications that the caller sees."""
    if access.actor is None or not access.may_read("all"):
        return 0
    # Refusals before routing, such as a 404, are rendered while no tenant is bound.
    with tenant_bound(access.tenant.id):
        found = _UNREAD.rows(
            access.is_subject_to_api_switches,
            user=access.actor.user_id,
            person=access.actor.person_id,
            now=access.now,
        )
    return len(found)


def _unread(is_subject: bool, *, user: UUID, person: UUID, now: datetime) -> Values:
    shown = Recipient.objects.inbox(user, person, now, is_subject_to_api_switches=is_subject)
    unread: Values = shown.unread().values_list("id")[:COUNTED]
    return unread


_UNREAD: Prepared[tuple[Any, ...]] = Prepared(_unread, tuple)
