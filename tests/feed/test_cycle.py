"""The page of a collective for one cycle: `?cycle=` and `/dashboard` (content 21, 10.5)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from collectives.items.models import Item
from tests.feed.test_feed import older, shown, write
from tests.fixtures.rows import KITCHEN, change, write_notes
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on

# A Wednesday, in a collective whose timezone is UTC.
NOW = datetime(2030, 5, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def midweek(world: Any) -> Any:
    """Travel to the middle of a week, with items of several ages."""
    change(world.collective("kitchen"), timezone="UTC", tempo="weekly")
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def notes() -> dict[str, str]:
    """Return the short IDs of notes by their age in days."""
    made = {}
    for days in (0, 1, 3, 9, 40):
        path = write(KITCHEN, f"Note of day {days}.")
        item = Item.unscoped.get(truncated_id=path.rpartition("/")[2], kind="Note")
        at = timezone.now() - timedelta(days=days)
        change(item, created_at=at, updated_at=at, last_activity_at=at, deadline=at)
        made[item.truncated_id] = f"day {days}"
    return made


def send_heartbeat(*people: str) -> None:
    for who in people:
        Caller(MARKDOWN, who).act("send_heartbeat", KITCHEN).assert_done()


@pytest.mark.rule("feed.cycle")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("today", ["day 0"]),
        ("yesterday", ["day 1"]),
        ("this-week", ["day 0", "day 1"]),
        ("last-week", ["day 3", "day 9"]),
        ("1-weeks-ago", ["day 3", "day 9"]),
        ("3-days-ago", ["day 3"]),
        ("this-month", ["day 0", "day 1", "day 3", "day 9"]),
        ("last-month", ["day 40"]),
        ("1-months-ago", ["day 40"]),
        ("2-months-ago", []),
    ],
)
def test_the_feed_has_the_items_of_the_named_cycle(call, notes, name, expected):
    send_heartbeat("alice")

    answer = call("alice").get(f"{KITCHEN}?cycle={name}").assert_done()

    assert [notes[each] for each in shown(answer) if each in notes] == expected
    assert ("No items in this cycle." in answer.text) is (not expected)


@pytest.mark.rule("feed.cycle")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("name", ["", "banana", "Today", "tomorrow", "next-week", "this-year"])
def test_other_names_show_the_page_as_it_is_without(call, notes, name):
    send_heartbeat("alice")

    answer = call("alice").get(f"{KITCHEN}?cycle={name}")

    assert [each for each in shown(answer) if each in notes] == list(notes)


@pytest.mark.rule("feed.cycle")
def test_the_page_names_the_cycle_and_links_back():
    send_heartbeat("alice")
    alice = Caller(MARKDOWN, "alice")

    past = alice.get(f"{KITCHEN}?cycle=last-week").text
    assert "## Cycle: Last Week" in past
    assert "another cycle" in past
    assert f"]({KITCHEN})" in past

    whole = alice.get(KITCHEN).text
    assert "## Cycle: This Week" in whole
    assert "another cycle" not in whole
    assert f"]({KITCHEN}?cycle=last-week)" in whole


@pytest.mark.rule("feed.cycle-heartbeat")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("name", ["last-week", "yesterday", "2-months-ago"])
def test_without_a_heartbeat_a_past_cycle_leads_to_the_page_of_the_collective(call, notes, name):
    answer = call("alice").get(f"{KITCHEN}?cycle={name}")

    assert (answer.status, answer.location) == (302, KITCHEN)
    if answer.surface == HTML:
        browser = call("alice")
        browser.get(f"{KITCHEN}?cycle={name}")
        assert "Send a heartbeat to see past cycles." in browser.get(KITCHEN).text


@pytest.mark.rule("feed.cycle-heartbeat")
def test_the_suffix_of_markdown_is_kept():
    answer = Caller(MARKDOWN, "alice").get(f"{KITCHEN}.md?cycle=last-week")

    assert answer.location == f"{KITCHEN}.md"


@pytest.mark.rule("feed.cycle-heartbeat")
@on(HTML, MARKDOWN)
def test_the_current_cycle_and_a_workspace_lead_nowhere(world, call):
    room = f"/workspace/{world.workspace('bob').handle}"

    call("bob").get(f"{KITCHEN}?cycle=today").assert_done()
    call("bob").get(f"{room}?cycle=last-week").assert_done()


@pytest.mark.rule("feed.cycle")
@on(HTML, MARKDOWN)
def test_older_items_of_a_cycle_are_on_further_pages(world, call):
    send_heartbeat("alice")
    rows = write_notes(world, world.collective("kitchen"), 60)
    answer = call("alice").get(f"{KITCHEN}?cycle=today")
    pages = [shown(answer)]
    found = re.search(r"[/\w]*\?cycle=today&(?:amp;)?cursor=[\w:.=%-]+", answer.text)
    while found:
        answer = call("alice").get(found[0].replace("&amp;", "&"))
        pages.append(shown(answer))
        found = re.search(r"[/\w]*\?cycle=today&(?:amp;)?cursor=[\w:.=%-]+", answer.text)

    seen = [each for page in pages for each in page]
    ids = {row.truncated_id for row in rows}
    assert [each for each in seen if each in ids] == list(dict.fromkeys(seen))
    assert len(pages) == (2 if answer.surface == HTML else 3)


@pytest.mark.rule("feed.cycle")
def test_a_cursor_of_the_whole_feed_is_not_one_of_a_cycle(world):
    send_heartbeat("alice")
    write_notes(world, world.collective("kitchen"), 60)
    alice = Caller(MARKDOWN, "alice")
    cursor = older(alice.get(KITCHEN)).partition("cursor=")[2]

    first, second = (
        shown(alice.get(f"{KITCHEN}?cycle=today{more}")) for more in ("", f"&cursor={cursor}")
    )

    assert first == second


@pytest.mark.rule("feed.cycle")
def test_a_page_of_a_cycle_has_no_position_in_the_changes_of_the_collective():
    send_heartbeat("alice")
    alice = Caller(MARKDOWN, "alice")

    assert "next_since:" not in alice.get(f"{KITCHEN}?cycle=this-week").text
    assert "next_since:" in alice.get(KITCHEN).text


# --- The dashboard --------------------------------------------------------------------------


@pytest.mark.rule("feed.dashboard")
@on(HTML, MARKDOWN)
def test_the_dashboard_is_the_page_of_the_collective(call, notes):
    send_heartbeat("alice")
    alice = call("alice")

    pages = [alice.get(f"{KITCHEN}{end}") for end in ("", "/dashboard")]

    assert shown(pages[0]) == shown(pages[1])
    assert "## Team" in pages[1].text or "<h2>Team</h2>" in pages[1].text
    past = alice.get(f"{KITCHEN}/dashboard?cycle=last-week")
    assert [notes[each] for each in shown(past) if each in notes] == ["day 3", "day 9"]


@pytest.mark.rule("feed.dashboard")
@on(HTML, MARKDOWN)
def test_outsiders_cannot_read_the_dashboard(call):
    answer = call("carol").get(f"{KITCHEN}/dashboard")

    expected = (302, f"{KITCHEN}/join") if answer.surface == HTML else (403, "")
    assert (answer.status, answer.location.partition("?")[0]) == expected


@pytest.mark.rule("feed.dashboard")
def test_the_dashboard_asks_for_the_heartbeat_too():
    assert "## Heartbeat Required" in Caller(MARKDOWN, "alice").get(f"{KITCHEN}/dashboard").text


def test_rest_lists_are_not_gated_by_heartbeats():
    Caller(REST, "alice").get(f"{KITCHEN}/api/v1/notes").assert_done()
