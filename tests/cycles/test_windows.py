"""The names and time windows of cycles (content §10.1 and §10.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectives.cycles.windows import (
    MAX_DISTANCE,
    Cycle,
    Unit,
    current_cycle,
    current_cycle_of,
    cycle_named,
    first_instant,
    name_of,
    parse_name,
)

# A Wednesday, and already Thursday in Auckland.
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
    cycle = found(name, NOW, VIENNA)

    assert cycle.start.astimezone(VIENNA).isoformat()[:19] == f"{first}T00:00:00"
    assert cycle.end.astimezone(VIENNA).isoformat()[:19] == f"{end}T00:00:00"


def test_week_of_a_clock_change_is_an_hour_shorter() -> None:
    cycle = found("this-week", NOW, VIENNA)

    assert cycle.end - cycle.start == timedelta(days=7, hours=-1)


def test_today_is_the_day_in_the_collectives_timezone() -> None:
    assert found("today", NOW, AUCKLAND).start == datetime(2026, 3, 25, 11, 0, tzinfo=UTC)


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
    assert cycle_named(name, NOW, VIENNA) is None


# --- The example of §10.2 -------------------------------------------------------------------

NEW_YORK = ZoneInfo("America/New_York")
# A Tuesday evening in New York, two days after the clocks changed.
EVENING = datetime(2026, 3, 11, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "start", "end", "shown"),
    [
        (
            "today",
            "2026-03-10T00:00:00-04:00",
            "2026-03-11T00:00:00-04:00",
            "Tuesday, March 10, 2026",
        ),
        (
            "this-week",
            "2026-03-09T00:00:00-04:00",
            "2026-03-16T00:00:00-04:00",
            "March 9 - March 16, 2026",
        ),
        (
            "last-week",
            "2026-03-02T00:00:00-05:00",
            "2026-03-09T00:00:00-04:00",
            "March 2 - March 9, 2026",
        ),
        ("2-months-ago", "2026-01-01T00:00:00-05:00", "2026-02-01T00:00:00-05:00", "January 2026"),
    ],
)
def test_the_example_of_the_specification(name: str, start: str, end: str, shown: str) -> None:
    cycle = found(name, EVENING, NEW_YORK)

    assert cycle.start.astimezone(NEW_YORK).isoformat() == start
    assert cycle.end.astimezone(NEW_YORK).isoformat() == end
    assert cycle.time_window == shown


def test_the_week_in_which_the_clocks_change_has_167_hours() -> None:
    last_week = found("last-week", EVENING, NEW_YORK)

    assert last_week.end - last_week.start == timedelta(hours=167)


def test_last_week_on_monday_morning_in_auckland_is_the_local_week() -> None:
    """Content §24: `last-week` on Monday 00:30 in Auckland."""
    monday = datetime(2026, 5, 11, 0, 30, tzinfo=AUCKLAND).astimezone(UTC)

    last_week = found("last-week", monday, AUCKLAND)

    assert last_week.start == datetime(2026, 5, 4, tzinfo=AUCKLAND)
    assert last_week.end == datetime(2026, 5, 11, tzinfo=AUCKLAND)
    assert last_week.time_window == "May 4 - May 11, 2026"


# --- Words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown", "window"),
    [
        ("today", "Today", "Wednesday, March 25, 2026"),
        ("this-week", "This Week", "March 23 - March 30, 2026"),
        ("3-days-ago", "3 Days Ago", "Sunday, March 22, 2026"),
        ("12-weeks-ago", "12 Weeks Ago", "December 29 - January 5, 2026"),
        ("last-month", "Last Month", "February 2026"),
        ("next-year", "Next Year", "2027"),
        ("2-weeks-from-now", "2 Weeks From Now", "April 6 - April 13, 2026"),
    ],
)
def test_cycles_are_shown_in_words(name: str, shown: str, window: str) -> None:
    cycle = found(name, NOW, VIENNA)

    assert (cycle.display_name, cycle.time_window) == (shown, window)


# --- Neighbours -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "previous", "following"),
    [
        ("this-week", "last-week", ""),
        ("last-week", "2-weeks-ago", "this-week"),
        ("2-weeks-ago", "3-weeks-ago", "last-week"),
        ("1-week-ago", "2-weeks-ago", "this-week"),
        ("today", "yesterday", ""),
        ("0-days-ago", "yesterday", ""),
        ("tomorrow", "today", ""),
        ("2-days-from-now", "tomorrow", ""),
        ("2-months-ago", "3-months-ago", "last-month"),
        ("last-year", "2-years-ago", "this-year"),
        ("10000-days-ago", "", "9999-days-ago"),
    ],
)
def test_adjacent_cycles_have_their_shortest_names(
    name: str, previous: str, following: str
) -> None:
    cycle = found(name, NOW, VIENNA)

    assert (cycle.previous, cycle.next) == (previous, following)


@given(st.sampled_from(Unit), st.integers(-MAX_DISTANCE, MAX_DISTANCE))
def test_the_shortest_name_of_a_cycle_is_parsed_back(unit: Unit, distance: int) -> None:
    assert parse_name(name_of(unit, distance)) == (unit, distance)


# --- Tempo ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tempo", "name"),
    [
        ("daily", "today"),
        ("weekly", "this-week"),
        ("monthly", "this-month"),
        ("yearly", "this-year"),
        ("fortnightly", "this-week"),
    ],
)
def test_the_tempo_of_a_collective_names_its_current_cycle(tempo: str, name: str) -> None:
    assert current_cycle_of(tempo, NOW, VIENNA) == found(name, NOW, VIENNA)


# --- Every zone, 1990 to 2040 ---------------------------------------------------------------

YEAR_1990 = datetime(1990, 1, 1, tzinfo=UTC)
ZONES = sorted(available_timezones())
MOMENTS = st.integers(0, 51 * 365 * 24 * 3600).map(lambda past: YEAR_1990 + timedelta(seconds=past))


@given(st.sampled_from(ZONES).map(ZoneInfo), MOMENTS, st.sampled_from(Unit), st.integers(-60, 60))
def test_cycles_of_one_unit_follow_each_other(
    zone: ZoneInfo, now: datetime, unit: Unit, distance: int
) -> None:
    cycle, following = (found(name_of(unit, each), now, zone) for each in (distance, distance + 1))

    assert cycle.end == following.start
    assert cycle.after == following.first
    assert cycle.start <= cycle.end


@given(st.sampled_from(ZONES).map(ZoneInfo), MOMENTS, st.sampled_from(Unit))
def test_the_current_cycle_contains_now(zone: ZoneInfo, now: datetime, unit: Unit) -> None:
    cycle = found(name_of(unit, 0), now, zone)

    assert cycle.start <= now < cycle.end


@given(st.sampled_from(ZONES).map(ZoneInfo), MOMENTS, st.sampled_from(Unit), st.integers(-60, 60))
def test_a_cycle_begins_at_the_first_instant_of_its_first_day(
    zone: ZoneInfo, now: datetime, unit: Unit, distance: int
) -> None:
    cycle = found(name_of(unit, distance), now, zone)

    assert is_first_instant(cycle.start, cycle.first, zone)
    assert cycle.first.day == 1 or unit in (Unit.DAY, Unit.WEEK)
    assert cycle.first.weekday() == 0 or unit is not Unit.WEEK


def test_cycles_are_correct_at_every_clock_change_of_every_zone() -> None:
    """The days and seconds before and after each clock change are in their cycles."""
    for zone, changes in clock_changes().items():
        for change in changes:
            for moment in (change - SECOND, change, change + SECOND, change + HOURS):
                for unit in Unit if is_near_midnight(moment, zone) else (Unit.DAY,):
                    cycle = current_cycle(unit, moment, zone)
                    assert cycle.start <= moment < cycle.end, (zone, moment, unit)
                    assert is_first_instant(cycle.start, cycle.first, zone), (zone, moment)


SECOND, HOURS = timedelta(seconds=1), timedelta(hours=2)


def is_near_midnight(moment: datetime, zone: ZoneInfo) -> bool:
    return moment.astimezone(zone).hour in (22, 23, 0, 1)


def is_first_instant(start: datetime, first: date, zone: ZoneInfo) -> bool:
    """Return whether a day begins at a time. A skipped day begins with the next one."""
    there, before = (each.astimezone(zone).date() for each in (start, start - SECOND))
    # If the clocks are set back across midnight, the previous day continues for a while.
    return there >= first > before


def clock_changes() -> dict[ZoneInfo, list[datetime]]:
    """Return the clock changes of each zone. Zones with the same offsets are returned once."""
    fortnights = [YEAR_1990 + timedelta(days=14 * number) for number in range(51 * 26 + 5)]
    zones: dict[tuple[timedelta | None, ...], ZoneInfo] = {}
    for zone in map(ZoneInfo, ZONES):
        zones.setdefault(tuple(at.astimezone(zone).utcoffset() for at in fortnights), zone)
    return {
        zone: [
            change_between(fortnights[at], fortnights[at + 1], zone)
            for at, (before, after) in enumerate(pairwise(offsets))
            if before != after
        ]
        for offsets, zone in zones.items()
    }


def change_between(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    before = early.astimezone(zone).utcoffset()
    while late - early > SECOND:
        middle = (early + (late - early) / 2).replace(microsecond=0)
        early, late = (
            (middle, late) if middle.astimezone(zone).utcoffset() == before else (early, middle)
        )
    return late


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        # Set back from 00:01 to 23:01: the day had begun, and its first instant stays its start.
        ("America/St_Johns", date(2010, 11, 7), "2010-11-07T02:30:00+00:00"),
        # Set forward at midnight: the day begins at 01:00.
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00+00:00"),
        # Set forward from 23:30 to 00:30.
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30:00+00:00"),
        # Skipped altogether: it begins and ends at the same time.
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00+00:00"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00:00+00:00"),
    ],
)
def test_days_whose_midnight_is_missing_or_repeated(zone: str, day: date, start: str) -> None:
    assert first_instant(day, ZoneInfo(zone)).isoformat() == start


def found(name: str, now: datetime, zone: ZoneInfo) -> Cycle:
    cycle = cycle_named(name, now, zone)
    assert cycle is not None, name
    return cycle
