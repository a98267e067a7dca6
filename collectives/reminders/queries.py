"""Queries of reminders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.queries import Person, people
from collectives.notifications.models import (
    Channel,
    NotificationType,
    Recipient,
    RecipientStatus,
)
from harmonic.kernel.access import Access

# The reminders on the page about the caller.
UPCOMING = 5


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A reminder that the caller will get. `author` wrote its title."""

    title: str
    path: str
    due_at: datetime
    author: Person


def upcoming(access: Access) -> Sequence[Upcoming]:
    """Return the reminders that the caller gets next, the soonest first."""
    rows = Recipient.objects.shown_to(
        access.user.person_id, is_subject_to_api_switches=access.is_subject_to_api_switches
    ).filter(
        user=access.user.user_id,
        channel=Channel.IN_APP,
        status__in=(RecipientStatus.PENDING, RecipientStatus.RATE_LIMITED),
        notification__notification_type=NotificationType.REMINDER,
    )
    found = rows.order_by("due_at", "id").values_list(
        "notification__title", "notification__path", "due_at", "notification__item__created_by"
    )[:UPCOMING]
    known = people(author for *_, author in found)
    return [Upcoming(title, path, due_at, known[author]) for title, path, due_at, author in found]
