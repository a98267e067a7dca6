"""Cycles: named periods of time, such as `this-week` or `3-days-ago`.

A cycle is a day, week, month or year in the timezone of a collective. Weeks start on Monday. Each
cycle ends exactly when the next one begins, even across clock changes
(`docs/decisions/0052-heartbeats-and-cycles.md`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

MAX_DISTANCE = 10_000
_SECOND = timedelta(seconds=1)


class Unit(StrEnum):
    """The length of a cycle."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


# The unit of a collective's current cycle, for each tempo.
TEMPOS = {"daily": Unit.DAY, "weekly": Unit.WEEK, "monthly": Unit.MONTH, "yearly": Unit.YEAR}
_NEAR = {
    Unit.DAY: {-1: "yesterday", 0: "today", 1: "tomorrow"},
    **{
        unit: {-1: f"last-{unit}", 0: f"this-{unit}", 1: f"next-{unit}"}
        for unit in (Unit.WEEK, Unit.MONTH, Unit.YEAR)
    },
}
_NAMED = {
    name: (unit, distance) for unit, names in _NEAR.items() for distance, name in names.items()
}
_COUNTED = re.compile(r"0*([0-9]{1,5})-(day|week|month|year)s?-(ago|from-now)")


# --- Names ----------------------------------------------------------------------------------


def parse_name(name: str) -> tuple[Unit, int] | None:
    """Return the unit of a cycle and its distance from the current one; None if unknown."""
    if name in _NAMED:
        return _NAMED[name]
    match = _COUNTED.fullmatch(name)
    if match is None or int(match[1]) > MAX_DISTANCE:
        return None
    return Unit(match[2]), int(match[1]) * (-1 if match[3] == "ago" else 1)


def name_of(unit: Unit, distance: int) -> str:
    """Return the shortest name of a cycle, such as `last-week` or `2-weeks-ago`."""
    if name := _NEAR[unit].get(distance):
        return name
    return f"{abs(distance)}-{unit}s-{'ago' if distance < 0 else 'from-now'}"


# --- Windows --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cycle:
    """A period from `start` (inclusive) to `end` (exclusive), in UTC.

    `distance` is the number of units from the current cycle. `first` is its first day and `after`
    the first day of the next cycle, both in `zone`.
    """

    name: str
    unit: Unit
    distance: int
    zone: ZoneInfo
    first: date
    after: date

    @cached_property
    def start(self) -> datetime:
        return first_instant(self.first, self.zone)

    @cached_property
    def end(self) -> datetime:
        return first_instant(self.after, self.zone)

    @property
    def is_past(self) -> bool:
        return self.distance < 0

    @property
    def is_current(self) -> bool:
        return self.distance == 0

    @property
    def is_future(self) -> bool:
        return self.distance > 0

    @property
    def display_name(self) -> str:
        """The name in words: `3 Days Ago`."""
        return self.name.replace("-", " ").title()

    @property
    def time_window(self) -> str:
        """The days of the cycle in words. The end of a week is the following Monday."""
        if self.unit is Unit.DAY:
            return f"{self.first:%A}, {_day(self.first)}, {self.first.year}"
        if self.unit is Unit.WEEK:
            return f"{_day(self.first)} - {_day(self.after)}, {self.after.year}"
        return f"{self.first:%B} {self.first.year}" if self.unit is Unit.MONTH else self._year

    @property
    def _year(self) -> str:
        return str(self.first.year)

    @property
    def previous(self) -> str:
        """The name of the previous cycle, or "" if names do not reach that far."""
        return name_of(self.unit, self.distance - 1) if self.distance > -MAX_DISTANCE else ""

    @property
    def next(self) -> str:
        """The name of the next cycle, or "" if this one is current or future."""
        return name_of(self.unit, self.distance + 1) if self.is_past else ""


def _day(day: date) -> str:
    return f"{day:%B} {day.day}"


def cycle_named(name: str, now: datetime, zone: ZoneInfo) -> Cycle | None:
    """Return the cycle with this name at `now`, or None if there is no such cycle."""
    parsed = parse_name(name)
    if parsed is None:
        return None
    unit, distance = parsed
    try:
        return _checked(_cycle_at(name, unit, distance, now, zone))
    except (ValueError, OverflowError):
        # Before year 1, or after year 9999.
        return None


def current_cycle(unit: Unit, now: datetime, zone: ZoneInfo) -> Cycle:
    """Return the cycle that contains `now`."""
    return _cycle_at(name_of(unit, 0), unit, 0, now, zone)


def current_cycle_of(tempo: str, now: datetime, zone: ZoneInfo) -> Cycle:
    """Return the current cycle of a tempo. Unknown tempos are weekly."""
    return current_cycle(TEMPOS.get(tempo, Unit.WEEK), now, zone)


def _checked(cycle: Cycle) -> Cycle:
    """Return the cycle if its times exist.

    Raises:
        OverflowError: a time is before year 1 or after year 9999.
    """
    assert cycle.start <= cycle.end
    return cycle


def _cycle_at(name: str, unit: Unit, distance: int, now: datetime, zone: ZoneInfo) -> Cycle:
    first = _first_day(unit, _today(now, zone))
    # When clocks are set back across midnight, the end of the previous day repeats.
    if now >= first_instant(_moved(first, unit, 1), zone):
        first = _moved(first, unit, 1)
    start, after = _moved(first, unit, distance), _moved(first, unit, distance + 1)
    return Cycle(name, unit, distance, zone, start, after)


def _today(now: datetime, zone: ZoneInfo) -> date:
    return now.astimezone(zone).date()


def _first_day(unit: Unit, day: date) -> date:
    if unit is Unit.WEEK:
        return day - timedelta(days=day.weekday())
    if unit is Unit.MONTH:
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit is Unit.YEAR else day


def _moved(first: date, unit: Unit, distance: int) -> date:
    """Return the first day of the cycle `distance` cycles later."""
    if unit in (Unit.DAY, Unit.WEEK):
        return first + timedelta(days=distance * (7 if unit is Unit.WEEK else 1))
    months = distance * (12 if unit is Unit.YEAR else 1)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a day, in UTC: midnight, unless the clocks skip it."""
    late = datetime.combine(day, time(), zone).astimezone(UTC)
    early = datetime.combine(day, time(fold=1), zone).astimezone(UTC)
    # In a gap, the later offset gives the earlier time. Otherwise the first is midnight.
    return late if early >= late else _end_of_gap(early, late, zone)


def _end_of_gap(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """Return the time between `early` and `late` when a zone's UTC offset changes."""
    before = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
