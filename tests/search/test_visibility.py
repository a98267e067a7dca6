"""Visibility of results on every surface (content §20.2, §23; access §6.3, §14 row 15)."""

from __future__ import annotations

import pytest
from django.test import Client

from collectives.models import Collective
from tests.fixtures.rows import KITCHEN, end_membership
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller
from tests.fixtures.world import anonymous_client, make_token, token_client
from tests.search.searching import JSON, MCP, SURFACES, answer_of, found, write

pytestmark = pytest.mark.django_db

MAIN, TREASURY, BOARD = "", "/collectives/treasury", "/collectives/board"
everywhere = pytest.mark.parametrize("surface", SURFACES)
by_token = pytest.mark.parametrize("surface", [MARKDOWN, JSON, REST, MCP])


def room(world, handle: str) -> str:
    return f"/workspace/{world.workspace(handle).handle}"


def write_in_browser(title: str, where: str, handle: str) -> str:
    """Create a note where the API is disabled, and return its short ID."""
    made = Caller(HTML, handle).act("create_note", where, title=title, text="x").assert_done()
    return made.location[-8:]


@pytest.mark.rule("search.readable")
@everywhere
def test_a_search_covers_the_main_collective_and_the_callers_collectives(world, surface):
    main, here = write("Zanzibar", where=MAIN), write("Zanzibar")
    write("Zanzibar", where=BOARD, handle="carol")

    assert found("zanzibar", "alice", surface) == [here, main]
    assert found("zanzibar", "carol", surface)[-1:] == [main]
    assert here not in found("zanzibar", "carol", surface)


@pytest.mark.rule("search.readable")
@everywhere
def test_nothing_of_a_collective_that_the_caller_left_is_found(world, surface):
    here = write("Zanzibar", handle="alice")
    assert found("zanzibar", "bob", surface) == [here]

    end_membership(world, "bob")

    assert found("zanzibar", "bob", surface) == []
    assert found("collective:kitchen", "bob", surface) == []


@pytest.mark.rule("search.readable")
@everywhere
def test_nothing_of_another_tenant_is_found(world, surface):
    harbor = Caller(HTML, "alice", "harbor")
    harbor.act("create_note", MAIN, title="Zanzibar", text="In the harbor").assert_done()

    assert found("zanzibar", "alice", surface) == []
    assert len(found("zanzibar", "alice", HTML, tenant="harbor")) == 1


@pytest.mark.rule("search.readable")
@everywhere
def test_only_the_owner_finds_items_of_a_workspace(world, surface):
    own = write("Zanzibar", where=room(world, "bob"))

    assert found("zanzibar", "bob", surface) == [own]
    assert found("visibility:private zanzibar", "bob", surface) == [own]
    # Neither an admin nor an agent's parent can read it.
    assert found("zanzibar", "alice", surface) == []


@pytest.mark.rule("search.readable")
@everywhere
def test_deleted_items_and_edited_words_are_not_found(world, surface):
    gone, kept = write("Zanzibar one"), write("Zanzibar two")
    bob = Caller(REST, "bob")
    bob.act("delete_note", f"{KITCHEN}/n/{gone}").assert_done()
    assert found("zanzibar", "alice", surface) == [kept]

    bob.act("update_note", f"{KITCHEN}/n/{kept}", title="Pemba").assert_done()

    assert found("zanzibar", "alice", surface) == []
    assert found("pemba", "alice", surface) == [kept]


@pytest.mark.rule("search.deleted")
@everywhere
def test_comments_on_a_deleted_note_are_found(world, surface):
    gone = write("Zanzibar")
    bob = Caller(REST, "bob")
    made = bob.act("add_comment", f"{KITCHEN}/n/{gone}", text="Pemba instead").assert_done()
    bob.act("delete_note", f"{KITCHEN}/n/{gone}").assert_done()

    assert found("pemba", "alice", surface) == [made.json["truncated_id"]]


@pytest.mark.rule("search.api-switch")
@by_token
def test_a_token_does_not_find_collectives_where_the_api_is_disabled(world, surface):
    hidden = write_in_browser("Zanzibar", TREASURY, "carol")

    assert found("zanzibar", "alice", surface) == []
    assert found("zanzibar", "alice", HTML) == [hidden]
    Collective.unscoped.filter(handle="treasury").update(is_api_enabled=True)
    assert found("zanzibar", "alice", surface) == [hidden]


@pytest.mark.rule("search.readable")
@everywhere
@pytest.mark.parametrize("q", ["collective:board", "collective:nowhere", "collective:treasury"])
def test_a_collective_that_the_caller_cannot_read_has_no_results(world, surface, q):
    write("Zanzibar", where=BOARD, handle="carol")

    assert found(q, "bob", surface) == []
    assert found(f"{q} zanzibar", "bob", surface) == []


@pytest.mark.rule("search.readable")
def test_below_a_collective_rest_searches_only_there(world):
    here = write("Zanzibar")
    write("Zanzibar", where=MAIN)
    bob, carol = (token_client(make_token(handle)) for handle in ("bob", "carol"))

    assert ids_at(bob, f"{KITCHEN}/api/v1/search") == [here]
    assert len(ids_at(bob, "/api/v1/search")) == 2
    assert carol.get(f"{KITCHEN}/api/v1/search", {"q": "zanzibar"}).status_code == 403


def ids_at(client: Client, path: str) -> list[str]:
    return [row["truncated_id"] for row in client.get(path, {"q": "zanzibar"}).json()]


@pytest.mark.parametrize("path", ["/search", "/search.md", "/search.json", "/api/v1/search"])
def test_anonymous_callers_cannot_search(world, path):
    write("Zanzibar", where=MAIN)

    answer = anonymous_client("garden").get(path, {"q": "zanzibar"})

    assert answer.status_code in (302, 401)
    assert b"Zanzibar" not in answer.content


@pytest.mark.parametrize("surface", [MARKDOWN, JSON, REST])
def test_a_token_without_read_all_cannot_search(world, surface):
    answer = answer_of(surface, "alice", "knife", scopes=["read:notes"])

    assert answer.status_code == 403
    assert b"read:all" in answer.content


@by_token
def test_a_read_only_token_searches(world, surface):
    here = write("Zanzibar")

    assert found("zanzibar", "alice", surface, scope="read") == [here]


def test_suggestions_contain_no_words_of_unreadable_items(world):
    write("Zanzibarian meeting", where=BOARD, handle="carol")

    answer = answer_of(MARKDOWN, "bob", "zanzibarien")

    assert "Similar words" not in answer.content.decode()
    assert (
        "Similar words: [zanzibarian]"
        in answer_of(MARKDOWN, "carol", "zanzibarien").content.decode()
    )
