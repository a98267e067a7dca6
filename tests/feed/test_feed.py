"""Feeds: the items of a collective, newest first, for members only."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from collectives.items.models import STATEMENT, Item
from tests.fixtures.rows import (
    KITCHEN,
    end_membership,
    write_notes,
)
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Answer, Caller, on

PAGE = {HTML: 50, MARKDOWN: 20}


def write(where: str, title: str, by: str = "bob") -> str:
    made = Caller(REST, by).act("create_note", where, title=title, text="Text").assert_done()
    return str(made.json["path"])


def shown(answer: Answer) -> list[str]:
    """Return the short IDs of the items in a feed, in order."""
    text = answer.assert_done().text
    # Pins and items of other collectives are shown next to the feed, and are not part of it.
    others = r"<h2>Pinned</h2>|^## Pinned$|<h2>In your collectives</h2>|^## In Your Collectives$"
    feed = re.split(others, text, flags=re.M)[0]
    # The texts in the rows of Markdown can have links, too, behind that of the row.
    before = r"^ *\* .*?" if answer.surface == MARKDOWN else ""
    return list(dict.fromkeys(re.findall(rf"{before}/[ncd]/([0-9a-f]{{8}})", feed, re.M)))


def older(answer: Answer) -> str:
    """Return the path of the next page of a feed, or "" on its last page."""
    found = re.search(r"[/\w]*\?cursor=[\w:.=%-]+", answer.text)
    return found[0] if found else ""


# --- What is in it --------------------------------------------------------------------------


@pytest.mark.rule("feed.newest-first")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("where", ["", KITCHEN])
def test_feeds_are_ordered_newest_first(call, where):
    paths = []
    for minute, title in enumerate(("Older", "Newer", "Newest")):
        with time_machine.travel(timezone.now() + timedelta(minutes=minute)):
            paths.append(write(where, title))
    with time_machine.travel(timezone.now() + timedelta(minutes=9)):
        Caller(REST, "bob").act("update_note", paths[0], text="An edit changes no order")
        seen = shown(call("carol" if not where else "alice").get(where or "/"))

    assert seen[:3] == [path.rpartition("/")[2] for path in reversed(paths)]


@pytest.mark.rule("feed.own-collective")
@on(HTML, MARKDOWN)
def test_a_feed_contains_only_items_of_its_collective(world, call):
    room = f"/workspace/{world.workspace('bob').handle}"
    short = {where: write(where, "New here").rpartition("/")[2] for where in ("", KITCHEN, room)}
    bob = call("bob")

    for where in short:
        seen = shown(bob.get(where or "/"))
        assert [each for each in short if short[each] in seen] == [where]


@pytest.mark.rule("feed.row")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("kinds", [("notes",), ("notes", "decisions")])
def test_a_row_has_title_author_and_the_kind_where_there_are_several(call, kinds, monkeypatch):
    monkeypatch.setattr("collectives.feed.pages.KINDS", kinds)
    write(KITCHEN, "Zwieback", by="alice")
    bob = call("bob")

    text = bob.get(KITCHEN).assert_done().text

    row = text[text.index("Zwieback") - 200 : text.index("Zwieback") + 400]
    assert ("Note<" in row or "**Note**" in row) is (bob.surface == MARKDOWN or len(kinds) > 1)
    assert "/u/alice" in row


@pytest.mark.rule("feed.row")
def test_a_row_counts_readers_and_comments(world):
    path = write(KITCHEN, "Zwieback", by="alice")
    Caller(REST, "bob").act("confirm_read", path).assert_done()
    Caller(REST, "bob").act("add_comment", path, text="Good").assert_done()

    text = " ".join(Caller(HTML, "alice").get(KITCHEN).assert_done().text.split())

    row = text[text.index("Zwieback") :][:1200]
    assert "<strong>1</strong> read<" in row
    assert "1 comment<" in row


# --- Who reads it ---------------------------------------------------------------------------


@pytest.mark.rule("feed.members-only")
@on(HTML, MARKDOWN)
def test_only_members_read_the_feed_of_a_collective(world, call):
    write(KITCHEN, "Zwieback")
    carol, erin_left = call("carol"), call("bob")
    end_membership(world, "bob")

    for who in (carol, erin_left):
        answer = who.get(KITCHEN)
        assert answer.status == (302 if answer.surface == HTML else 403)
        assert "Zwieback" not in answer.text


@pytest.mark.rule("feed.members-only")
@on(HTML, MARKDOWN)
def test_every_tenant_user_can_read_the_feed_of_the_main_collective(call):
    path = write("", "Zwieback")

    for who in ("alice", "carol"):
        assert path.rpartition("/")[2] in shown(call(who).get("/"))


@pytest.mark.rule("feed.members-only")
@on(HTML, MARKDOWN)
def test_the_feed_of_a_workspace_is_readable_only_by_its_owner(world, call):
    room = f"/workspace/{world.workspace('bob').handle}"
    path = write(room, "Zwieback")

    assert path.rpartition("/")[2] in shown(call("bob").get(room))
    call("alice").get(room).assert_refused(404)


# --- In pages -------------------------------------------------------------------------------


@pytest.mark.rule("feed.pages")
@on(HTML, MARKDOWN)
def test_pages_of_a_feed_neither_overlap_nor_skip(world, call, surface):
    write_notes(world, world.collective("kitchen"), PAGE[surface] + 5)
    listed = Item.unscoped.filter(collective=world.collective("kitchen"), parent=None)
    whole = list(
        listed.filter(deleted_at=None)
        # A statement is part of its decision.
        .exclude(subtype=STATEMENT)
        .order_by("-created_at", "-id")
        .values_list("truncated_id", flat=True)
    )
    bob, path, seen = call("bob"), KITCHEN, []

    while path:
        page = bob.get(path)
        seen.append(shown(page))
        path = older(page)

    assert [note for page in seen for note in page] == whole
    assert [len(page) for page in seen[:-1]] == [PAGE[surface]] * (len(seen) - 1)


@pytest.mark.rule("feed.pages")
@on(HTML, MARKDOWN)
def test_new_items_do_not_shift_the_pages_of_a_feed(world, call, surface):
    write_notes(world, world.collective("kitchen"), PAGE[surface] + 5)
    bob = call("bob")
    path = older(bob.get(KITCHEN))
    before = shown(bob.get(path))

    write(KITCHEN, "Written meanwhile")

    assert shown(bob.get(path)) == before


@pytest.mark.rule("feed.cursor-unreadable")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("cursor", ["x", "..", "{other}"])
def test_an_invalid_cursor_gives_the_first_page(world, call, surface, cursor):
    write_notes(world, world.collective("garden"), PAGE[surface] + 5)
    bob = call("bob")
    other = older(bob.get("/")).partition("cursor=")[2]

    seen = shown(bob.get(f"{KITCHEN}?cursor={cursor.format(other=other)}"))

    assert other
    assert seen == shown(bob.get(KITCHEN))


@pytest.mark.rule("feed.past-the-end")
@on(HTML, MARKDOWN)
def test_a_page_past_the_end_is_empty(world, call, surface):
    write_notes(world, world.collective("kitchen"), PAGE[surface] + 5)
    bob = call("bob")
    path, behind = older(bob.get(KITCHEN)), []
    while path:
        page = bob.get(path)
        behind.append((path, shown(page)))
        path = older(page)
    assert all(notes for _, notes in behind)

    ids = [short for _, notes in behind for short in notes]
    Item.unscoped.filter(truncated_id__in=ids).update(deleted_at=timezone.now())

    for path, _ in behind:
        page = bob.get(path)
        assert (shown(page), older(page)) == ([], "")
