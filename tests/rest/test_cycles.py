"""The time windows of cycles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from collectives.cycles import window

# A Wednesday; in Auckland it is Thursday already.
NOW = datetime(2026, 3, 25, 12, 0, tzinfo=UTC)
VIENNA, AUCKLAND = ZoneInfo("Europe/Vienna"), ZoneInfo("Pacific/Auckland")


@pytest.mark.parametrize(
    ("name", "first", "end"),
    [
        ("today", "2026-03-25", "2026-03-26"),
        ("yesterday", "2026-03-24", "2026-03-25"),
        ("tomorrow", "2026-03-26", "2026-03-27"),
        ("1-day-ago", "2026-03-24", "2026-03-25"),
        ("0-days-ago", "2026-03-25", "2026-03-26"),
        ("this-week", "2026-03-23", "2026-03-30"),
        ("last-week", "2026-03-16", "2026-03-23"),
        ("2-weeks-from-now", "2026-04-06", "2026-04-13"),
        ("this-month", "2026-03-01", "2026-04-01"),
        ("3-months-ago", "2025-12-01", "2026-01-01"),
        ("10-months-from-now", "2027-01-01", "2027-02-01"),
        ("next-year", "2027-01-01", "2028-01-01"),
        ("2-years-ago", "2024-01-01", "2025-01-01"),
    ],
)
def test_cycle_begins_and_ends_at_local_midnight(name: str, first: str, end: str) -> None:
    found = window(name, NOW, VIENNA)

    assert found is not None
    assert found.start.astimezone(VIENNA).isoformat()[:19] == f"{first}T00:00:00"
    assert found.end.astimezone(VIENNA).isoformat()[:19] == f"{end}T00:00:00"


def test_week_of_a_clock_change_is_an_hour_shorter() -> None:
    found = window("this-week", NOW, VIENNA)

    assert found is not None
    assert found.end - found.start == timedelta(days=7, hours=-1)


def test_today_is_the_day_in_the_collectives_timezone() -> None:
    found = window("today", NOW, AUCKLAND)

    assert found is not None
    assert found.start == datetime(2026, 3, 25, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Today",
        "this-day",
        "last-days",
        "3-days",
        "-1-days-ago",
        "10001-days-ago",
        "9999-years-ago",
    ],
)
def test_unknown_names_have_no_window(name: str) -> None:
    assert window(name, NOW, VIENNA) is None
