"""Counters of rate limits are kept for their window only, and a refusal is recorded."""

from __future__ import annotations

import logging
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache.backends.locmem import LocMemCache
from django.utils import timezone

from harmonic.access.rate_limits import nearest_limits
from harmonic.kernel.operations.limits import CacheStore, Count, FileStore, Limit, Store, count
from tests.fixtures.world import World, make_token, token_client

LIMIT = Limit("requests", "token", "requests:token:1", 2)


# --- The file -------------------------------------------------------------------------------


def rows(path: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(
            "SELECT window, hits, ends_at FROM hits ORDER BY window"
        ).fetchall()


def test_a_counter_in_the_file_knows_when_its_window_ends(tmp_path: Path) -> None:
    path = tmp_path / "limits.sqlite3"
    count(FileStore(path), {LIMIT: 1}, 120.0)
    assert rows(path) == [(2, 1, 180)]


def test_counters_of_past_windows_are_deleted_once_in_many_calls(tmp_path: Path) -> None:
    path = tmp_path / "limits.sqlite3"
    store = FileStore(path)
    store.PURGED_EVERY = 4
    kept = []
    for minute in range(8):
        count(store, {LIMIT: 1}, minute * 60.0)
        kept.append([window for window, *_ in rows(path)])

    # The window before the current one ended just now and is still there.
    assert kept[2] == [0, 1, 2]
    assert kept[3] == [2, 3]
    assert kept[6] == [2, 3, 4, 5, 6]
    assert kept[7] == [6, 7]


@pytest.mark.parametrize("where", ["file", "cache"])
def test_limits_of_different_windows_are_counted_at_once(tmp_path: Path, where: str) -> None:
    burst = Limit("burst", "token", "burst:1", 1, seconds=1)
    wide = Limit("principal", "human", "principal:1", 9, 1)
    stores: dict[str, Store] = {
        "file": FileStore(tmp_path / "limits.sqlite3"),
        "cache": CacheStore(LocMemCache(f"windows-{tmp_path}", {})),
    }

    counted = [
        [(each.hits, each.reset_in, each.is_exceeded) for each in count(stores[where], hits, now)]
        for now in (60.0, 60.5, 61.0)
        for hits in [{burst: 1, wide: 1}]
    ]

    # The second hit exceeds the narrower limit, so it does not count against the wider one.
    assert counted == [
        [(1, 1, False), (1, 60, False)],
        [(2, 1, True), (1, 60, False)],
        [(1, 1, False), (2, 59, False)],
    ]


def test_a_thread_opens_the_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "limits.sqlite3")
    opened: list[Path] = []
    connect = store._opened

    def seen() -> sqlite3.Connection:
        opened.append(store.path)
        return connect()

    monkeypatch.setattr(store, "_opened", seen)
    for _ in range(3):
        count(store, {LIMIT: 1}, 0.0)
    assert len(opened) == 1


# --- The cache ------------------------------------------------------------------------------


def test_a_counter_in_the_cache_outlives_its_window_by_another_one() -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        store = CacheStore(LocMemCache("counters", {}))
        count(store, {LIMIT: 1}, 0.0)
        clock.shift(timedelta(seconds=119))
        assert count(store, {LIMIT: 1}, 0.0)[0].hits == 2
        clock.shift(timedelta(seconds=2))
        assert count(store, {LIMIT: 1}, 0.0)[0].hits == 1


# --- Reports and refusals -------------------------------------------------------------------


def state(name: str, left: int, owner: str = "token") -> Count:
    limit = Limit(name, owner, f"{name}:{owner}", 10)
    return Count(limit, 10 - left, 30)


def test_the_limit_with_the_least_left_is_reported_and_the_narrower_one_of_two_equal() -> None:
    narrow, wide = state("requests", 3), state("requests", 3, "human")
    writes = state("writes", 9)
    tenant = state("tenant", 1, "tenant")
    assert nearest_limits([narrow, wide, writes]) == {"requests": narrow, "writes": writes}
    assert nearest_limits([wide, state("requests", 1)])["requests"].remaining == 1
    # A limit that is not reported hides none behind it.
    assert list(nearest_limits([tenant, narrow, writes])) == ["requests", "writes"]


@pytest.mark.parametrize(
    ("method", "quota", "sentence"),
    [
        ("get", 1, "This token is limited to 1 request per minute."),
        ("get", 2, "This token is limited to 2 requests per minute."),
        ("post", 1, "This token is limited to 1 write per minute."),
        ("post", 2, "This token is limited to 2 writes per minute."),
    ],
)
def test_a_refusal_counts_in_the_unit_of_its_limit(
    world: World, settings: Any, method: str, quota: int, sentence: str
) -> None:
    settings.LIMIT_LOOPBACK = True
    name = "LIMIT_TOKEN_WRITES" if method == "post" else "LIMIT_TOKEN_REQUESTS"
    setattr(settings, name, quota)
    client = token_client(make_token("bob"))
    path = "/collectives/kitchen/api/v1/notes"
    send = getattr(client, method)
    answers = [send(path, {"text": "Soup"} if method == "post" else {}) for _ in range(quota + 1)]

    assert answers[-1].status_code == 429
    assert answers[-1].json()["hint"] == sentence


def test_a_refusal_is_recorded_with_the_limit_and_its_owner(
    world: World, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LIMIT_LOOPBACK = True
    settings.LIMIT_TOKEN_REQUESTS = 1
    client = token_client(make_token("bob"))
    client.get("/api/v1")
    caplog.clear()

    assert client.get("/api/v1").status_code == 429

    (record,) = [each for each in caplog.records if each.getMessage() == "rate_limited"]
    assert record.levelno == logging.WARNING
    facts = record.__dict__["audit"]
    assert (facts["limit"], facts["owner"]) == ("requests", "token")
    assert facts["user_id"] == world.user("bob").id


def test_a_share_of_a_tenants_limit_is_a_whole_number(world: World, settings: Any) -> None:
    settings.LIMIT_LOOPBACK = True
    settings.LIMIT_TENANT = 7
    answer = token_client(make_token("bob")).get("/api/v1")
    assert answer["X-RateLimit-Limit"] == "1"
