"""Queries of items of any kind: lookups, ordered lists, history, comment counts, pins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from accounts.queries import Person, people
from collectives.events.models import CONFIRMED, HISTORY, Event
from collectives.items import kinds
from collectives.items.models import COMMENT, Item, ItemQuerySet, Pin
from collectives.models import CollectiveMember
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import Prepared, QueryValue, of_model
from harmonic.kernel.database.short_ids import by_any_id, short_id
from harmonic.kernel.http.cursors import CursorPage, Order, Position
from harmonic.kernel.refusals import NotFound

HISTORY_SHOWN = 100
# How many people a refusal names who can restore an item.
RESTORERS_NAMED = 5
# The bytes of text in the rows of a list, which ends before the row that exceeds them.
LIST_BYTES = 1_000_000
# The number of rows of each kind that a response includes for all of its items.
INCLUDED = 1000
NEWEST = Order("created_at")
T = TypeVar("T")
# Lookups of items, as `filter` takes them.
Lookups = Mapping[str, QueryValue]


@dataclass(frozen=True, slots=True)
class Included(Generic[T]):
    """Rows that belong to items, and the ids of items with further rows."""

    rows: Sequence[T]
    incomplete: frozenset[UUID]


# --- One item -------------------------------------------------------------------------------


def live_item_at(access: Access, kind: str, item_id: str, sentence: str = "Not found") -> Item:
    """Return the item with this short or full id in the collective, if it is not deleted.

    Raises:
        NotFound: the item does not exist; the message is `sentence`.
    """
    wanted = by_any_id(item_id)
    one = _ONE_LOCKED if access.is_writing else _ONE
    item = wanted and one.first(collective=access.required_place.id, kind=kind, **wanted)
    if not item or item.is_deleted or not kinds.is_kind(kind):
        raise NotFound(sentence)
    return item


def restorers_of(item: Item) -> list[Person]:
    """Return who can restore a deleted item: its author and admins, people only, 5 at most."""
    members = CollectiveMember.objects.active_people().filter(collective=item.collective_id)
    able = members.filter(Q(is_admin=True) | Q(person__user=item.created_by_id))
    by_role = able.order_by("is_admin", "created_at", "id")
    ids = list(by_role.values_list("person__user_id", flat=True)[:RESTORERS_NAMED])
    known = people(ids)
    return [known[user_id] for user_id in ids]


def parent_of(comment: Item) -> Item | None:
    """Return the item that a comment replies to, even if it is deleted."""
    return _ONE.first(id=comment.parent_id) if comment.parent_id else None


def root_of(comment: Item) -> Item | None:
    """Return the root of a comment's thread, even if it is deleted."""
    return _ONE.first(id=comment.root_id) if comment.root_id else None


def _one(**wanted: QueryValue) -> QuerySet[Item]:
    items: ItemQuerySet[Item] = Item.objects.filter(**wanted)
    return items.with_opening()


_ONE = of_model(Item, _one, ("cut_text",))
_ONE_LOCKED = of_model(
    Item, _one, ("cut_text",), lock=f'FOR NO KEY UPDATE OF "{Item._meta.db_table}"'
)


# --- Lists ----------------------------------------------------------------------------------


def by_ids(item_ids: Iterable[UUID]) -> Lookups:
    """Return the lookups of items by id, which use the index of tenant and short id.

    For `id IN …` SQLite may choose the index of the tenant and read all of its items.
    """
    short = tuple(map(short_id, item_ids))
    return {"truncated_id__in": short or ("",)}


def position(after: Position | None) -> Lookups:
    """Return the arguments of `ordered` for a position."""
    return {"after": after[0], "after_id": after[1]} if after else {}


def ordered(
    order: Order,
    *,
    after: datetime | None = None,
    after_id: UUID | None = None,
    **wanted: QueryValue,
) -> ItemQuerySet[Item]:
    """Return items that are not deleted, in an order and after a position."""
    items: ItemQuerySet[Item] = Item.objects.filter(**wanted)
    if after and after_id:
        items = items.filter(order.beyond((after, after_id)))
    return items.alive().order_by(*order.columns)


def count_matching(wanted: Lookups) -> int:
    """Count the items that match `wanted` and are not deleted."""
    items: ItemQuerySet[Item] = Item.objects.filter(**wanted)
    return items.alive().count()


def _feed(order: Order, limit: int, **wanted: Any) -> QuerySet[Item]:
    rows = ordered(order, **wanted).standalone().with_opening().with_feed_number()
    there = wanted["collective"]
    return rows.with_newest_activity(there).with_last_reminder(there)[:limit]


# Feeds show titles and first lines, so the texts themselves are not read.
_FEED = of_model(Item, _feed, ("cut_text", "number", "out_of", "newest_activity_at", "reminded_at"))


def newest(wanted: Lookups, *, limit: int, after: Position | None = None) -> CursorPage[Item]:
    """Return items of a collective other than comments, newest first, after a position.

    `wanted` has the lookup `collective`, and those that restrict them further.
    """
    rows = _FEED.rows(NEWEST, limit + 1, **position(after), **wanted)
    shown = list(rows[:limit])
    last = shown[-1] if len(rows) > limit else None
    return CursorPage(shown, (last.created_at, last.id) if last else None)


def page_of(
    rows: ItemQuerySet[Item], order: Order, limit: int, after: Position | None
) -> CursorPage[tuple[UUID, datetime]]:
    """Return the ids and times of the first items of a queryset after a position."""
    if after is not None:
        rows = rows.filter(order.beyond(after))
    places = rows.order_by(*order.columns).values_list("id", order.moment)[: limit + 1]
    found = list(places)
    shown = found[:limit]
    return CursorPage(shown, (shown[-1][1], shown[-1][0]) if len(found) > limit else None)


def in_feed(item_ids: Iterable[UUID]) -> Sequence[Item]:
    """Return items by id that are not deleted, as a feed shows them, newest first."""
    return _IN_FEED.rows(**by_ids(item_ids))


def _in_feed(**wanted: Any) -> QuerySet[Item]:
    return ordered(NEWEST, **wanted).with_opening().with_feed_number()


_IN_FEED = of_model(Item, _in_feed, ("cut_text", "number", "out_of"))


# --- What belongs to items ------------------------------------------------------------------


def comments_on(item_id: UUID) -> Lookups:
    """Return the lookups of the direct comments on an item."""
    return {"parent": item_id, "subtype": COMMENT}


def comment_counts(item_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Count the direct comments on each item."""
    ids = tuple(item_ids)
    return dict(_COMMENT_COUNTS.rows(items=ids)) if ids else {}


def _comment_counts(items: tuple[UUID, ...]) -> QuerySet[Any, tuple[Any, ...]]:
    comments = Item.objects.filter(parent__in=items, subtype=COMMENT, deleted_at=None)
    return comments.order_by().values_list("parent").annotate(Count("id"))


_COMMENT_COUNTS: Prepared[tuple[UUID, int]] = Prepared(_comment_counts, tuple)


def history_of(item: Item) -> QuerySet[Event]:
    """Return the events in an item's history, newest first."""
    return _history(item.id)


def newest_history_of(item: Item) -> Sequence[Event]:
    """Return the newest `HISTORY_SHOWN` events in an item's history, and one more if there is."""
    return _NEWEST_HISTORY.rows(item=item.id)


def _history(item: UUID) -> QuerySet[Event]:
    events = Event.objects.filter(item=item, verb__in=tuple(HISTORY))
    return events.order_by("-happened_at", "-id")


_NEWEST_HISTORY = of_model(Event, lambda item: _history(item)[: HISTORY_SHOWN + 1])


def history_of_items(item_ids: Iterable[UUID]) -> Included[Event]:
    """Return at most `INCLUDED` events in the history of several items, oldest first."""
    ids = frozenset(item_ids)
    events = Event.objects.filter(item__in=ids, verb__in=HISTORY).order_by("happened_at", "id")
    found = list(events[: INCLUDED + 1])
    return Included(found[:INCLUDED], ids if len(found) > INCLUDED else frozenset())


def last_confirmation(item: Item, user_id: UUID) -> Event | None:
    """Return the latest confirmation by a user if it is newer than the item's last change."""
    confirmations = item.events.filter(verb=CONFIRMED, actor=user_id)
    last = confirmations.order_by("-happened_at", "-id").first()
    return last if last is not None and last.happened_at >= item.updated_at else None


def pinned(collective_id: UUID, person_id: UUID | None) -> list[tuple[Pin, Item]]:
    """Return pins and their items, latest first. In the main collective they are a person's."""
    whose: Lookups = {} if person_id is None else {"person": person_id}
    pins = list(_PINS.rows(person_id is None, collective=collective_id, **whose))
    if not pins:
        return []
    living = {item.id: item for item in _LIVING.rows(**by_ids(pin.item_id for pin in pins))}
    return [(pin, living[pin.item_id]) for pin in pins if pin.item_id in living]


def _pins(is_for_all: bool, **wanted: QueryValue) -> QuerySet[Pin]:
    pins = Pin.objects.filter(**wanted)
    if is_for_all:
        pins = pins.filter(person=None)
    return pins.order_by("-pinned_at", "-id")[: Pin.MAX_PER_PLACE]


_PINS = of_model(Pin, _pins)


def _living(**wanted: QueryValue) -> QuerySet[Item]:
    items: ItemQuerySet[Item] = Item.objects.filter(**wanted)
    return items.alive().with_opening()


_LIVING = of_model(Item, _living, ("cut_text",))
