"""The page of all cycles: numbers of items in recent and upcoming days, weeks and months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from collectives.cycles.presence import Presence
from collectives.cycles.queries import Selected, counts
from collectives.cycles.windows import Cycle, Unit, cycle_named, name_of
from collectives.items import kinds
from harmonic.kernel.access import Access
from harmonic.kernel.registry import path_to

HEADINGS = {Unit.DAY: "Daily", Unit.WEEK: "Weekly", Unit.MONTH: "Monthly"}
AROUND = (-1, 0, 1)


@dataclass(frozen=True, slots=True)
class Table:
    """The cycles of one unit with their paths, and a row of numbers for each kind."""

    heading: str
    cycles: list[tuple[Cycle, str]]
    rows: list[tuple[str, list[int]]]


def show(access: Access, presence: Presence) -> Mapping[str, Any]:
    zone = presence.cycle.zone
    names = [name_of(unit, distance) for unit in HEADINGS for distance in AROUND]
    named = [cycle_named(name, access.now, zone) for name in names]
    cycles = [cycle for cycle in named if cycle]
    found = counts(access.required_place.id, [Selected(cycle, Q()) for cycle in cycles])
    counted = list(zip(cycles, found, strict=True))
    return {
        "presence": presence,
        "tables": [_table(access, unit, counted) for unit in HEADINGS],
    }


def _table(access: Access, unit: Unit, counted: list[tuple[Cycle, dict[str, int]]]) -> Table:
    here = access.required_place.path
    shown = [(cycle, numbers) for cycle, numbers in counted if cycle.unit is unit]
    return Table(
        HEADINGS[unit],
        [(cycle, path_to("cycles.show", here, cycle_name=cycle.name)) for cycle, _ in shown],
        [
            (kind.plural.capitalize(), [numbers[kind.name] for _, numbers in shown])
            for kind in kinds.all_kinds()
        ],
    )
