"""Reminders in feeds (content 21) and on the page about the caller (markdown 6)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from collectives.feed.queries import MARKDOWN_PAGE
from tests.fixtures.rows import KITCHEN, end_membership
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on
from tests.reminders.rows import deliver_after, remind

LINE = re.compile(r"^ *\* \*\*Reminder\*\*: \[(Reminder: .*?)\]\((.*?)\) by \[(.*?)\]", re.M)


def feed(who: str, path: str = KITCHEN, **distance: float) -> str:
    with time_machine.travel(timezone.now() + timedelta(**distance), tick=False):
        return Caller(MARKDOWN, who).get(path).assert_done().text


# --- Feeds ----------------------------------------------------------------------------------


@pytest.mark.rule("feed.reminders")
def test_a_delivered_reminder_is_in_the_feed_at_its_time(world):
    path = remind(title="Beans")
    assert "Reminder: Beans" not in feed("alice")

    deliver_after(hours=2)

    shown = feed("alice")
    assert LINE.findall(shown) == [("Reminder: Beans", path, "Bob")]
    assert shown.count(path) == 2


@pytest.mark.rule("feed.reminders")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("where", [KITCHEN, ""])
def test_the_page_of_a_collective_and_the_home_page_show_it(world, call, where):
    remind(title="Beans", where=where)
    deliver_after(hours=2)

    assert "Reminder: Beans" in call("alice").get(where or "/").assert_done().text


@pytest.mark.rule("feed.reminders")
def test_a_reminder_comes_between_the_items_by_time(world):
    remind(title="Beans")
    deliver_after(hours=2)
    for hours, title in ((0.5, "Before"), (1.5, "After")):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            Caller(REST, "bob").act("create_note", KITCHEN, title=title, text="Text").assert_done()

    shown = feed("alice", hours=3)

    places = [shown.index(f"[{title}]") for title in ("After", "Reminder: Beans", "Before")]
    assert places == sorted(places)


@pytest.mark.rule("feed.reminders")
def test_a_deleted_note_has_no_reminder_in_the_feed(world):
    path = remind(title="Beans")
    deliver_after(hours=2)
    Caller(MARKDOWN, "bob").act("delete_note", path).assert_done()

    assert "Beans" not in feed("alice")


@pytest.mark.rule("feed.reminders")
def test_each_entry_is_on_one_page_of_the_feed(world):
    paths = [remind(title=f"Bean {each}.", scheduled_for=f"{60 + each}s") for each in range(5)]
    deliver_after(hours=1)
    for number in range(MARKDOWN_PAGE):
        sent = {"title": f"Note {number}.", "text": "Text"}
        Caller(REST, "bob").act("create_note", KITCHEN, **sent).assert_done()

    shown, path = "", KITCHEN
    while path:
        page = feed("alice", path, hours=2)
        shown += page
        found = re.search(r"\[Older items\]\((.*?)\)", page)
        path = found[1] if found else ""

    assert [shown.count(f"[Reminder: Bean {number}.]") for number in range(len(paths))] == [1] * 5
    assert all(shown.count(f"[Note {number}.]") == 1 for number in range(MARKDOWN_PAGE))


@pytest.mark.rule("feed.reminders")
def test_changes_since_the_page_are_those_of_items(world):
    remind(title="Beans")
    deliver_after(hours=2)
    page = feed("alice")
    following = re.search(r"next_since: (\S+)", page)
    assert following

    assert "Beans" not in feed("alice", f"{KITCHEN}?since={following[1]}")


@pytest.mark.rule("feed.reminders")
def test_reminders_take_three_more_statements_however_many_there_are(world):
    alice = Caller(MARKDOWN, "alice")

    def statements() -> int:
        alice.get(KITCHEN)
        with CaptureQueriesContext(connection) as captured:
            alice.get(KITCHEN)
        return len(captured.captured_queries)

    before = statements()
    remind(title="Beans")
    deliver_after(hours=2)
    one = statements()
    for number in range(3):
        remind(title=f"Bean {number}.", scheduled_for=f"{90 + number}s")
    deliver_after(hours=3)

    assert statements() == one
    assert one <= before + 3


# --- Who am I -------------------------------------------------------------------------------


@pytest.mark.rule("reminders.whoami")
@pytest.mark.meets("reminders on `/whoami`")
def test_whoami_lists_the_next_five_reminders(world):
    hours_ahead = (6, 2, 3, 4, 5, 1)
    paths = [remind(title=f"Bean {each}.", scheduled_for=f"{each}h") for each in hours_ahead]

    shown = Caller(MARKDOWN, "bob").get("/whoami").text

    part = shown.partition("## Upcoming Reminders")[2]
    assert re.findall(r"\[Bean (\d)\.\]\((.*?)\)", part) == [
        (str(hours), paths[at]) for hours, at in ((1, 5), (2, 1), (3, 2), (4, 3), (5, 4))
    ]
    assert "[View all reminders](/notifications)" in part


@pytest.mark.rule("reminders.whoami")
@on(HTML, MARKDOWN)
def test_whoami_shows_reminders_to_those_whom_they_remind(world, call):
    remind(text="Water, @alice", title="Beans")

    assert "Beans" in call("alice").get("/whoami").text
    assert "Upcoming Reminders" not in call("carol").get("/whoami").text


@pytest.mark.rule("reminders.whoami")
def test_whoami_has_no_reminders_that_are_over_or_of_collectives_that_were_left(world):
    path = remind(text="Water, @alice", title="Beans")
    remind(title="Cress", scheduled_for="2h")
    Caller(MARKDOWN, "bob").act("cancel_reminder", path).assert_done()
    assert "Beans" not in Caller(MARKDOWN, "bob").get("/whoami").text
    assert "Cress" in Caller(MARKDOWN, "bob").get("/whoami").text

    end_membership(world, "bob")

    assert "Upcoming Reminders" not in Caller(MARKDOWN, "bob").get("/whoami").text


@pytest.mark.rule("reminders.whoami")
def test_a_token_that_does_not_read_notes_sees_no_reminders(world):
    remind(title="Beans")

    shown = Caller(MARKDOWN, "bob", scopes=["read:users"]).get("/whoami").text

    assert "Beans" not in shown
