"""Concurrent requests for the same name or pin."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from collectives.items.models import Pin
from collectives.models import Collective
from tests.fixtures.world import World, make_token, token_client

AT_ONCE = 8
JSON = "application/json"


def all_at_once(method: str, path: str, body: Mapping[str, object]) -> list[int]:
    """Send the same request from several threads at once; return the sorted statuses."""
    plaintext = make_token("alice")
    barrier = Barrier(AT_ONCE)

    def attempt(_: int) -> int:
        client = token_client(plaintext)
        barrier.wait()
        try:
            status: int = getattr(client, method)(path, body, content_type=JSON).status_code
            return status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(pool.map(attempt, range(AT_ONCE)))


@pytest.mark.postgres
def test_concurrent_creates_make_one_collective_per_handle(
    transactional_world: World,
) -> None:
    body = {"name": "Raced", "handle": "raced"}

    statuses = all_at_once("post", "/api/v1/collectives", body)

    assert statuses == [200] + [400] * (AT_ONCE - 1)
    assert Collective.unscoped.filter(handle="raced").count() == 1


@pytest.mark.postgres
def test_concurrent_agents_of_one_name_get_distinct_handles(transactional_world: World) -> None:
    assert all_at_once("post", "/api/v1/users", {"name": "Raced"}) == [200] * AT_ONCE


@pytest.mark.postgres
def test_concurrent_pins_of_one_note_make_one_pin(transactional_world: World) -> None:
    note = transactional_world.note("Knife care")

    statuses = all_at_once("put", f"/collectives/kitchen/n/{note.id}/pin", {"pinned": True})

    assert statuses == [200] * AT_ONCE
    assert Pin.unscoped.filter(item_id=note.id).count() == 1
