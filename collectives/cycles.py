"""Cycles: named periods of time, such as `this-week` or `3-days-ago`.

Weeks start on Monday. A cycle begins and ends at midnight in a time zone (`docs/api.md`, Lists).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Unit = Literal["day", "week", "month", "year"]

MAX_DISTANCE = 10_000
DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
WORDS = {"last": -1, "this": 0, "next": 1}
_NAMED = re.compile(r"(last|this|next)-(week|month|year)")
_COUNTED = re.compile(r"([0-9]{1,5})-(day|week|month|year)s?-(ago|from-now)")


@dataclass(frozen=True, slots=True)
class Window:
    """A period from `start` (inclusive) to `end` (exclusive), in UTC."""

    start: datetime
    end: datetime


def window(name: str, now: datetime, zone: ZoneInfo) -> Window | None:
    """Return the period that a cycle's name means at `now`, or None if there is no such cycle."""
    found = _unit_and_distance(name)
    if found is None:
        return None
    unit, distance = found
    try:
        first = _first_day(unit, now.astimezone(zone).date())
        start, end = _moved(first, unit, distance), _moved(first, unit, distance + 1)
        return Window(_midnight(start, zone), _midnight(end, zone))
    except (ValueError, OverflowError):
        return None


def _unit_and_distance(name: str) -> tuple[Unit, int] | None:
    if name in DAYS:
        return "day", DAYS[name]
    if match := _NAMED.fullmatch(name):
        return _unit(match[2]), WORDS[match[1]]
    match = _COUNTED.fullmatch(name)
    if match is None or int(match[1]) > MAX_DISTANCE:
        return None
    return _unit(match[2]), int(match[1]) * (-1 if match[3] == "ago" else 1)


def _unit(word: str) -> Unit:
    units: dict[str, Unit] = {"day": "day", "week": "week", "month": "month", "year": "year"}
    return units[word]


def _first_day(unit: Unit, day: date) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


def _moved(first: date, unit: Unit, distance: int) -> date:
    """Return the first day of the cycle that is `distance` cycles later."""
    if unit in ("day", "week"):
        return first + timedelta(days=distance * (7 if unit == "week" else 1))
    months = distance * (12 if unit == "year" else 1)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
