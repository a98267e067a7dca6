"""Queries of the items that belong to a cycle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Value, Window
from django.db.models.functions import RowNumber

from collectives import queries as collectives
from collectives.cycles.ordering import CREATED, Sort
from collectives.cycles.windows import Cycle, cycle_named
from collectives.items import kinds
from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import by_ids
from harmonic.kernel.access import Access
from harmonic.kernel.http.cursors import Position

# The number of items of each kind that a cycle shows.
LISTED = 200


# --- Cycles ---------------------------------------------------------------------------------


def zone_here(access: Access) -> ZoneInfo:
    """Return the timezone of the collective."""
    return ZoneInfo(collectives.current_collective(access).timezone)


def cycle_here(access: Access, name: str) -> Cycle | None:
    """Return the cycle with this name in the timezone of the collective, or None."""
    return cycle_named(name, access.now, zone_here(access))


def belonging_to(cycle: Cycle) -> Q:
    """Return the condition of items in a cycle: created before its end, and due after its start.

    Notes are due when they are created.
    """
    return _between(cycle.start, cycle.end)


def _between(start: datetime, end: datetime) -> Q:
    """Return the condition of the items in a period.

    Its two parts use two indexes: items created in the period, and older ones with a deadline.
    """
    made = Q(created_at__gte=start, created_at__lt=end)
    older = Q(created_at__lt=start, deadline__gt=F("created_at"))
    return Q(deadline__gt=start) & (made | older)


# --- Counts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selected:
    """A cycle and the filter condition for its items."""

    cycle: Cycle
    condition: Q

    @property
    def items(self) -> Q:
        return belonging_to(self.cycle) & self.condition


def counts(collective_id: UUID, selected: Sequence[Selected]) -> list[dict[str, int]]:
    """Count the items of each cycle by kind, in one statement. Every kind has a count."""
    start = min(each.cycle.start for each in selected)
    end = max(each.cycle.end for each in selected)
    rows = _items(collective_id).filter(_between(start, end)).order_by()
    totals = {f"in_{at}": Count("id", filter=each.items) for at, each in enumerate(selected)}
    found = {row[0]: row[1:] for row in rows.values_list("kind").annotate(**totals)}
    none = (0,) * len(selected)
    return [
        {kind.name: found.get(kind.name, none)[at] for kind in kinds.all_kinds()}
        for at in range(len(selected))
    ]


def _items(collective_id: UUID) -> ItemQuerySet[Item]:
    items: ItemQuerySet[Item] = Item.objects.filter(collective=collective_id)
    return items.alive()


def items_of(collective_id: UUID, selected: Selected) -> ItemQuerySet[Item]:
    """Return the items of a cycle."""
    return _items(collective_id).filter(selected.items)


# --- Lists ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """The first items of a kind in a cycle, without their texts, and the total number."""

    places: Sequence[Position] = ()
    total: int = 0


def lists(collective_id: UUID, selected: Selected, sort: Sort) -> dict[str, Listed]:
    """Return the first `LISTED` items of each kind in a cycle, in one statement.

    Their positions refer to the list of the kind in the same order.
    """
    kind = [F("kind")]
    rows: Any = items_of(collective_id, selected)
    ranked = rows.annotate(
        rank=Window(RowNumber(), partition_by=kind, order_by=sort.order_by()),
        total=Window(Count("id"), partition_by=kind),
    )
    moment = sort.key if sort.is_by_time else CREATED
    first = ranked.filter(rank__lte=LISTED).order_by("rank")
    found: dict[str, Listed] = {}
    for name, total, *place in first.values_list("kind", "total", moment, "id"):
        before = found.get(name, Listed())
        found[name] = Listed([*before.places, (place[0], place[1])], total)
    return {each.name: found.get(each.name, Listed()) for each in kinds.all_kinds()}


def sizes(item_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the size in bytes of the texts of items of any kind, by ID."""
    rows = Item.objects.filter(**by_ids(item_ids))
    return dict(rows.values_list("id", kinds.size()))


def shown_items(
    collective_id: UUID,
    selected: Selected,
    sort: Sort,
    kind: kinds.Kind | None = None,
    number: str = "",
) -> ItemQuerySet[Item]:
    """Return the items of a cycle, of one kind or all, with excerpts of their texts.

    `number` names the value that is annotated as `number` if the kind has it.
    """
    items = items_of(collective_id, selected)
    if kind:
        items = items.filter(kind=kind.name)
    numbered = items.annotate(number=kinds.number(number) or Value(0))  # type: ignore[no-redef]  # declared there
    return numbered.with_opening().order_by(*sort.order_by())
