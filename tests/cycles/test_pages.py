"""The pages of cycles in HTML and Markdown (markdown §6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collectives.cycles import showing
from collectives.cycles.ordering import groupings
from collectives.cycles.windows import Cycle, cycle_named
from collectives.models import Collective
from collectives.notes.models import Note
from tests.cycles.conftest import KITCHEN, Write
from tests.fixtures.surfaces import HTML, MARKDOWN, on

CYCLES = f"{KITCHEN}/cycles"
ZONE = ZoneInfo("America/New_York")
YEARS = timedelta(days=36_500)


@pytest.fixture(autouse=True)
def in_new_york(empty_kitchen: None) -> None:
    Collective.unscoped.filter(handle="kitchen").update(timezone=ZONE.key)


def named(name: str) -> Cycle:
    cycle = cycle_named(name, datetime.now(UTC), ZONE)
    assert cycle is not None
    return cycle


def text_of(client: Any, path: str) -> str:
    response = client.get(path, headers={"accept": "text/markdown"})
    assert response.status_code == 200, response.text
    text: str = response.text
    return text


# --- All cycles -----------------------------------------------------------------------------


def test_the_index_counts_items_of_days_weeks_and_months(api: Any, write: Write) -> None:
    write("Now", named("today").start + timedelta(seconds=1))

    text = text_of(api("bob"), CYCLES)

    assert "title: Cycles" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Daily",
        "## Weekly",
        "## Monthly",
    ]
    for names in (
        ("yesterday", "today", "tomorrow"),
        ("last-week", "this-week", "next-week"),
        ("last-month", "this-month", "next-month"),
    ):
        header = " | ".join(f"[{named(name).display_name}]({CYCLES}/{name})" for name in names)
        assert f"| Items | {header} |" in text
    assert text.count("| Notes | 0 | 1 | 0 |") == 3


@on(HTML, MARKDOWN)
def test_outsiders_cannot_see_cycles(call: Any) -> None:
    for path in (CYCLES, f"{CYCLES}/today"):
        assert call("carol").get(path).status in (302, 403)


@pytest.mark.parametrize("place", ["", "/workspace/{workspace}"])
def test_cycles_of_the_main_collective_and_of_workspaces(api: Any, world: Any, place: str) -> None:
    base = place.format(workspace=world.workspace("bob").handle)

    assert f"({base}/cycles/today)" in text_of(api("bob"), f"{base}/cycles")
    assert "title: " in text_of(api("bob"), f"{base}/cycles/today")
    assert "send_heartbeat" not in text_of(api("bob"), f"{base}/cycles")


# --- One cycle ------------------------------------------------------------------------------


def test_a_cycle_has_a_section_for_each_kind(api: Any, write: Write) -> None:
    made = named("this-week").start + timedelta(seconds=1)
    note = write("Due later", made, deadline=made + timedelta(days=9))

    text = text_of(api("bob"), f"{CYCLES}/this-week")

    assert f"title: {named('this-week').time_window}" in text
    assert f"# {named('this-week').time_window}\n" in text
    assert "## Notes (1)" in text
    assert f"* [Due later]({KITCHEN}/n/{note.truncated_id})" in text
    assert "Duration: 9 days" in text
    assert "This Week. Ends in " in text


def test_an_empty_cycle_says_so(api: Any) -> None:
    text = text_of(api("bob"), f"{CYCLES}/3-years-ago")

    assert "## Notes\n" in text
    assert "No notes in this cycle." in text
    assert "3 Years Ago. Ended 2 years ago." in text


def test_an_item_without_a_deadline_shows_none(api: Any, write: Write) -> None:
    made = named("today").start
    write("For ever", made, deadline=made + YEARS)

    text = text_of(api("bob"), f"{CYCLES}/today")

    assert "Deadline: none" in text
    assert "Duration" not in text


@on(HTML, MARKDOWN)
@pytest.mark.parametrize("name", ["foo", "This-Week", "99999-days-ago"])
def test_an_unknown_cycle_is_not_found(call: Any, name: str) -> None:
    call("bob").get(f"{CYCLES}/{name}").assert_refused(404)


def test_the_address_of_public_clients_redirects(api: Any) -> None:
    response = api("bob").get(f"{KITCHEN}/cycle/today.md")

    assert response.status_code == 302
    assert response["Location"] == f"{CYCLES}/today.md"


@on(HTML, MARKDOWN)
def test_neighbours_are_linked(call: Any) -> None:
    text = call("bob").get(f"{CYCLES}/last-week").text

    assert f"{CYCLES}/2-weeks-ago" in text
    assert f"{CYCLES}/this-week" in text
    assert f"{CYCLES}/next-week" not in call("bob").get(f"{CYCLES}/this-week").text


# --- Filters, order, groups -----------------------------------------------------------------


def test_a_page_names_ignored_filters(api: Any, write: Write) -> None:
    write("Mine", named("today").start + timedelta(seconds=1))
    write("Alice's", named("today").start + timedelta(seconds=1), by="alice")

    text = text_of(api("bob"), f"{CYCLES}/today?filters=mine,shiny")

    assert "Mine" in text
    assert "Alice's" not in text
    assert "Ignored filters: `shiny`." in text


def test_items_are_sorted_on_pages_as_over_rest(api: Any, write: Write) -> None:
    for number, title in enumerate("bac"):
        write(title, named("today").start + timedelta(seconds=number + 1))

    text = text_of(api("bob"), f"{CYCLES}/today?sort_by=title-asc")

    assert text.index("[a]") < text.index("[b]") < text.index("[c]")


@pytest.mark.parametrize(
    ("group_by", "headings"),
    [
        ("status", ["Status: closed", "Status: open"]),
        ("created_within_cycle", ["Created within cycle: no", "Created within cycle: yes"]),
        ("days_until_deadline", ["Days until deadline: -1", "Days until deadline: 2"]),
        ("created_by_id", ["Bob"]),
        ("nonsense", ["Notes (2)"]),
    ],
)
def test_items_are_grouped(api: Any, write: Write, group_by: str, headings: list[str]) -> None:
    now, hour, start = datetime.now(UTC), timedelta(hours=1), named("this-year").start
    write("Closed", start + hour, deadline=now - hour)
    write("Open", start - hour, deadline=now + timedelta(days=2) + hour)

    text = text_of(api("bob"), f"{CYCLES}/this-year?group_by={group_by}")

    shown = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert shown[: len(headings)] == headings


def test_groups_use_the_calendar_of_the_collective(api: Any, write: Write) -> None:
    evening = datetime(2026, 3, 9, 3, 59, tzinfo=UTC)
    write("Sunday evening", evening, deadline=evening + YEARS)

    for group_by, heading in (
        ("date_created", "## Date created: 2026-03-08"),
        ("week_created", "## Week created: 2026-09"),
        ("month_created", "## Month created: 2026-03"),
        ("year_created", "## Year created: 2026"),
    ):
        text = text_of(api("bob"), f"{CYCLES}/this-year?group_by={group_by}")
        assert heading in text


def test_every_grouping_works_on_both_surfaces(api: Any, page: Any, write: Write) -> None:
    write("Alone", named("today").start, deadline=named("today").end)

    for group_by in groupings():
        path = f"{CYCLES}/today?group_by={group_by}&sort_by=voter_count-asc"
        assert "Alone" in text_of(api("bob"), path)
        assert "Alone" in page("bob").get(path).text


# --- Long cycles ----------------------------------------------------------------------------


@pytest.mark.meets("items of each kind on the page of a cycle")
def test_a_truncated_section_links_to_pages_of_its_kind(
    api: Any, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        write(f"Number {number}", named("today").start + timedelta(seconds=number + 1))
    monkeypatch.setattr(showing, "PAGE", 2)
    bob = api("bob")

    first = text_of(bob, f"{CYCLES}/today?sort_by=created_at-asc")
    rest = f"{CYCLES}/today?sort_by=created_at-asc&type=note"

    assert f"[Show all 5]({rest})" in first
    found = [
        number
        for page in (1, 2, 3)
        for number in range(5)
        if f"[Number {number}]" in text_of(bob, f"{rest}&page={page}")
    ]
    assert found == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("path", "most"), [(CYCLES, 4), (f"{CYCLES}/this-year", 8)])
def test_the_queries_of_pages_do_not_depend_on_the_number_of_items(
    api: Any, write: Write, path: str, most: int
) -> None:
    bob = api("bob")
    write("First", named("today").start + timedelta(seconds=1))
    before = queries_of(bob, path)
    for number in range(8):
        write(f"More {number}", named("today").start + timedelta(seconds=1))

    assert queries_of(bob, path) == before <= most


def queries_of(client: Any, path: str) -> int:
    text_of(client, path)
    with CaptureQueriesContext(connection) as captured:
        text_of(client, path)
    return len(captured.captured_queries)


def test_a_hostile_title_stays_a_title(api: Any, write: Write) -> None:
    note = write("x", named("today").start + timedelta(seconds=1))
    Note.unscoped.filter(id=note.id).update(title="# [x](/y)\n- name: vote")

    text = text_of(api("bob"), f"{CYCLES}/today?group_by=title")

    assert "](/y)" not in text.replace("\\](/y)", "")
    assert "\n- name: vote" not in text
