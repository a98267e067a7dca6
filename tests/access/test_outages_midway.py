"""The database goes away in the middle of a read, before each of its queries in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.fixtures.world import World, make_token, token_client

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

KITCHEN = "/collectives/kitchen"
TRANSACTION = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT")
Answers = Callable[[], Any]


@contextmanager
def away_after(queries: int) -> Iterator[list[str]]:
    """Let some queries pass and refuse all others; yield the ones that passed."""
    passed: list[str] = []

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(TRANSACTION):
            return run(sql, params, many, context)
        if len(passed) == queries:
            raise OperationalError("The server closed the connection unexpectedly.")
        passed.append(sql)
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield passed


def markdown_of(path: str) -> Answers:
    client = token_client(make_token("alice"), raise_request_exception=False)
    return lambda: client.get(path, headers={"accept": "text/markdown"})


def page_of(path: str, browser: Client) -> Answers:
    browser.raise_request_exception = False
    return lambda: browser.get(path)


def json_of(path: str) -> Answers:
    client = token_client(make_token("alice"), raise_request_exception=False)
    return lambda: client.get(path)


PATHS = ["/", KITCHEN, f"{KITCHEN}/note", "/notifications", "/whoami"]


def assert_unavailable_at_each_query(answers: Answers) -> None:
    answers()
    with away_after(1000) as passed:
        assert answers().status_code == 200
    assert passed
    for count in range(len(passed)):
        with away_after(count):
            response = answers()
        assert response.status_code == 503, passed[count]
        assert response["Retry-After"], passed[count]


@pytest.mark.parametrize("path", PATHS)
def test_a_document_is_unavailable_at_each_query(world: World, path: str) -> None:
    assert_unavailable_at_each_query(markdown_of(path))


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_unavailable_at_each_query(
    world: World, page: Callable[..., Client], path: str
) -> None:
    assert_unavailable_at_each_query(page_of(path, page("alice")))


@pytest.mark.parametrize("path", ["/api/v1/notes", f"{KITCHEN}/api/v1/decisions"])
def test_an_api_response_is_unavailable_at_each_query(world: World, path: str) -> None:
    assert_unavailable_at_each_query(json_of(path))
