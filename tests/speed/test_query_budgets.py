"""Query budgets of hot pages, independent of the amount of data.

The figures are those of `docs/architecture.md`; transaction statements do not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

pytestmark = pytest.mark.django_db

NOT_COUNTED = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "ROLLBACK")


def queries(client: Client, path: str) -> list[str]:
    """Return the SQL of a request, after another one has compiled the statements."""
    assert client.get(path).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    statements = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in statements if not sql.startswith(NOT_COUNTED)]


def test_a_rest_note_by_token_takes_three_queries_at_most(api: Any, note_id: Any) -> None:
    path = f"/collectives/kitchen/api/v1/notes/{note_id('Welcome to the kitchen')}"

    assert len(queries(api("alice"), path)) <= 3


def test_the_first_use_of_a_token_is_written_and_the_next_ones_are_not(
    api: Any, note_path: Any
) -> None:
    alice, path = api("alice"), note_path("Knife care") + ".md"

    with CaptureQueriesContext(connection) as first:
        alice.get(path)
    with CaptureQueriesContext(connection) as second:
        alice.get(path)

    assert sum(query["sql"].startswith("UPDATE") for query in first.captured_queries) == 1
    assert not any(query["sql"].startswith("UPDATE") for query in second.captured_queries)


def test_a_rest_note_takes_three_queries_with_the_write_of_the_use_and_two_without(
    api: Any, note_id: Any
) -> None:
    path = f"/collectives/kitchen/api/v1/notes/{note_id('Knife care')}"
    api("bob").get(path)
    alice = api("alice")

    taken = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert alice.get(path).status_code == 200
        statements = [query["sql"] for query in captured.captured_queries]
        taken.append(sum(not sql.startswith(NOT_COUNTED) for sql in statements))

    assert taken[0] <= 3
    assert taken[1] <= 2


def test_a_notes_markdown_by_token_takes_seven_queries_at_most(api: Any, note_path: Any) -> None:
    assert len(queries(api("alice"), note_path("Welcome to the kitchen") + ".md")) <= 7


def test_a_notes_page_by_session_takes_eight_queries_at_most(page: Any, note_path: Any) -> None:
    assert len(queries(page("alice"), note_path("Welcome to the kitchen"))) <= 8


def test_the_home_page_and_its_number_of_unread_take_fourteen_queries_at_most(page: Any) -> None:
    assert len(queries(page("bob"), "/")) <= 14


def test_a_collectives_markdown_by_token_takes_ten_queries_at_most(api: Any) -> None:
    assert len(queries(api("alice"), "/collectives/kitchen.md")) <= 10


@pytest.mark.parametrize("path", ["/collectives/kitchen.md", "/index.md"])
@pytest.mark.parametrize(("query", "most"), [("since=2026-01-01", 5), ("q=the", 7)])
def test_changes_and_matches_of_a_feed_take_few_queries(
    api: Any, path: str, query: str, most: int
) -> None:
    assert len(queries(api("alice"), f"{path}?{query}")) <= most


def test_a_session_is_written_at_most_once_a_minute(page: Any, note_path: Any) -> None:
    statements = queries(page("alice"), note_path("Knife care"))

    assert not any("UPDATE" in sql for sql in statements)


MORE = 20


def write_notes(client: Client) -> None:
    for number in range(MORE):
        body = json.dumps({"text": f"One of many, {number}"})
        client.post("/collectives/kitchen/note/actions/create_note", body, "application/json")


def make_tokens(client: Client) -> None:
    for number in range(MORE):
        body = json.dumps({"name": f"One of many, {number}"})
        path = "/u/alice/settings/tokens/new/actions/create_api_token"
        assert client.post(path, body, "application/json").status_code == 200


def make_agents(client: Client) -> None:
    for number in range(MORE):
        body = json.dumps({"name": f"One of many, {number}"})
        path = "/ai-agents/new/actions/create_ai_agent"
        assert client.post(path, body, "application/json").status_code == 200


def write_comments(path: str) -> Callable[[Client], None]:
    def write(client: Client) -> None:
        for number in range(MORE):
            body = json.dumps({"text": f"One of many, {number}"})
            client.post(f"{path}/actions/add_comment", body, "application/json")

    return write


@pytest.mark.parametrize(
    ("path", "grow"),
    [
        ("/collectives/kitchen.md", write_notes),
        ("/u/alice/settings/tokens.md", make_tokens),
        ("/u/alice/settings.md", make_tokens),
        ("/collectives/kitchen/api/v1/notes", write_notes),
        ("/api/v1/users/me/tokens", make_tokens),
        ("/api/v1/users", make_agents),
        ("/ai-agents.md", make_agents),
        ("/index.md", write_notes),
        ("/index.md", make_tokens),
        ("/index.md", make_agents),
        ("/u/alice/settings/tokens.md", make_agents),
    ],
)
def test_a_list_takes_as_many_queries_with_twenty_rows_more(
    api: Any, path: str, grow: Callable[[Client], None]
) -> None:
    alice = api("alice")
    before = len(queries(alice, path))

    grow(alice)

    assert len(queries(alice, path)) == before


def test_a_thread_takes_as_many_queries_with_twenty_comments_more(api: Any, note_path: Any) -> None:
    alice, path = api("alice"), note_path("Welcome to the kitchen")
    before = len(queries(alice, path + ".md"))

    write_comments(path)(alice)

    assert len(queries(alice, path + ".md")) == before


def test_the_frontmatter_adds_no_query_for_an_action(api: Any, note_path: Any) -> None:
    path = note_path("Knife care")

    reader = len(queries(api("bob", scope="read"), path + ".md"))
    writer = len(queries(api("bob"), path + ".md"))

    assert writer == reader


@pytest.mark.parametrize("path", ["/ai-agents.md", "/u/scout.md", "/tenant-admin/users/alice.md"])
def test_pages_without_the_long_texts_of_agents_do_not_read_them(api: Any, path: str) -> None:
    statements = queries(api("alice"), path)

    assert statements
    assert not any("scratchpad" in sql or "identity_prompt" in sql for sql in statements)
