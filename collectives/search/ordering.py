"""Sorting, grouping and paging of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import and_
from typing import Any
from uuid import UUID

from django.db.models import Case, F, IntegerField, OrderBy, Q, Value, When
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from accounts.queries import Person
from collectives.items.models import Item, ItemQuerySet
from collectives.search.language.operators import GROUPS
from collectives.search.numbers import number

# The annotation that breaks ties: a number that increases with each new entry.
KEY = "sort_key"
MOMENTS = ("created_at", "updated_at", "deadline")
# The counts that `sort_by` accepts, with their names in operators.
COUNTED = {
    "backlink_count": "backlinks",
    "link_count": "links",
    "participant_count": "participants",
    "voter_count": "voters",
    "reader_count": "readers",
}


@dataclass(frozen=True, slots=True)
class Column:
    """An expression that results are sorted by."""

    name: str
    expression: Any
    is_descending: bool = True
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort order: its columns, then the newest entry first."""

    columns: tuple[Column, ...]

    @property
    def is_oldest_first(self) -> bool:
        first = self.columns[0]
        return first.name == "by_created_at" and not first.is_descending

    def applied(self, items: ItemQuerySet[Item]) -> ItemQuerySet[Item]:
        values: dict[str, Any] = {each.name: each.expression for each in self.columns}
        rows: ItemQuerySet[Item] = items.annotate(**values, **{KEY: F("search_entry__sort_key")})
        order = [OrderBy(F(each.name), descending=each.is_descending) for each in self.columns]
        return rows.order_by(*order, f"-{KEY}")

    def position(self, item: Item) -> list[Any]:
        """Return the position after a result, for a cursor."""
        values = [getattr(item, each.name) for each in self.columns]
        shown = [each.isoformat() if isinstance(each, datetime) else each for each in values]
        return [*shown, getattr(item, KEY)]

    def beyond(self, position: Sequence[Any]) -> Q:
        """Return the condition of the results after a position."""
        *values, key = position
        read = [
            datetime.fromisoformat(value) if column.is_time else value
            for column, value in zip(self.columns, values, strict=True)
        ]
        found = Q(**{f"{KEY}__lt": key})
        for column, value in reversed([*zip(self.columns, read, strict=True)]):
            way = "lt" if column.is_descending else "gt"
            found = Q(**{f"{column.name}__{way}": value}) | (Q(**{column.name: value}) & found)
        return found


def _by_time(name: str, *, is_descending: bool = True) -> Sort:
    return Sort((Column(f"by_{name}", F(name), is_descending, is_time=True),))


def _by_number(name: str, *, is_descending: bool = True) -> Sort:
    return Sort((Column("by_number", number(name), is_descending),))


def _by_relevance(words: Sequence[str]) -> Sort:
    """Return the order that puts items with all words in the title first."""
    newest = _by_time("created_at")
    return Sort((Column("is_in_title", _in_title(words)), *newest.columns)) if words else newest


def _in_title(words: Sequence[str]) -> Case:
    """Return 1 for items whose titles contain all words, and 0 for others."""
    places = (StrIndex(F("search_entry__title"), Value(word)) for word in words)
    found = reduce(and_, (Q(GreaterThan(place, Value(0))) for place in places))
    return Case(When(found, then=Value(1)), default=Value(0), output_field=IntegerField())


def _by_title(*, is_descending: bool) -> Sort:
    return Sort((Column("by_title", F("search_entry__title"), is_descending),))


def sort_named(name: str, words: Sequence[str]) -> Sort:
    """Return the order of the operator `sort`, newest first by default."""
    if name == "oldest":
        return _by_time("created_at", is_descending=False)
    if name == "updated":
        return _by_time("updated_at")
    if name == "deadline":
        return _by_time("deadline", is_descending=False)
    if name == "backlinks":
        return _by_number("backlinks")
    return _by_relevance(words) if name == "relevance" else _by_time("created_at")


def sort_by(text: str) -> Sort | None:
    """Return the order of a `sort_by` such as `title-asc`, or None if it has no such key."""
    key, _, way = text.partition("-")
    is_descending = way != "asc"
    if key in MOMENTS:
        return _by_time(key, is_descending=is_descending)
    if key in COUNTED:
        return _by_number(COUNTED[key], is_descending=is_descending)
    return _by_title(is_descending=is_descending) if key == "title" else None


# --- Groups ---------------------------------------------------------------------------------

_Key = Callable[[Item], str]
_CALENDAR = {"date": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
GROUPINGS = (*GROUPS, *(f"{unit}_deadline" for unit in _CALENDAR))
# The fixed order of groups by type and status. Other groups are in the order of their results.
_FIXED = ("Note", "Decision", "Commitment", "Open", "Closed")


@dataclass(frozen=True, slots=True)
class Group:
    """Results of a page with the same key. Without grouping, the heading is empty."""

    heading: str
    items: Sequence[Item]


def grouped(
    items: Iterable[Item], by: str, people: Mapping[UUID, Person], now: datetime
) -> list[Group]:
    """Return the groups of the results on a page."""
    key = _key(by, people, now)
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    fixed = [name for name in _FIXED if name in found] if by in ("type", "status") else []
    return [Group(name, found[name]) for name in dict.fromkeys([*fixed, *found])]


def _key(by: str, people: Mapping[UUID, Person], now: datetime) -> _Key:
    if by == "none":
        return lambda item: ""
    if by == "creator":
        return lambda item: people[item.created_by_id].name
    if by == "type":
        return lambda item: item.kind
    if by == "status":
        return lambda item: "Open" if item.deadline > now else "Closed"
    unit, _, moment = by.partition("_")
    if unit in _CALENDAR:
        column = moment or "created_at"
        return lambda item: f"{getattr(item, column).astimezone(UTC):{_CALENDAR[unit]}}"
    return lambda item: item.collective.name
