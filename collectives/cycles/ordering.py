"""Sorting and grouping of the items of a cycle: `sort_by=title-asc`, `group_by=week_created`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Expression, F, OrderBy, When
from django.db.models.functions import Lower

from collectives.cycles.windows import Cycle
from collectives.items import kinds
from collectives.items.models import Item
from harmonic.kernel.rendering.text import FIRST_LINE_SOURCE

CREATED = "created_at"
# The keys that lists also support with cursors.
MOMENTS = (CREATED, "updated_at", "deadline")
COLUMNS = {
    **{name: name for name in MOMENTS},
    "item_type": "kind",
    "created_by_id": "created_by",
    "updated_by_id": "updated_by",
}
NUMBERS = ("link_count", "backlink_count", "participant_count", "voter_count", "option_count")
KEYS = ("item_type", "title", *(key for key in COLUMNS if key != "item_type"), *NUMBERS)


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort key and its direction."""

    key: str = CREATED
    is_descending: bool = True

    @property
    def name(self) -> str:
        return f"{self.key}-{'desc' if self.is_descending else 'asc'}"

    @property
    def is_by_time(self) -> bool:
        return self.key in MOMENTS

    def order_by(self) -> list[OrderBy]:
        """Return the order of items. Ties are sorted by creation.

        Kinds without the number that the key names are sorted by creation, too.
        """
        ties = ("id",) if self.is_by_time else (CREATED, "id")
        key = self._expression()
        columns = [OrderBy(F(name), descending=self.is_descending) for name in ties]
        return [OrderBy(key, descending=self.is_descending), *columns] if key else columns

    def _expression(self) -> Expression | F | None:
        if self.key == "title":
            untitled = kinds.opening(FIRST_LINE_SOURCE)
            return Lower(Case(When(title="", then=untitled), default=F("title")))
        return F(COLUMNS[self.key]) if self.key in COLUMNS else kinds.number(self.key)


def parse_sort(text: str) -> Sort:
    """Parse `sort_by`. An unknown key means `created_at`, and an unknown direction `desc`."""
    key, _, way = text.partition("-")
    return Sort(key if key in KEYS else CREATED, is_descending=way != "asc")


# --- Groups ---------------------------------------------------------------------------------

BY_KIND = "item_type"
_DAY = timedelta(days=1)
# Groups by days, weeks, months and years in the collective's timezone.
_CALENDAR = {"date": "%Y-%m-%d", "week": "%Y-%W", "month": "%Y-%m", "year": "%Y"}
_MOMENTS = {"created": "created_at", "updated": "updated_at", "deadline": "deadline"}
_Key = Callable[[Item], Any]


@dataclass(frozen=True, slots=True)
class Group:
    """The items of a page that have the same key."""

    key: Any
    items: Sequence[Item]


def groupings() -> list[str]:
    """Return all values of `group_by`, starting with the default."""
    return [
        *KEYS,
        "status",
        "created_within_cycle",
        "updated_within_cycle",
        "deadline_within_cycle",
        "days_until_deadline",
        *(f"{unit}_{name}" for unit in _CALENDAR for name in _MOMENTS),
    ]


def parse_group(text: str) -> str:
    """Parse `group_by`. An unknown value means `item_type`."""
    return text if text in groupings() else BY_KIND


def grouped(items: Iterable[Item], by: str, cycle: Cycle, now: datetime) -> list[Group]:
    """Return the groups of items, sorted by their keys."""
    key = _key(by, cycle, now)
    found: dict[Any, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return [Group(each, found[each]) for each in sorted(found)]


def _key(by: str, cycle: Cycle, now: datetime) -> _Key:
    if by == "status":
        return lambda item: "open" if item.deadline > now else "closed"
    if by == "days_until_deadline":
        return lambda item: (item.deadline - now) // _DAY
    name, _, rest = by.partition("_")
    if rest == "within_cycle":
        moment = _MOMENTS[name]
        return lambda item: "yes" if _is_within(cycle, getattr(item, moment)) else "no"
    if name in _CALENDAR:
        moment, pattern = _MOMENTS[rest], _CALENDAR[name]
        return lambda item: getattr(item, moment).astimezone(cycle.zone).strftime(pattern)
    return _column(by, cycle)


def _is_within(cycle: Cycle, moment: datetime) -> bool:
    return cycle.start < moment <= cycle.end


def _column(by: str, cycle: Cycle) -> _Key:
    if by in _MOMENTS.values():
        return lambda item: getattr(item, by).astimezone(cycle.zone).isoformat(timespec="seconds")
    if by == "title":
        return lambda item: item.shown_title
    if by == BY_KIND:
        return lambda item: item.kind
    if by.endswith("_by_id"):
        return lambda item: str(getattr(item, by))
    return lambda item: item.number
