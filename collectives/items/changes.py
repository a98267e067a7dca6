"""Changes of a collective's items since a moment, oldest first, and the cursors between them.

An item changes when it is written, edited or restored, and when a comment in its thread is
(`Item.last_activity_at`). A write takes its time before it commits, so a change can become visible
after others with a later time. Until `SETTLED_AFTER` has passed, a cursor therefore lists the
changes that were already given instead of skipping to the position after them
(`docs/decisions/0037-changes-settle.md`).
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError

from collectives.items.models import Item
from collectives.items.queries import ordered
from harmonic.kernel.database.prepared import of_model
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.parameters.fields import DateTime
from harmonic.kernel.refusals import Invalid, Problem

# Longer than a write takes from reading the clock to its commit, with the difference between the
# clocks of several machines.
SETTLED_AFTER = timedelta(seconds=30)
# The number of changes that a cursor lists. Further ones are given when these have settled.
REMEMBERED = 100
BY_ACTIVITY = Order("last_activity_at", is_descending=False)

_PREFIX = "c"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The bytes of a time, of an ID and of a mark in a cursor.
_TIME, _ID, _MARK = 8, 16, 3
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Since:
    """The position after which changes are new, and the marks of later ones already given."""

    moment: datetime
    item_id: UUID = _FIRST
    given: frozenset[bytes] = frozenset()

    @property
    def cursor(self) -> str:
        """The value of `since` for this position. It is not signed, since it permits nothing."""
        whole = _micros(self.moment) + self.item_id.bytes + b"".join(sorted(self.given))
        return _PREFIX + urlsafe_b64encode(whole).decode().rstrip("=")


def parse_since(text: str) -> Since:
    """Return the position that `since` names: a time, or a cursor.

    Raises:
        Invalid: the text is neither.
    """
    try:
        if text.startswith(_PREFIX):
            return _from_cursor(text.removeprefix(_PREFIX))
        return Since(max(DateTime().to_internal_value(text), _EPOCH))
    except (ValidationError, ValueError) as error:
        sentence = "must be a time in ISO 8601, or the next_since of an earlier response"
        raise Invalid(Problem("since", sentence)) from error


def _from_cursor(text: str) -> Since:
    """Return the position of a cursor without its prefix.

    Raises:
        ValueError: the cursor is malformed.
    """
    try:
        whole = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        moment = _EPOCH + int.from_bytes(whole[:_TIME]) * _MICROSECOND
    except (binascii.Error, OverflowError) as error:
        raise ValueError(text[:20]) from error
    marks = whole[_TIME + _ID :]
    if len(marks) % _MARK or len(marks) > REMEMBERED * _MARK:
        raise ValueError(text[:20])
    given = frozenset(marks[at : at + _MARK] for at in range(0, len(marks), _MARK))
    return Since(moment, UUID(bytes=whole[_TIME : _TIME + _ID]), given)


def _micros(moment: datetime) -> bytes:
    return ((moment - _EPOCH) // _MICROSECOND).to_bytes(_TIME)


def _mark(item: Item) -> bytes:
    """Return a short digest of an item and its time: another change has another mark."""
    whole = item.id.bytes + _micros(item.last_activity_at)
    return hashlib.blake2b(whole, digest_size=_MARK).digest()


# --- Reading --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Changes:
    """Changed items, the position after them, and whether there are more."""

    items: Sequence[Item]
    following: Since
    has_more: bool


def since_page(newest: datetime | None, shown: Iterable[Item], now: datetime) -> Since:
    """Return the position after a page of a feed that shows items.

    `newest` is the time of the last change in the collective, None if it has no items.
    """
    if newest is None:
        return Since(_EPOCH)
    if newest <= now - SETTLED_AFTER:
        return Since(newest, _LAST)
    settled = newest - SETTLED_AFTER
    given = frozenset(_mark(item) for item in shown if item.last_activity_at > settled)
    return Since(settled, _LAST, given)


def changes(collective_id: UUID, since: Since, *, limit: int, now: datetime) -> Changes:
    """Return the items of a collective that changed after a position, oldest change first."""
    count = limit + 1 + (REMEMBERED if since.given else 0)
    found = _CHANGED.rows(
        count,
        collective=collective_id,
        last_activity_at__gte=since.moment,
        after=since.moment,
        after_id=since.item_id,
    )
    return _Reading(since, limit, now - SETTLED_AFTER).of(list(found), is_cut=len(found) == count)


def _changed(limit: int, **wanted: Any) -> QuerySet[Item]:
    rows = ordered(BY_ACTIVITY, **wanted).standalone()
    return rows.with_opening().with_feed_number()[:limit]


_CHANGED = of_model(Item, _changed, ("cut_text", "number", "out_of"))


class _Reading:
    """The division of the rows after a position: new ones, and what the next cursor contains."""

    def __init__(self, since: Since, limit: int, settled: datetime) -> None:
        self.since = since
        self.limit = limit
        self.settled = settled
        self.position = since.moment, since.item_id
        self.new: list[Item] = []
        self.marks: list[bytes] = []
        self.has_more = False

    def of(self, found: Sequence[Item], *, is_cut: bool) -> Changes:
        marked = [(item, _mark(item)) for item in found]
        # Further changes can be given as long as the next cursor can list them.
        known = sum(mark in self.since.given and self._is_open(item) for item, mark in marked)
        room = REMEMBERED - known
        for item, mark in marked:
            if mark not in self.since.given:
                is_full = len(self.new) == self.limit or (self._is_open(item) and not room)
                self.has_more = self.has_more or is_full
                if self.has_more:
                    continue
                self.new.append(item)
                room -= self._is_open(item)
            self._pass(item, mark)
        unread = self.since.given - {mark for _, mark in marked} if is_cut else frozenset()
        following = Since(*self.position, frozenset(self.marks) | unread)
        return Changes(self.new, following, self.has_more)

    def _is_open(self, item: Item) -> bool:
        """Return whether a change with an earlier time than that of `item` can still appear."""
        return item.last_activity_at > self.settled

    def _pass(self, item: Item, mark: bytes) -> None:
        """Move the position past an item, or list the item where something may precede it."""
        if self.has_more or self.marks or self._is_open(item):
            self.marks.append(mark)
        else:
            self.position = item.last_activity_at, item.id
