"""The newest items of one's other collectives on the home page."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from collectives.feed import elsewhere
from collectives.items.models import Item
from tests.feed.test_feed import write
from tests.fixtures.rows import KITCHEN, change, end_membership
from tests.fixtures.surfaces import HTML, MARKDOWN, Answer, Caller, on


def section(answer: Answer) -> str:
    """Return the section of the home page, or "" if it has none."""
    text = answer.assert_done().text
    ends = r"^## In Your Collectives$(.*?)^## |In your collectives</h2>(.*?)</section>"
    found = re.search(ends, text, re.M | re.S)
    return (found[1] or found[2]) if found else ""


@pytest.fixture(autouse=True)
def nothing_recent(world: Any) -> None:
    """Start with items that are too old to be shown."""
    Item.unscoped.update(created_at=timezone.now() - timedelta(days=60))


@pytest.mark.rule("feed.elsewhere")
@on(HTML, MARKDOWN)
def test_the_home_page_has_the_newest_items_of_other_collectives_with_their_place(world, call):
    first, second = write(KITCHEN, "Bread"), ""
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        second = write(KITCHEN, "Soup", by="alice")
        shown = section(call("bob").get("/"))

    expected = [each.removeprefix(KITCHEN) for each in (second, first)]
    assert re.findall(r"/n/[0-9a-f]{8}", shown) == expected
    assert "Kitchen" in shown
    write("", "Main")
    assert "Main" not in section(call("bob").get("/"))


@pytest.mark.rule("feed.elsewhere")
@on(HTML, MARKDOWN)
def test_it_has_nothing_of_collectives_that_one_does_not_read(world, call):
    room = f"/workspace/{world.workspace('bob').handle}"
    write(KITCHEN, "Bread")
    write(room, "Diary")

    assert "Diary" not in section(call("bob").get("/"))
    assert section(call("carol").get("/")) == ""
    end_membership(world, "bob")
    assert section(call("bob").get("/")) == ""


@pytest.mark.rule("feed.elsewhere")
def test_tokens_see_nothing_of_collectives_without_the_api(world):
    write(KITCHEN, "Bread")
    bob = Caller(MARKDOWN, "bob")
    change(world.collective("kitchen"), is_api_enabled=False)

    assert "Bread" not in section(bob.get("/"))
    assert "Bread" in section(Caller(HTML, "bob").get("/"))


@pytest.mark.rule("feed.elsewhere")
@on(HTML, MARKDOWN)
def test_it_leaves_out_comments_and_what_was_deleted(world, call):
    path = write(KITCHEN, "Bread")
    Caller(MARKDOWN, "bob").act("add_comment", path, text="A comment").assert_done()
    assert "comment" not in section(call("bob").get("/"))

    Caller(MARKDOWN, "bob").act("delete_note", path).assert_done()

    assert section(call("bob").get("/")) == ""


@pytest.mark.rule("feed.elsewhere")
@pytest.mark.meets("items of other collectives on the home page")
@on(HTML, MARKDOWN)
def test_it_has_a_few_items(world, call):
    for number in range(elsewhere.SHOWN + 2):
        write(KITCHEN, f"Note {number}.")

    assert len(re.findall(r"/n/[0-9a-f]{8}", section(call("bob").get("/")))) == elsewhere.SHOWN


@pytest.mark.rule("feed.elsewhere")
@pytest.mark.meets("age of items of other collectives on the home page")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(("hours", "is_shown"), [(-1, True), (1, False)])
def test_it_has_no_items_of_more_than_thirty_days(world, call, hours, is_shown):
    write(KITCHEN, "Bread")
    Item.unscoped.filter(title="Bread").update(
        created_at=timezone.now() - elsewhere.RECENT - timedelta(hours=hours)
    )

    assert bool(section(call("bob").get("/"))) is is_shown


@pytest.mark.rule("feed.elsewhere")
def test_a_token_that_reads_notes_only_is_not_told_of_collectives(world):
    write(KITCHEN, "Bread")

    text = Caller(MARKDOWN, "bob", scopes=["read:notes"]).get("/").assert_done().text

    assert "Bread" not in text
    assert KITCHEN not in text


def test_it_takes_three_statements_however_much_there_is(world):
    bob = Caller(MARKDOWN, "bob")

    def statements() -> int:
        bob.get("/")
        with CaptureQueriesContext(connection) as captured:
            bob.get("/")
        return len(captured.captured_queries)

    before = statements()
    write(KITCHEN, "Bread")
    one = statements()
    for number in range(elsewhere.SHOWN + 2):
        write(KITCHEN, f"Note {number}.")

    assert statements() == one
    assert one <= before + 2
