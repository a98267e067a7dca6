"""Pages of results: paging, groups, remarks, suggestions, JSON and the action (content §20.2-4)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.fixtures.html import parsed
from tests.fixtures.rows import KITCHEN, write_notes
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on
from tests.markdown.reading import read
from tests.mcp.client import mcp_of, text_of
from tests.search.searching import JSON, answer_of, commit, decide, found, write

pytestmark = pytest.mark.django_db

PAGE = 25


@pytest.fixture
def many(world) -> list[str]:
    """Create 60 notes, and return their short IDs, newest first."""
    notes = write_notes(world, world.collective("kitchen"), 60)
    oldest = sorted(notes, key=lambda note: note.created_at)
    return [note.truncated_id for note in reversed(oldest)]


def text(q: str, handle: str = "alice", **query: str) -> str:
    caller = Caller(MARKDOWN, handle)
    answer = caller.client.get("/search", {"q": q, **query}, headers=caller._headers())
    assert answer.status_code == 200
    return str(answer.content.decode())


def pages_of(path: str, surface: str) -> list[list[str]]:
    """Return the short IDs on each page of results."""
    caller, pages = Caller(surface, "alice"), []
    while path:
        shown = caller.get(path).assert_done().response.content.decode()
        pages.append(list(dict.fromkeys(re.findall(r"/n/([0-9a-f]{8})", shown))))
        link = re.search(r'(?:\(|href=")(/search\?[^")]*cursor=[^")]+)', shown)
        path = link[1].replace("&amp;", "&") if link else ""
    return pages


# --- Paging ---------------------------------------------------------------------------------


@on(HTML, MARKDOWN)
@pytest.mark.parametrize("sort", ["newest", "oldest", "updated", "deadline", "relevance"])
def test_pages_have_each_result_once(many, call, surface, sort):
    pages = pages_of(f"/search?q=one+many+sort:{sort}", surface)

    assert [len(page) for page in pages] == [25, 25, 10]
    everything = [short for page in pages for short in page]
    assert set(everything) == set(many)
    assert len(everything) == 60
    if sort == "newest":
        assert everything == many


@pytest.mark.parametrize("sort_by", ["title-asc", "title-desc", "reader_count-desc", "created_at"])
def test_pages_have_each_result_once_with_sort_by(many, sort_by):
    pages = pages_of(f"/search?q=one+many&sort_by={sort_by}&per_page=20", MARKDOWN)

    assert [len(page) for page in pages] == [20, 20, 20]
    assert {short for page in pages for short in page} == set(many)


def test_new_items_neither_repeat_nor_skip_results(many):
    alice = Caller(MARKDOWN, "alice")
    first = alice.get("/search.json?q=one+many").json
    write("One", "of too many")

    second = alice.get(f"/search.json?q=one+many&cursor={first['next_cursor']}").json

    shown = [row["truncated_id"] for row in (*first["results"], *second["results"])]
    assert shown == many[: 2 * PAGE]
    assert (first["total_count"], second["total_count"]) == (60, 61)


def test_the_pages_say_which_results_they_show(many):
    first = text("one many")

    assert "Showing 1-25 of 60 results" in first
    (path,) = re.findall(r"\[Load more results\]\((\S+)\)", first)
    second = Caller(MARKDOWN, "alice").get(path).response.content.decode()
    assert "Showing 26-50 of 60 results" in second
    assert "Total: 60 results" in text("one many limit:100")


@pytest.mark.parametrize("cursor", ["x", "e30", "ZZZ:1", "a" * 3000, "%F0%9F%8E%89", "1:1:1"])
def test_an_unreadable_cursor_is_ignored_on_pages_and_refused_over_rest(many, cursor):
    alice = Caller(REST, "alice")

    page = alice.get(f"/search.json?q=one+many&cursor={cursor}&offset=-3")
    rest = alice.get(f"/api/v1/search?q=one+many&cursor={cursor}")

    assert [row["truncated_id"] for row in page.json["results"]] == many[:PAGE]
    assert rest.status == 400
    assert rest.json["error"].startswith("cursor does not belong to this list")


def test_a_cursor_belongs_to_its_search(many):
    alice = Caller(REST, "alice")
    cursor = alice.get("/search.json?q=one+many").json["next_cursor"]

    other = alice.get(f"/search.json?q=many+one+sort:oldest&cursor={cursor}").json

    whole = alice.get("/search.json?q=many+one+sort:oldest").json
    assert other["results"] == whole["results"]


def test_rest_pages_by_links(many):
    alice, path, shown = Caller(REST, "alice"), "/api/v1/search?q=one+many&limit=25&count=1", []
    while path:
        answer = alice.get(path)
        assert answer.response["X-Total-Count"] == "60"
        shown.append([row["truncated_id"] for row in answer.json])
        link = re.search(r'<http://[^/]+(/[^>]+)>; rel="next"', answer.response["Link"])
        path = link[1] if link else ""

    assert [len(page) for page in shown] == [25, 25, 10]
    assert [short for page in shown for short in page] == many


def test_rest_sorts_and_filters_by_time_like_other_lists(many):
    alice, path = Caller(REST, "alice"), "/api/v1/search"
    rows = alice.get(f"{path}?q=one+many&limit=60").json
    times = [row["created_at"] for row in rows]
    upward, oldest, newest = (
        [row["truncated_id"] for row in alice.get(f"{path}?q={q}&limit=60&sort_by={order}").json]
        for q, order in (
            ("one+many", "created_at-asc"),
            ("one+many+sort:oldest", "created_at-desc"),
            ("one+many", "created_at-desc"),
        )
    )
    later = alice.get(f"{path}?q=one+many&limit=60&created_after={times[30]}").json
    earlier = alice.get(f"{path}?q=one+many&limit=60&created_before={times[30]}").json

    assert upward == oldest
    assert newest == many
    assert sorted(upward) == sorted(many)
    assert [row["created_at"] for row in later] == [each for each in times if each > times[30]]
    assert [row["created_at"] for row in earlier] == [each for each in times if each < times[30]]


@pytest.mark.parametrize("changed", ["sort_by=created_at-asc", "created_after=2001-01-01"])
def test_a_cursor_over_rest_belongs_to_the_order_and_the_times(many, changed):
    alice, path = Caller(REST, "alice"), "/api/v1/search?q=one+many&limit=25"
    (cursor, *_) = re.findall(r"cursor=([^&>]+)", alice.get(path).response["Link"])

    assert alice.get(f"{path}&cursor={cursor}").status == 200
    assert alice.get(f"{path}&cursor={cursor}&{changed}").status == 400


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("q=one+many+limit:0", 1),
        ("q=one+many+limit:101", 60),
        ("q=one+many&per_page=-1", 25),
        ("q=one+many&per_page=x", 25),
        ("q=one+many&per_page=999", 60),
        ("q=one+many+limit:3&per_page=7", 3),
    ],
)
def test_the_length_of_a_page_is_bounded(many, query, shown):
    assert len(Caller(REST, "alice").get(f"/search.json?{query}").json["results"]) == shown


@pytest.mark.parametrize("query", ["q=one+many+limit:101", "q=one+many&per_page=101"])
def test_a_page_has_at_most_a_hundred_results(world, query):
    write_notes(world, world.collective("kitchen"), 101)

    assert len(Caller(REST, "alice").get(f"/search.json?{query}").json["results"]) == 100


# --- Blank and invalid ----------------------------------------------------------------------


@on(HTML, MARKDOWN)
@pytest.mark.parametrize("q", ["", "  ", '""', "-"])
def test_a_blank_search_has_no_results_and_lists_the_syntax(world, call, surface, q):
    shown = Caller(surface, "alice").get(f"/search?q={q}").assert_done().text

    assert ("Search Syntax" in shown) == (not q.strip())
    assert not re.search(r"/[ndc]/[0-9a-f]{8}", shown)
    assert Caller(REST, "alice").get(f"/search.json?q={q}&type=note").json["total_count"] == 0
    assert Caller(REST, "alice").get(f"/api/v1/search?q={q}").json == []


@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("q", ["x" * 501, "w " * 21])
def test_a_search_that_is_too_long_is_refused_and_kept(world, call, surface, q):
    answer = answer_of(surface, "alice", q)

    assert answer.status_code == (400 if surface == REST else 422)
    if surface == HTML:
        page = parsed(answer.content)
        assert page.select_one("main input[type=search]")["value"] == q
        assert page.select_one("#search-errors").get_text(strip=True).startswith("The search ")


def test_results_list_the_parts_without_effect(world):
    shown = text("zanzibar type:banana -limit:3 after:2026-02-30")

    assert "* `type:banana` was searched for as text. type takes note, decision" in shown
    assert "* `-limit:3` has no effect: limit cannot be negated." in shown
    assert "* `after:2026-02-30` has no effect, because the date does not exist." in shown
    assert "`cycle:today` has no effect in combination" in text("cycle:today after:-1d")


# --- Nothing found --------------------------------------------------------------------------


def test_a_search_without_results_suggests_similar_words_and_fewer_filters(world):
    write("Zanzibar")

    shown = text("zanzibra")
    assert "Similar words: [zanzibar](/search?q=zanzibar)" in shown
    assert found("zanzibar")
    shown = text("zanzibar type:decision")
    assert "Without filters: [zanzibar](/search?q=zanzibar)" in shown
    assert "Similar" not in shown
    assert "Similar" not in text("xqzw")
    assert "No results. A search finds items that contain all of the words" in text("xqzw")


@pytest.mark.meets("words of a search that similar words are suggested for")
def test_similar_words_are_suggested_for_the_first_words_unless_they_are_long(world):
    write(f"Zanzibar {'zanzibar' * 4}")

    assert "[xqza xqzb xqzc zanzibar]" in text("xqza xqzb xqzc zanzibra")
    assert "Similar" not in text("xqza xqzb xqzc xqzd zanzibra")
    assert "Similar" not in text("zanzibar" * 3 + "zanzibra")


# --- The documents --------------------------------------------------------------------------


def test_the_markdown_has_the_search_and_its_results(world):
    here = write("Zanzibar")

    document = read(answer_of(MARKDOWN, "alice", "zanzibar type:note").content.decode())

    assert document.fields["path"] == "/search?q=zanzibar%20type%3Anote"
    assert document.fields["query"] == "zanzibar type:note"
    assert document.fields["title"] == "Search"
    assert [action["name"] for action in document.fields["actions"]] == ["search"]
    shown = text("zanzibar type:note collective:kitchen")
    assert "# Search Results\n\nQuery: `zanzibar type:note collective:kitchen`" in shown
    assert "Collective: `kitchen`" in shown
    assert "Total: 1 result\n" in shown
    assert f"## Kitchen Crew (1)\n\n* [Zanzibar]({KITCHEN}/n/{here})" in shown
    assert (
        "  * Type: Note\n  * Location: [Kitchen Crew](/collectives/kitchen)\n  * Created:" in shown
    )
    assert "Search Syntax" not in shown
    assert "(/help/search)" in shown


def test_the_json_has_the_fields_of_each_result(world):
    decide("Zanzibar?", "Yes", description="Some text")

    answer = answer_of(JSON, "alice", "zanzibar").json()

    (row,) = answer.pop("results")
    assert answer == {
        "query": {"q": "zanzibar"},
        "total_count": 1,
        "next_cursor": None,
        "notes": [],
    }
    assert (row["item_type"], row["title"], row["body"]) == ("Decision", "Zanzibar?", "Some text")
    assert row["path"] == f"{KITCHEN}/d/{row['truncated_id']}"
    assert (row["is_open"], row["subtype"], row["option_count"]) == (True, "vote", 1)
    (rest,) = answer_of(REST, "alice", "zanzibar").json()
    assert rest == row


@pytest.mark.parametrize(
    ("group", "headings"),
    [
        ("", ["Kitchen Crew (3)"]),
        ("group:type", ["Note (1)", "Decision (1)", "Commitment (1)"]),
        ("group:status", ["Open (2)", "Closed (1)"]),
        ("group:creator", ["Bob (3)"]),
        ("group:none", []),
        ("group:month", [r"\d{4}-\d\d (3)"]),
        ("group:week", [r"\d{4}-W\d\d (3)"]),
        ("group:date", [r"\d{4}-\d\d-\d\d (3)"]),
    ],
)
def test_results_are_grouped(world, group, headings):
    commit("Zanzibar")
    decide("Zanzibar")
    write("Zanzibar")

    shown = re.findall("^## (.+)$", text(f"zanzibar {group}"), re.M)

    assert len(shown) == len(headings)
    for heading, pattern in zip(shown, headings, strict=True):
        assert re.fullmatch(pattern.replace("(", r"\(").replace(")", r"\)"), heading)


# --- Parameters of public clients -----------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=notes", ["note"]),
        ("type=decision,commitments", ["commitment", "decision"]),
        ("type=all", ["note", "commitment", "decision"]),
        ("type=banana", ["note", "commitment", "decision"]),
        ("type=notes&q=zanzibar+type:d", ["decision"]),
        ("filters=open", ["commitment", "decision"]),
        ("filters=mine", []),
        ("filters=not_mine,closed", ["note"]),
        ("filters=has_participants", ["decision"]),
        ("filters=has_links", []),
        ("filters=created_by:bob", ["note", "commitment", "decision"]),
        ("filters=created_by:nobody", []),
        ("cycle=tomorrow", ["commitment", "decision"]),
        ("cycle=someday", ["note", "commitment", "decision"]),
        ("sort_by=title-asc", ["note", "decision", "commitment"]),
        ("sort_by=created_at-asc", ["decision", "commitment", "note"]),
        ("sort_by=created_at-asc&q=zanzibar+sort:newest", ["note", "commitment", "decision"]),
        ("sort_by=banana&group_by=banana", ["note", "commitment", "decision"]),
    ],
)
def test_parameters_of_public_clients_work_unless_q_says_otherwise(world, query, expected):
    made = {
        decide("B zanzibar", "Yes"): "decision",
        commit("C zanzibar"): "commitment",
        write("A zanzibar"): "note",
    }
    path = f"/search.json?{query}" if "q=" in query else f"/search.json?q=zanzibar&{query}"

    shown = [made[row["truncated_id"]] for row in Caller(REST, "alice").get(path).json["results"]]

    assert shown == expected


# --- The action, MCP and the number of queries ----------------------------------------------


@on(HTML, MARKDOWN, REST)
def test_the_action_redirects_to_the_results(world, call, surface):
    caller = Caller(surface, "alice")

    answer = caller._send("POST", "/search/actions/search", {"q": 'type:note "a b"&c'})

    assert answer.status == 303
    assert answer.location == "/search?q=type%3Anote%20%22a%20b%22%26c"
    assert unquote(answer.location).endswith('q=type:note "a b"&c')
    assert caller._send("POST", "/search/actions/search", {"q": " "}).status == 422


def test_the_action_runs_with_a_read_only_token_and_without_a_capability(world):
    reader = Caller(MARKDOWN, "alice", scope="read")
    scout = Caller(MARKDOWN, "scout")

    for caller in (reader, scout):
        assert "search(q)" in caller.get("/search/actions").assert_done().text
        assert caller._send("POST", "/search/actions/search", {"q": "knife"}).status == 303


def test_agents_search_over_mcp(world):
    here = write("Zanzibar")

    result = mcp_of().call("search", query="zanzibar type:note")

    assert not result.get("isError")
    assert f"{KITCHEN}/n/{here}" in text_of(result)


def queries_of(path: str) -> int:
    client: Any = Caller(REST, "alice").client
    client.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.one_database
@pytest.mark.parametrize(
    "path", ["/search.md?q={}", "/search.json?q={}", "/api/v1/search?q={}", f"{KITCHEN}.md?q={{}}"]
)
def test_the_number_of_queries_does_not_depend_on_the_results(world, path):
    write("Zanzibar")
    few = queries_of(path.format("zanzibar"))

    for number in range(6):
        write(f"Zanzibar {number}", handle="alice" if number % 2 else "bob")
        write("Zanzibar", where="")
        decide("Zanzibar?", "Yes")

    assert queries_of(path.format("zanzibar")) == few
    everything = "creator:alice,bob+-voter:bob+-mentions:alice+min-comments:0+max-readers:9"
    assert queries_of(path.format(f"zanzibar+-x+{everything}+cycle:this-month")) <= few + 1
