"""The entries of a feed, newest first: items, and reminders that were delivered.

A reminder is an entry at the time for which it was scheduled, besides its note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from collectives.events.models import REMINDED, Event
from collectives.items import queries as items
from collectives.items.models import Item
from collectives.items.queries import Lookups, position
from harmonic.kernel.database.prepared import Prepared
from harmonic.kernel.http.cursors import CursorPage, Order, Position

_DELIVERED = Order("happened_at")


@dataclass(frozen=True, slots=True)
class Entry:
    """An item in a feed, or a reminder that was delivered, with its position."""

    item: Item
    at: datetime
    id: UUID
    is_reminder: bool = False

    @property
    def position(self) -> Position:
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class Span:
    """The items of a feed: those of a collective, of one author, of a period from start to end."""

    collective_id: UUID
    author: UUID | None = None
    period: tuple[datetime, datetime] | None = None

    def lookups(self, author: str, moment: str) -> Lookups:
        """Return the lookups of rows with these columns."""
        wanted: dict[str, Any] = {"collective": self.collective_id}
        if self.author is not None:
            wanted[author] = self.author
        if self.period is not None:
            start, end = self.period
            wanted |= {f"{moment}__gte": start, f"{moment}__lt": end}
        return wanted


@dataclass(frozen=True, slots=True)
class EntryPage(CursorPage[Entry]):
    """Some entries of a feed, and when its collective had the last activity, if it has items."""

    newest_activity_at: datetime | None = None

    @property
    def items(self) -> Sequence[Item]:
        return [entry.item for entry in self.rows if not entry.is_reminder]


def newest_entries(span: Span, limit: int, after: Position | None) -> EntryPage:
    """Return the first entries of a feed after a position."""
    found = items.newest(span.lookups("created_by", "created_at"), limit=limit, after=after)
    made = [Entry(item, item.created_at, item.id) for item in found.rows]
    fired = _reminders(span, limit, after, made, is_whole=found.end is None)
    entries = sorted([*made, *fired], key=lambda entry: entry.position, reverse=True)
    has_more = found.end is not None or len(entries) > limit
    shown = entries[:limit]
    newest = made[0].item.newest_activity_at if made else None
    return EntryPage(shown, shown[-1].position if has_more else None, newest)


def _reminders(
    span: Span, limit: int, after: Position | None, made: Sequence[Entry], *, is_whole: bool
) -> list[Entry]:
    """Return the reminders among the items of a page.

    The items have the time of the collective's last reminder, so that feeds without reminders need
    no further query.
    """
    if made:
        last = made[0].item.reminded_at
        if last is None or not (is_whole or last >= made[-1].at):
            return []
    wanted = span.lookups("item__created_by", "happened_at")
    rows = list(_FIRED.rows(limit + 1, **position(after), **wanted))
    if not rows:
        return []
    known = {item.id: item for item in items.in_feed(item_id for _, _, item_id in rows)}
    return [
        Entry(known[item_id], at, event_id, is_reminder=True)
        for at, event_id, item_id in rows
        if item_id in known
    ]


def _fired(
    limit: int, *, after: datetime | None = None, after_id: UUID | None = None, **wanted: Any
) -> QuerySet[Any, tuple[Any, ...]]:
    rows = Event.objects.filter(verb=REMINDED, item__deleted_at=None, **wanted)
    if after and after_id:
        rows = rows.filter(_DELIVERED.beyond((after, after_id)))
    return rows.order_by(*_DELIVERED.columns).values_list("happened_at", "id", "item")[:limit]


_FIRED: Prepared[tuple[datetime, UUID, UUID]] = Prepared(_fired, tuple)
