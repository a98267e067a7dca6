"""Concurrent joins never exceed the limit (content 9.3, 24)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from collectives.commitments.models import Commitment
from tests.commitments.rows import count, events, propose, row_at
from tests.commitments.test_reading import api
from tests.fixtures.surfaces import REST, Caller
from tests.fixtures.world import World

ROUNDS = 40
PEOPLE = ("alice", "bob", "scout")


@pytest.fixture
def no_rate_limits(settings: Any) -> None:
    settings.LIMIT_REQUESTS = settings.LIMIT_WRITES = 100_000


@pytest.mark.postgres
@pytest.mark.rule("commitments.limit")
def test_concurrent_joins_fill_a_commitment_exactly_to_its_limit(
    transactional_world: World, no_rate_limits: None
) -> None:
    callers = [Caller(REST, who) for who in PEOPLE]
    paths = [propose(close_at_critical_mass=True) for _ in range(ROUNDS)]

    with ThreadPoolExecutor(len(PEOPLE)) as pool:
        for path in paths:
            assert joined_at_once(pool, callers, path) == [200, 200, 400]
            assert count(path) == 2
            assert events(path).count("commitment.critical_mass") == 1
            row: Commitment = row_at(path)
            assert row.deadline == row.last_activity_at


@pytest.mark.postgres
@pytest.mark.rule("commitments.join-once")
def test_concurrent_joins_of_one_person_make_one_participant(
    transactional_world: World, no_rate_limits: None
) -> None:
    callers = [Caller(REST, "alice") for _ in range(4)]

    with ThreadPoolExecutor(len(callers)) as pool:
        for _ in range(10):
            path = propose()
            assert joined_at_once(pool, callers, path) == [200] * len(callers)
            assert count(path) == 1
            assert events(path).count("commitment.joined") == 1


def joined_at_once(pool: ThreadPoolExecutor, callers: list[Caller], path: str) -> list[int]:
    """Join with all callers at once; return the sorted statuses."""
    barrier = Barrier(len(callers))

    def join(caller: Caller) -> int:
        barrier.wait()
        try:
            answer = caller.client.post(f"{api(path)}/join", {}, "application/json")
            return int(answer.status_code)
        finally:
            connections.close_all()

    return sorted(pool.map(join, callers))
