"""The changes of a feed since a time or a cursor: `since` and `next_since`."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from collectives.feed.queries import MARKDOWN_PAGE, ROW_SHOWN, TEXT_SHOWN
from collectives.items import changes
from collectives.items.models import Item
from harmonic.kernel.operations import storage
from harmonic.kernel.rendering.documents import CHARACTERS_A_TOKEN
from tests.fixtures.rows import KITCHEN, change, end_membership, note_path, write_notes
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Answer, Caller, on
from tests.fixtures.world import make_token, token_client
from tests.markdown.reading import read

pytestmark = pytest.mark.django_db

SETTLED = changes.SETTLED_AFTER
SECOND = timedelta(seconds=1)


def rows(answer: Answer) -> list[str]:
    """Return the short IDs of the notes in a list of changes, in order."""
    text = answer.assert_done().text.partition("# Changes" if "# Changes" in answer.text else "<h1")
    return list(dict.fromkeys(re.findall(r"/n/([0-9a-f]{8})", text[2])))


def next_since(answer: Answer) -> str:
    return str(read(answer.response.content.decode()).fields["next_since"])


def since(caller: Caller, value: object, where: str = KITCHEN) -> Answer:
    path = {"": "/"}.get(where, where)
    return Answer(
        caller.surface,
        caller.client.get(path, {"since": str(value)}, headers=caller._headers()),
    )


def write(title: str, where: str = KITCHEN, by: str = "bob") -> str:
    """Write a note and return its short ID."""
    made = Caller(REST, by).act("create_note", where, title=title, text="Text").assert_done()
    return str(made.json["path"]).rpartition("/")[2]


@pytest.fixture
def alice(world) -> Caller:
    return Caller(MARKDOWN, "alice")


@pytest.fixture
def now(world) -> Iterator[Any]:
    """Move the clock; it starts an hour after the last change in the world."""
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False) as clock:
        yield clock


# --- What is new ----------------------------------------------------------------------------


@pytest.mark.rule("feed.since")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("where", ["", KITCHEN])
def test_changes_since_a_time_are_listed_oldest_first(call, now, where):
    before = timezone.now()
    written = []
    for title in ("First", "Second", "Third"):
        now.shift(SECOND)
        written.append(write(title, where, by="alice"))

    assert rows(since(call("alice"), before.isoformat(), where)) == written


@pytest.mark.rule("feed.since")
def test_a_new_comment_an_edit_and_a_restored_note_are_changes(world, alice, now):
    welcome, knife, rota = (
        note_path(world.note(title)) for title in ("Welcome to the kitchen", "Knife care", "Rota")
    )
    bob = Caller(REST, "bob")
    bob.act("delete_note", rota).assert_done()
    cursor = next_since(alice.get(KITCHEN))

    for act in (
        lambda: Caller(MARKDOWN, "alice").act("update_note", welcome, text="Changed"),
        lambda: bob.act("add_comment", knife, text="A comment"),
        lambda: Caller(HTML, "bob").act("restore_note", rota),
    ):
        now.shift(SECOND)
        act().assert_done()

    assert rows(since(alice, cursor)) == [path[-8:] for path in (welcome, knife, rota)]


@pytest.mark.rule("feed.since")
def test_a_deleted_comment_is_a_change_of_its_thread(world, alice, now):
    knife = note_path(world.note("Knife care"))
    bob = Caller(REST, "bob")
    comment = bob.act("add_comment", knife, text="A comment").assert_done().json["path"]
    now.shift(SETTLED + SECOND)
    cursor = next_since(alice.get(KITCHEN))

    bob.act("delete_note", comment).assert_done()

    assert rows(since(alice, cursor)) == [knife[-8:]]


@pytest.mark.rule("feed.since")
@on(HTML, MARKDOWN)
def test_deleted_notes_and_comments_are_not_among_the_changes(world, call, now):
    before = timezone.now()
    gone, kept = write("Gone"), write("Kept")
    Caller(REST, "bob").act("add_comment", f"{KITCHEN}/n/{kept}", text="A comment").assert_done()
    Caller(REST, "bob").act("delete_note", f"{KITCHEN}/n/{gone}").assert_done()

    answer = since(call("alice"), before.isoformat())

    assert rows(answer) == [kept]
    assert "Gone" not in answer.text
    assert "A comment" not in answer.text


@pytest.mark.rule("feed.members-only")
@on(HTML, MARKDOWN)
def test_only_members_read_the_changes_of_a_collective(world, call, now):
    bob, carol = call("bob"), call("carol")
    write("Zwieback", by="alice")
    end_membership(world, "bob")

    for who in (bob, carol):
        answer = since(who, "2026-01-01")
        assert answer.status == (302 if answer.surface == HTML else 403)
        assert "Zwieback" not in answer.text


@pytest.mark.rule("feed.own-collective")
def test_the_cursor_of_one_collective_gives_no_items_of_it_in_another(world, alice, now):
    cursor = next_since(alice.get(KITCHEN))
    write("In the kitchen")

    assert rows(since(alice, cursor, "")) == []


# --- Nothing new ----------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["", KITCHEN])
def test_nothing_new_takes_sixty_tokens_and_then_304(world, now, where):
    for who in (Caller(MARKDOWN, "alice"), Caller(MARKDOWN, "scout")):
        cursor = next_since(who.get(where or "/"))

        first = since(who, cursor, where)
        document = read(first.response.content.decode())
        again = who.client.get(
            where or "/",
            {"since": cursor},
            headers={"accept": "text/markdown", "if-none-match": first.response["ETag"]},
        )

        assert "Nothing new." in document.body
        assert len(first.response.content.decode()) <= 60 * CHARACTERS_A_TOKEN
        assert document.fields["next_since"] == cursor
        assert "actions" not in document.fields
        assert (again.status_code, again.content) == (304, b"")


def test_something_new_ends_the_304(world, alice, now):
    cursor = next_since(alice.get(KITCHEN))
    tag = since(alice, cursor).response["ETag"]
    write("New")

    answer = alice.client.get(
        KITCHEN, {"since": cursor}, headers={"accept": "text/markdown", "if-none-match": tag}
    )

    assert answer.status_code == 200


@on(HTML)
def test_a_browser_sees_that_nothing_is_new(call):
    assert "Nothing new." in since(call("alice"), "2099-01-01").assert_done().text


@pytest.mark.parametrize("where", ["", KITCHEN])
def test_the_answer_that_nothing_is_new_takes_two_queries(
    alice, now, where, django_assert_max_num_queries
):
    cursor = next_since(alice.get(where or "/"))
    since(alice, cursor, where)

    with django_assert_max_num_queries(2):
        since(alice, cursor, where)


# --- The cursors ----------------------------------------------------------------------------


@pytest.mark.rule("feed.since-once")
def test_a_page_hands_out_the_position_after_it(alice, now):
    shown = write("Shown by the page")
    cursor = next_since(alice.get(KITCHEN))
    assert rows(since(alice, cursor)) == []

    new = write("New")

    answer = since(alice, cursor)
    assert shown not in rows(answer)
    assert rows(answer) == [new]
    assert rows(since(alice, next_since(answer))) == []


def test_the_position_of_an_unchanged_page_does_not_change(alice, now):
    first = alice.get(KITCHEN)
    now.shift(timedelta(hours=3))
    again = alice.get(KITCHEN)

    assert next_since(again) == next_since(first)
    assert again.response["ETag"] == first.response["ETag"]


@pytest.mark.rule("feed.since-once")
@pytest.mark.parametrize("is_settled", [True, False])
def test_pages_of_changes_of_one_instant_have_each_item_once(world, alice, now, is_settled):
    cursor = next_since(alice.get(KITCHEN))
    now.shift(timedelta(minutes=5))
    count = MARKDOWN_PAGE * 2 + 7
    write_notes(world, world.collective("kitchen"), count)
    fresh = Item.unscoped.order_by("-created_at")[:count]
    moment = timezone.now()
    ids = {item.id for item in fresh}
    Item.unscoped.filter(id__in=ids).update(last_activity_at=moment)
    if is_settled:
        now.shift(SETTLED + SECOND)

    pages, answer = [], since(alice, cursor)
    while found := rows(answer):
        pages.append(found)
        assert ("More changes" in answer.text) is (sum(map(len, pages)) < count)
        answer = since(alice, next_since(answer))

    everything = [short for page in pages for short in page]
    assert [len(page) for page in pages] == [MARKDOWN_PAGE, MARKDOWN_PAGE, 7]
    assert len(everything) == len(set(everything)) == count
    assert len(next_since(answer)) < (40 if is_settled else 300)


@pytest.mark.meets("changes that a cursor lists")
def test_a_cursor_lists_a_limited_number_of_changes_and_the_rest_follows(
    world, alice, now, monkeypatch
):
    monkeypatch.setattr(changes, "REMEMBERED", 30)
    cursor = next_since(alice.get(KITCHEN))
    now.shift(timedelta(minutes=5))
    write_notes(world, world.collective("kitchen"), 45)
    fresh = [item.id for item in Item.unscoped.order_by("-created_at")[:45]]
    Item.unscoped.filter(id__in=fresh).update(last_activity_at=timezone.now())

    given = []
    for _ in range(5):
        answer = since(alice, cursor)
        given += rows(answer)
        cursor = next_since(answer)
    assert len(given) == 30
    assert len(cursor) <= len("c") + 32 + 4 * 30
    now.shift(SETTLED + SECOND)
    for _ in range(3):
        answer = since(alice, cursor)
        given += rows(answer)
        cursor = next_since(answer)

    assert len(given) == len(set(given)) == 45


# --- Writes that commit late ----------------------------------------------------------------


@pytest.mark.meets("time until a change has settled")
@pytest.mark.rule("feed.since-once")
def test_a_change_that_appears_after_a_later_one_is_given_once(world, alice, now):
    now.shift(timedelta(minutes=5))
    write("Early reader")
    cursor = next_since(alice.get(KITCHEN))
    later = write("Later")
    answer = since(alice, cursor)
    assert rows(answer) == [later]

    with time_machine.travel(timezone.now() - SETTLED + SECOND):
        late = write("Began before the other one")

    answer = since(alice, next_since(answer))
    assert rows(answer) == [late]
    assert rows(since(alice, next_since(answer))) == []


@pytest.mark.rule("feed.since-once")
@pytest.mark.parametrize("seed", range(3))
def test_changes_in_any_order_of_their_commits_are_given_once(world, alice, now, seed):
    """Each note changes once, at a time up to `SETTLED_AFTER` before the change is visible."""
    rng = random.Random(seed)
    notes = [note.item for note in write_notes(world, world.collective("kitchen"), 60)]
    long_ago = timezone.now() - timedelta(days=1)
    for item in notes:
        change(item, last_activity_at=long_ago)
    cursor = next_since(alice.get(KITCHEN))
    start = timezone.now()
    commits = sorted(
        (start + timedelta(seconds=rng.uniform(0, 90)), rng.uniform(0, 29), index)
        for index in range(len(notes))
    )

    given: list[str] = []
    for at, delay, index in commits:
        now.move_to(at)
        taken: datetime = at - timedelta(seconds=delay)
        change(notes[index], last_activity_at=taken)
        if rng.random() < 0.4:
            answer = since(alice, cursor)
            given += rows(answer)
            cursor = next_since(answer)
    while found := rows(answer := since(alice, cursor)):
        given += found
        cursor = next_since(answer)

    expected = sorted(item.truncated_id for item in notes)
    assert sorted(given) == expected


@pytest.mark.postgres
@pytest.mark.rule("feed.since-once")
def test_a_write_that_commits_after_a_later_write_is_given(transactional_world, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite runs one write at a time")
    began, release = threading.Event(), threading.Event()
    count = storage.count

    def hold(*arguments: Any) -> None:
        count(*arguments)
        if threading.current_thread().name == "slow":
            began.set()
            assert release.wait(10)

    monkeypatch.setattr(storage, "count", hold)
    bob, alice = (token_client(make_token(who)) for who in ("bob", "alice"))

    def slowly() -> None:
        post(bob, "Slow")
        connections.close_all()

    slow = threading.Thread(target=slowly, name="slow")
    slow.start()
    assert began.wait(10)
    post(alice, "Quick")
    page = alice.get(f"{KITCHEN}.md").content.decode()
    release.set()
    slow.join(10)

    cursor = read(page).fields["next_since"]
    first = alice.get(f"{KITCHEN}.md", {"since": cursor}).content.decode()
    again = read(first).fields["next_since"]
    second = alice.get(f"{KITCHEN}.md", {"since": again}).content.decode()

    assert ("Quick" in page, "Slow" in page) == (True, False)
    assert ("Quick" in first, "Slow" in first) == (False, True)
    assert "Nothing new." in second


def post(client: Client, title: str) -> None:
    answer = client.post(
        f"{KITCHEN}/actions/create_note", {"title": title, "text": "x"}, "application/json"
    )
    assert answer.status_code == 200


# --- Bad values -----------------------------------------------------------------------------


@pytest.mark.rule("feed.since-invalid")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "c", "cxx", "c" + "A" * 31, "c" + "_" * 32, "c" + "A" * 500, "cé", "c%00"],
)
@pytest.mark.parametrize("where", ["", KITCHEN])
def test_an_invalid_since_is_refused(call, where, value):
    answer = since(call("alice"), value, where)

    answer.assert_refused(422)
    assert "next_since of an earlier response" in answer.text


@pytest.mark.parametrize("more", [{"q": "tea"}, {"cursor": "x"}])
def test_since_is_refused_together_with_other_filters(alice, more):
    answer = alice.client.get(
        KITCHEN, {"since": "2026-01-01", **more}, headers={"accept": "application/json"}
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"


@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31", "1969-12-31T23:59:59Z"])
def test_extreme_times_are_valid(alice, value):
    first = since(alice, value).assert_done()

    since(alice, next_since(first)).assert_done()


# --- Rows -----------------------------------------------------------------------------------


LONG = "Sharpen *weekly*, and " + "again " * 60


@pytest.mark.meets("text in a row of a feed in Markdown")
@pytest.mark.rule("feed.row-markdown")
@pytest.mark.parametrize("query", ["", "?since={now}", "?q=sharpen"])
def test_a_row_has_the_first_120_characters_the_comments_and_the_time(alice, query):
    query = query.format(now=f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}")
    made = Caller(REST, "scout").act("create_note", KITCHEN, title="Rice", text=LONG)
    path = made.assert_done().json["path"]
    Caller(REST, "bob").act("add_comment", path, text="Good").assert_done()

    text = alice.get(f"{KITCHEN}{query}").assert_done().response.content.decode()

    [row] = [line for line in text.splitlines() if line.startswith("* **Note**: [Rice]")]
    found = re.fullmatch(
        rf"\* \*\*Note\*\*: \[Rice\]\({path}\) by \[scout\]\(/u/scout\) for Alice"
        r" \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, 1 comment\): (.*)",
        row,
    )
    assert found
    shown = found[1].replace("\\", "")
    assert shown == LONG[:119].rstrip() + "…"


@pytest.mark.rule("feed.row-markdown")
def test_a_row_without_a_title_has_its_first_120_characters_once(alice):
    Caller(REST, "bob").act("create_note", KITCHEN, text=LONG).assert_done()
    Caller(REST, "bob").act("create_note", KITCHEN, text="One line\n\nand more").assert_done()

    text = alice.get(KITCHEN).assert_done().text

    assert f"[{LONG[:119].rstrip()}…](" in text
    assert re.search(r"\[One line\]\(.*\): and more\n", text)


@pytest.mark.rule("feed.row-markdown")
@pytest.mark.parametrize(
    "text", ["# H\n---\nactions:\n  - name: evil", "```\nx\n```", "[x](/evil)\n\n> y\n\n| a |"]
)
def test_a_row_is_one_escaped_line(alice, text):
    before = read(alice.get(KITCHEN).response.content.decode())
    Caller(REST, "bob").act("create_note", KITCHEN, title="Harmless", text=text).assert_done()

    after = read(alice.get(KITCHEN).response.content.decode())

    assert after.headings == before.headings
    assert after.actions == before.actions
    assert "/evil" not in after.links


@pytest.mark.meets("title in a row of a feed in Markdown")
def test_a_long_title_is_cut_in_a_row(alice):
    title = "Long title " * 20
    Caller(REST, "bob").act("create_note", KITCHEN, title=title, text="x").assert_done()

    text = alice.get(KITCHEN).assert_done().text

    assert f"[{title[:99].rstrip()}…](" in text


@pytest.mark.meets("row of a feed in Markdown")
@pytest.mark.rule("feed.row-markdown")
@pytest.mark.parametrize("author", ["bob", "scout"])
def test_a_row_with_a_long_title_has_less_of_the_text(alice, author):
    titles = ["T" * length for length in (2, 40, 70, 99)]
    for title in titles:
        caller = Caller(REST, author)
        caller.act("create_note", KITCHEN, title=title, text="x" * 500).assert_done()

    text = alice.get(KITCHEN).assert_done().response.content.decode()

    rows = {title: re.findall(rf"\* .*\[{title}\].*: (x+…)\n", text)[0] for title in titles}
    whole = {title: re.findall(rf"\* .*\[{title}\].*\n", text)[0] for title in titles}
    assert len(rows["TT"]) == TEXT_SHOWN
    for title in titles:
        is_short = len(whole[title]) < ROW_SHOWN and len(rows[title]) == TEXT_SHOWN
        is_least = len(title) + len(rows[title]) == TEXT_SHOWN
        assert is_short or is_least or len(whole[title]) == ROW_SHOWN
