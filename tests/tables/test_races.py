"""Concurrent changes to a table lose no rows (content 4.4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from tests.fixtures.surfaces import REST, Caller
from tests.fixtures.world import World
from tests.tables.rows import api, cells, lay, rest, table_at, updates

PEOPLE = ("alice", "bob", "scout")
ROUNDS = 8


@pytest.fixture
def no_rate_limits(settings: Any) -> None:
    settings.LIMIT_REQUESTS = settings.LIMIT_WRITES = 100_000


@pytest.mark.postgres
@pytest.mark.rule("tables.no-lost-row")
def test_rows_that_are_added_at_once_are_all_kept(
    transactional_world: World, no_rate_limits: None
) -> None:
    path = lay(edit_access="members", initial_rows=[])
    callers = [Caller(REST, who) for who in PEOPLE]
    barrier = Barrier(len(callers))

    def add(caller: Caller, item: str) -> int:
        barrier.wait()
        try:
            body = {"values": {"Item": item}}
            answer = caller.client.post(api(path, "/table/rows"), body, "application/json")
            return int(answer.status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(callers)) as pool:
        for number in range(ROUNDS):
            items = [f"{who}-{number}" for who in PEOPLE]
            assert set(pool.map(add, callers, items)) == {200}

    expected = sorted(f"{who}-{number}" for who in PEOPLE for number in range(ROUNDS))
    assert sorted(item or "" for item in cells(path)) == expected
    assert len({row["_id"] for row in table_at(path).rows}) == len(expected)
    assert updates(path) == len(expected)


@pytest.mark.rule("tables.if-match")
def test_a_table_that_changed_since_it_was_read_is_not_overwritten(world: World) -> None:
    path = lay()
    url = api(path, "/table")
    etag = rest().get(url).headers["ETag"]
    body = {"operations": [{"action": "add_row", "values": {"Item": "Yeast"}}]}

    def send() -> int:
        headers = {"if-match": etag}
        return int(rest().patch(url, body, "application/json", headers=headers).status_code)

    assert send() == 200
    assert send() == 412
    assert cells(path).count("Yeast") == 1
