"""A search looks at a limited number of texts, and says so (docs/limits.md)."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collectives.search.index import entries
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import HTML, MARKDOWN
from tests.mcp.client import mcp_of
from tests.mcp.client import text_of as text_of_tool
from tests.search.searching import JSON, MCP, SURFACES, answer_of, decide, found, write

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

BOARD = "/collectives/board"
CUT = "The search looked at the newest 2 texts only."


@pytest.fixture(autouse=True)
def two(world, monkeypatch):
    monkeypatch.setattr(entries, "LOOKED_AT", 2)


@pytest.mark.meets("texts that a search looks at")
@pytest.mark.parametrize("surface", SURFACES)
def test_a_search_looks_at_the_newest_texts_with_its_words(surface):
    old, *new = [write(f"Zanzibar {number}") for number in range(3)]
    write("Another")

    assert found("zanzibar", "bob", surface) == new[::-1]
    assert found('"zanzibar 0"', "bob", surface) == [old]


def test_the_oldest_first_looks_at_the_oldest():
    old, older, _ = [write(f"Zanzibar {number}") for number in range(3)]

    assert found("zanzibar sort:oldest") == [old, older]


@pytest.mark.parametrize("surface", [HTML, MARKDOWN, JSON, MCP])
def test_a_search_that_is_cut_says_so(surface):
    write("Zanzibar")
    assert CUT not in text_of(surface)

    write("Zanzibar")

    assert CUT in text_of(surface)


def text_of(surface: str) -> str:
    if surface == MCP:
        return text_of_tool(mcp_of("bob").call("search", query="zanzibar"))
    return str(answer_of(surface, "bob", "zanzibar").content.decode())


def test_texts_that_the_caller_cannot_read_do_not_count():
    here = write("Zanzibar")
    for _ in range(3):
        write("Zanzibar", where=BOARD, handle="carol")

    assert found("zanzibar", "bob") == [here]
    assert CUT not in text_of(JSON)


def test_texts_of_other_authors_kinds_and_places_do_not_count():
    decision, mine = decide("Zanzibar?"), write("Zanzibar", handle="alice")
    main = write("Zanzibar", where="")
    for _ in range(3):
        write("Zanzibar")

    assert found("zanzibar type:decision") == [decision]
    assert found("zanzibar creator:alice") == [mine]
    assert found("zanzibar collective:main") == [main]
    assert found("zanzibar visibility:public") == [main]


def test_a_search_without_words_looks_at_as_many():
    for _ in range(3):
        write("Zanzibar")

    assert len(found("min-comments:0")) == 2
    assert len(found("-pemba")) == 2


@pytest.mark.parametrize(
    ("path", "scope"), [(f"{KITCHEN}/api/v1/notes", {}), ("/api/v1/notes", {"scope": "all"})]
)
def test_lists_of_the_api_and_feeds_look_at_as_many(api, path, scope):
    _, *new = [write(f"Zanzibar {number}") for number in range(3)]
    bob = api("bob")

    listed = bob.get(path, {"q": "zanzibar", **scope}).json()

    assert [row["truncated_id"] for row in listed] == new[::-1]
    feed = bob.get(KITCHEN, {"q": "zanzibar"}, headers={"accept": "text/markdown"}).text
    assert [short in feed for short in new] == [True, True]
    assert feed.count("Zanzibar") == 2


def test_what_a_search_costs_does_not_depend_on_its_results(api):
    bob = api("bob")
    write("Zanzibar")
    bob.get("/search", {"q": "zanzibar"})
    with CaptureQueriesContext(connection) as few:
        bob.get("/search", {"q": "zanzibar"})
    for _ in range(4):
        write("Zanzibar")
    with CaptureQueriesContext(connection) as many:
        bob.get("/search", {"q": "zanzibar"})

    assert len(many) == len(few) <= 8
