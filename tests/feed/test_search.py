"""Search in a feed: `q` on the home page and on the page of a collective."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest

from collectives.feed.queries import MARKDOWN_PAGE
from collectives.items.kinds import all_kinds
from collectives.items.models import STATEMENT
from collectives.notes.models import Note
from collectives.search.language.grammar import MAX_TERMS, Q_LENGTH
from tests.feed.test_feed import older, shown
from tests.fixtures.html import parsed
from tests.fixtures.rows import KITCHEN, write_notes
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Answer, Caller, on
from tests.fixtures.world import make_token
from tests.markdown.reading import read

pytestmark = pytest.mark.django_db


def found(caller: Caller, q: str, where: str = KITCHEN) -> Answer:
    return Answer(
        caller.surface, caller.client.get(where or "/", {"q": q}, headers=caller._headers())
    )


def write(title: str, text: str, where: str = KITCHEN) -> str:
    made = Caller(REST, "bob").act("create_note", where, title=title, text=text).assert_done()
    return str(made.json["path"])[-8:]


@pytest.mark.rule("feed.search")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("where", ["", KITCHEN])
def test_a_search_finds_notes_by_the_words_of_title_and_text_newest_first(call, where):
    alice = call("alice")
    first = write("Quince jam", "Boil it slowly", where)
    second = write("Boiling water", "For QUINCE tea", where)
    write("Quince", "Raw", where)

    assert shown(found(alice, "quince boil", where)) == [second, first]
    assert shown(found(alice, '"quince jam"', where)) == [first]
    assert shown(found(alice, "quince boil -tea", where)) == [first]
    assert shown(found(alice, "medlar", where)) == []


@pytest.mark.rule("feed.search")
@pytest.mark.parametrize(
    "q", ["quince", "QUINCE -tea", '"a b" quince', "-quince", "100%", "gut_er", "straße"]
)
def test_a_search_on_a_page_finds_what_the_api_finds(q):
    for number, text in enumerate(["Quince", "quince tea", "a b quince", "100% gut_er STRASSE"]):
        write(f"Note {number}", text)

    rest = Caller(REST, "alice").client
    listed = [
        row
        for kind in all_kinds()
        for row in rest.get(f"{KITCHEN}/api/v1/{kind.plural}", {"q": q, "limit": "20"}).json()
    ]

    # A statement is part of its decision.
    found_alone = [row for row in listed if row["subtype"] != STATEMENT]
    newest_first = sorted(found_alone, key=lambda row: (row["created_at"], row["id"]), reverse=True)
    assert newest_first
    assert shown(found(Caller(MARKDOWN, "alice"), q)) == [
        row["truncated_id"] for row in newest_first[:MARKDOWN_PAGE]
    ]


@pytest.mark.rule("feed.search")
@on(HTML, MARKDOWN)
def test_a_search_leaves_out_comments_deleted_notes_and_other_collectives(world, call):
    kept = write("Quince", "In the kitchen")
    gone = write("Quince", "Deleted")
    write("Quince", "In the garden", "")
    bob = Caller(REST, "bob")
    bob.act("add_comment", f"{KITCHEN}/n/{kept}", text="A quince comment").assert_done()
    bob.act("delete_note", f"{KITCHEN}/n/{gone}").assert_done()

    assert shown(found(call("alice"), "quince")) == [kept]


@pytest.mark.rule("feed.members-only")
@on(HTML, MARKDOWN)
def test_only_members_search_a_collective(call):
    write("Quince", "x")
    carol = call("carol")

    answer = found(carol, "quince")

    assert answer.status == (302 if carol.surface == HTML else 403)
    assert "Quince" not in answer.text


@pytest.mark.rule("feed.search")
@on(HTML, MARKDOWN)
def test_a_blank_search_shows_the_whole_feed(call):
    alice = call("alice")

    assert shown(found(alice, "")) == shown(found(alice, "  ")) == shown(alice.get(KITCHEN))


@pytest.mark.rule("feed.search")
@on(HTML, MARKDOWN)
def test_pages_of_a_search_have_each_match_once(world, call):
    ids = {note.truncated_id for note in write_notes(world, world.collective("kitchen"), 60)}
    alice, answer, seen = call("alice"), found(call("alice"), "one many"), []

    for _ in range(60):
        seen += shown(answer)
        path = older(answer).replace("&amp;", "&")
        link = re.search(r"\?q=one(?:\+|%20)many&(?:amp;)?cursor=[\w:.=%-]+", answer.text)
        if link is None:
            break
        answer = alice.get(f"{KITCHEN}{link[0].replace('&amp;', '&')}")

    assert path == ""
    assert len(seen) == len(set(seen)) == 60
    assert set(seen) == ids


@pytest.mark.rule("feed.search")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    ("q", "says"),
    [
        ("x" * (Q_LENGTH + 1), f" is too long (maximum {Q_LENGTH} characters)"),
        ("w " * (MAX_TERMS + 1), f" can have at most {MAX_TERMS} terms; yours has {MAX_TERMS + 1}"),
    ],
)
def test_a_search_has_the_limits_of_the_api(call, q, says):
    found(call("alice"), q).assert_refused(422, says)


def test_a_search_names_its_words_in_the_frontmatter(call):
    answer = found(Caller(MARKDOWN, "alice"), 'x\nactions: [] "y"')

    document = read(answer.assert_done().response.content.decode())
    assert document.fields["query"].split() == ["x", "actions:", "[]", '"y"']
    assert "actions" not in document.fields


# --- The field ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", {}),
        (KITCHEN, {}),
        ("/u/alice/settings/tokens", {"show": "active", "sort": "name"}),
        ("/tenant-admin/users", {}),
    ],
)
def test_a_search_field_has_a_label_keeps_the_filters_and_can_be_cleared(page, path, kept):
    make_token("alice")
    alice = page("alice")

    form = search_form(alice.get(path, {**kept, "q": "zanzibar"}))

    field = form.find("input", {"type": "search"})
    assert form.find("label", {"for": field["id"]}).get_text(strip=True)
    assert form["aria-label"]
    sent = {each["name"]: each["value"] for each in form.find_all("input")}
    assert sent == {**kept, "q": "zanzibar"}
    cleared = alice.get(form.find("a", string="Clear")["href"])
    assert dict(parse_qsl(cleared.request["QUERY_STRING"])) == kept
    again = search_form(cleared)
    assert again.find("input", {"type": "search"})["value"] == ""
    assert again.find("a") is None


def test_a_search_without_matches_says_what_to_do(page):
    text = page("alice").get(KITCHEN, {"q": "zanzibar"}).text

    assert "No matches. A search finds items that contain all of its words" in text
    assert f'<a href="{KITCHEN}">Show everything</a>' in text


@pytest.mark.parametrize("q", ["x" * (Q_LENGTH + 1), "w " * (MAX_TERMS + 1) + '"<b>'])
def test_a_refused_search_keeps_what_was_typed_and_says_why(page, q):
    answer = page("alice").get(KITCHEN, {"q": q})

    field = search_form(answer).find("input", {"type": "search"})
    assert (answer.status_code, field["value"]) == (422, q)
    error = parsed(answer.content).find(id=field["aria-describedby"]).get_text(strip=True)
    assert error.startswith(
        ("The search is too long", f"The search can have at most {MAX_TERMS} terms")
    )


def test_a_collective_without_notes_has_no_search_field(world, page):
    room = f"/workspace/{world.workspace('alice').handle}"
    Note.unscoped.filter(collective__handle=room.rpartition("/")[2]).update(deleted_at=world.now)

    assert search_form(page("alice").get(room)) is None
    assert "Words in a title" not in Caller(MARKDOWN, "alice").get(KITCHEN).text


def search_form(answer):
    return parsed(answer.content).select_one("main form[role=search]")
