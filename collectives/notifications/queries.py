"""Queries of the notifications of a user."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import Error

from accounts.queries import People, Person, people
from collectives.models import Collective
from collectives.notifications.models import Notification, Recipient
from collectives.notifications.rules import mark_read
from harmonic.kernel.access import Access
from harmonic.kernel.database import outages
from harmonic.kernel.database.prepared import Prepared, Values
from harmonic.kernel.database.tenancy import tenant_bound

LISTED = 50
# The rest of a full ID after the short ID.
_LONG_ID = re.compile(r"(?<=/[0-9a-f]{8})-[0-9a-f-]{27}$")
_log = logging.getLogger(__name__)
# The highest number of unread notifications that is counted and shown.
COUNTED = 1000
# The ID of the group of notifications without a collective.
REMINDERS = "reminders"


@dataclass(frozen=True, slots=True)
class Row:
    """A notification in the list, and the author of its text, whose links agents may not read."""

    recipient: Recipient
    author: Person | None

    @property
    def note(self) -> Notification:
        return self.recipient.notification


@dataclass(frozen=True, slots=True)
class Group:
    """Notifications of one collective, or of none, newest first."""

    collective: Collective | None
    rows: list[Row] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.collective.name if self.collective else "Other"

    @property
    def id(self) -> str:
        return str(self.collective.id) if self.collective else REMINDERS


def grouped(access: Access) -> list[Group]:
    """Return the newest notifications, grouped by collective in order of appearance."""
    found = Recipient.objects.inbox_of(access).select_related(
        "notification__collective", "notification__event", "notification__item"
    )
    rows = list(found.order_by("-due_at", "-id")[:LISTED])
    known = people(user_id for row in rows for user_id in _authors_of(row))
    groups: dict[UUID | None, Group] = {}
    for row in rows:
        collective = row.notification.collective
        key = collective.id if collective else None
        groups.setdefault(key, Group(collective)).rows.append(Row(row, _author(row, known)))
    return list(groups.values())


def _authors_of(row: Recipient) -> list[UUID]:
    """Return the users who may have written the text that a notification quotes."""
    event, item = row.notification.event, row.notification.item
    found = (event.actor_id if event else None, item.created_by_id if item else None)
    return [user_id for user_id in found if user_id]


def _author(row: Recipient, known: People) -> Person | None:
    """Return the author of a notification's text: an agent if one wrote it, to hide its links."""
    authors = [known[user_id] for user_id in _authors_of(row) if user_id != row.user_id]
    return next((each for each in authors if each.is_agent), authors[0] if authors else None)


def unread_count(access: Access) -> int:
    """Return the number of unread notifications that the caller sees.

    Every page shows it. Notifications that lead to the current page are marked as read first.
    """
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
        here = _canonical(access.path)
        opened = [unread_id for unread_id, path in found if path in here]
        if opened:
            _mark_as_read(opened, access.now)
    return len(found) - len(opened)


def _canonical(path: str) -> frozenset[str]:
    """Return the paths of notifications that lead to a page; those of items have a short ID."""
    return frozenset({path, _LONG_ID.sub("", path)})


def _mark_as_read(ids: list[UUID], now: datetime) -> None:
    """Mark notifications as read. If the database is unavailable, only log a warning."""
    try:
        with outages.waiting_briefly():
            mark_read(Recipient.objects.filter(id__in=ids), now)
    except Error as error:
        if not outages.is_outage(error):
            raise
        _log.warning("Notifications were not marked as read, because the database is unavailable.")


def _unread(is_subject: bool, *, user: UUID, person: UUID, now: datetime) -> Values:
    shown = Recipient.objects.inbox(user, person, now, is_subject_to_api_switches=is_subject)
    unread: Values = shown.unread().values_list("id", "notification__path")[:COUNTED]
    return unread


_UNREAD: Prepared[tuple[Any, ...]] = Prepared(_unread, tuple)
