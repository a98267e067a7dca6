"""Rate limits: whom a request counts for, what its answer says, and who is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client

from harmonic.kernel.limits import CacheStore, FileStore, Limit, Store, count

pytestmark = pytest.mark.django_db

BASE = "/api/v1"
HEADERS = (
    "RateLimit-Policy",
    "RateLimit",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)


def fresh_network() -> str:
    """Return the first half of an IPv6 address from which nobody came before."""
    word = uuid.uuid4().hex[:8]
    return f"2001:db8:{word[:4]}:{word[4:]}"


@pytest.fixture
def limits(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return the settings, with limits that a test can reach, counted in a file."""
    store = FileStore(tmp_path / "limits.sqlite3")
    monkeypatch.setattr("harmonic.limiting.store", lambda: store)
    settings.LIMIT_LOOPBACK = True
    settings.LIMIT_REQUESTS, settings.LIMIT_WRITES, settings.LIMIT_TENANT = 4, 2, 1000
    return settings


@pytest.fixture
def address() -> str:
    return f"{fresh_network()}::1"


def stranger(address: str, tenant: str = "garden") -> Client:
    return Client(headers={"host": f"{tenant}.localhost"}, REMOTE_ADDR=address)


def remaining(response: Any) -> dict[str, int]:
    """Return how many hits each limit has left, as the header says."""
    parts = [part.split(";") for part in response["RateLimit"].split(", ")]
    return {name.strip('"'): int(left.removeprefix("r=")) for name, left, _ in parts}


# --- What answers say -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", BASE, 200),
        ("head", BASE, 200),
        ("options", BASE, 204),
        ("get", f"{BASE}/nothing", 404),
        ("get", f"{BASE}/notes?limit=x", 400),
        ("get", f"{BASE}/notes?q=%00", 400),
        ("get", f"{BASE}/notes/%00", 404),
        ("delete", BASE, 405),
        ("get", "/collectives/board/api/v1/notes", 403),
    ],
)
def test_every_answer_of_the_api_says_where_its_sender_stands(
    api: Any, method: str, path: str, status: int
) -> None:
    response = getattr(api("alice"), method)(path)

    assert response.status_code == status
    assert [name for name in HEADERS if name not in response] == []


def test_who_has_no_token_or_a_wrong_one_is_told_as_well(address: str) -> None:
    client = stranger(address)

    for headers in ({}, {"authorization": "Bearer hmn_wrong"}):
        response = client.get(BASE, headers=headers)
        assert response.status_code == 401
        assert [name for name in HEADERS if name not in response] == []


def test_reads_say_how_many_writes_are_left_and_use_none_up(api: Any, limits: Any) -> None:
    alice = api("alice")
    first = alice.get(BASE)
    alice.post(f"{BASE}/notes", {"text": "One"}, "application/json")
    last = alice.get(BASE)

    assert first["RateLimit-Policy"] == '"requests";q=4;w=60, "writes";q=2;w=60'
    assert remaining(first) == {"requests": 3, "writes": 2}
    assert remaining(last) == {"requests": 1, "writes": 1}
    assert first["X-RateLimit-Limit"] == "4"
    assert first["X-RateLimit-Remaining"] == "3"


def test_the_answer_that_refuses_says_it_too(api: Any, limits: Any) -> None:
    alice = api("alice")
    response = [alice.get(BASE) for _ in range(limits.LIMIT_REQUESTS + 1)][-1]

    assert response.status_code == 429
    assert response.json()["code"] == "rate_limited"
    assert response["Retry-After"] == response["X-RateLimit-Reset"]
    assert remaining(response)["requests"] == 0
    assert response["X-RateLimit-Remaining"] == "0"


# --- Who is refused -------------------------------------------------------------------------


def test_who_wrote_too_much_still_reads(api: Any, limits: Any) -> None:
    alice = api("alice")
    wrote = [
        alice.post(f"{BASE}/notes", {"text": "More"}, "application/json").status_code
        for _ in range(limits.LIMIT_WRITES + 1)
    ]

    assert wrote == [200, 200, 429]
    assert alice.get(BASE).status_code == 200


def test_one_address_cannot_use_up_what_the_tenant_shares(
    api: Any, limits: Any, address: str
) -> None:
    limits.LIMIT_TENANT = 10
    flooding = stranger(address, tenant="harbor")
    assert {flooding.get("/login").status_code for _ in range(20)} == {200, 429}

    assert stranger(f"{fresh_network()}::1", tenant="harbor").get("/login").status_code == 200


def test_a_tenant_that_is_used_up_says_so(limits: Any) -> None:
    limits.LIMIT_TENANT = 0

    response = stranger(f"{fresh_network()}::1").get(BASE)

    assert response.status_code == 429
    assert remaining(response)["tenant"] == 0


def test_addresses_of_one_network_in_ipv6_are_one_sender(limits: Any) -> None:
    network, other = fresh_network(), fresh_network()
    seen = [stranger(f"{network}::{n}").get("/login").status_code for n in range(1, 6)]

    assert seen == [200, 200, 200, 200, 429]
    assert stranger(f"{other}::1").get("/login").status_code == 200


@pytest.mark.parametrize("path", ["/help", "/help.md"])
def test_the_front_door_is_limited(limits: Any, address: str, path: str) -> None:
    client = Client(headers={"host": "localhost"}, REMOTE_ADDR=address)

    assert [client.get(path).status_code for _ in range(5)] == [200, 200, 200, 200, 429]


def test_what_cannot_be_read_is_limited(limits: Any, address: str) -> None:
    client = stranger(address)

    assert [client.get("/x%00").status_code for _ in range(5)] == [404, 404, 404, 404, 429]


# --- Counters -------------------------------------------------------------------------------


def stores(kind: str, folder: Path) -> tuple[Store, Store]:
    """Return what two processes count in."""
    if kind == "file":
        path = folder / "limits.sqlite3"
        return FileStore(path), FileStore(path)
    cache = LocMemCache(str(folder), {})
    return CacheStore(cache), CacheStore(cache)


@pytest.mark.parametrize("kind", ["file", "cache"])
def test_all_processes_count_together_and_each_window_by_itself(kind: str, tmp_path: Path) -> None:
    one, other = stores(kind, tmp_path)

    assert one.add({"a": 0, "b": 1}, 1, 60) == {"a": 0, "b": 1}
    assert one.add({"a": 1}, 1, 60) == {"a": 1}
    assert other.add({"a": 1, "b": 0}, 1, 60) == {"a": 2, "b": 1}
    assert one.add({"a": 0}, 1, 60) == {"a": 2}
    assert other.add({"a": 1}, 2, 60) == {"a": 1}


def test_counters_that_cannot_be_kept_let_everybody_in(limits: Any, tmp_path: Path) -> None:
    broken = FileStore(tmp_path / "nowhere" / "limits.sqlite3")
    hits = {Limit("requests", 1): 1}

    assert not any(count(broken, hits, "a", 0, 60)[0].is_exceeded for _ in range(3))


# --- Settings -------------------------------------------------------------------------------


def started(**environment: str) -> Any:
    """Return what a process prints that only reads the settings."""
    program = "from harmonic import settings; print(settings.LIMIT_LOOPBACK)"
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HARMONIC_VAR": str(configured.VAR_DIR), **environment},
        cwd=configured.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_faulty_limits_and_proxies_are_named_at_the_start() -> None:
    run = started(
        HARMONIC_TRUSTED_PROXIES="10.0.0.0/8, proxy.example.org", HARMONIC_LIMIT_REQUESTS="0"
    )

    assert run.returncode != 0
    assert "HARMONIC_TRUSTED_PROXIES" in run.stderr
    assert "proxy.example.org" in run.stderr
    assert "HARMONIC_LIMIT_REQUESTS" in run.stderr


def test_in_production_nobody_is_exempt() -> None:
    run = started(
        HARMONIC_ENV="production",
        HARMONIC_HOST="example.org",
        HARMONIC_SECRET_KEY="x" * 60,
        DATABASE_URL="sqlite:///:memory:",
        HARMONIC_LIMIT_LOOPBACK="0",
    )

    assert run.stdout.strip() == "True", run.stderr
