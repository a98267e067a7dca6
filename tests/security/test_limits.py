"""Rate limits: counting, headers and refusals."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client
from django.utils import timezone

from harmonic.kernel.operations.limits import CacheStore, FileStore, Limit, Store, count

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
    """Return the first half of an unused IPv6 address."""
    word = uuid.uuid4().hex[:8]
    return f"2001:db8:{word[:4]}:{word[4:]}"


@pytest.fixture
def limits(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Return the settings, with low limits counted in a file.

    The time is the start of a minute, so that no test spans two windows.
    """
    store = FileStore(tmp_path / "limits.sqlite3")
    monkeypatch.setattr("harmonic.access.rate_limits.store", lambda: store)
    settings.LIMIT_LOOPBACK = True
    settings.LIMIT_REQUESTS, settings.LIMIT_WRITES, settings.LIMIT_TENANT = 4, 2, 1000
    settings.LIMIT_TOKEN_REQUESTS = settings.LIMIT_TOKEN_WRITES = 1000
    next_minute = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    with time_machine.travel(next_minute):
        yield settings


@pytest.fixture
def address() -> str:
    return f"{fresh_network()}::1"


def stranger(address: str, tenant: str = "garden") -> Client:
    return Client(headers={"host": f"{tenant}.localhost"}, REMOTE_ADDR=address)


def remaining(response: Any) -> dict[str, int]:
    """Return the remaining hits of each limit, from the header."""
    parts = [part.split(";") for part in response["RateLimit"].split(", ")]
    return {name.strip('"'): int(left.removeprefix("r=")) for name, left, _ in parts}


# --- Headers --------------------------------------------------------------------------------


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
def test_every_rest_response_reports_the_rate_limits(
    api: Any, method: str, path: str, status: int
) -> None:
    response = getattr(api("alice"), method)(path)

    assert response.status_code == status
    assert [name for name in HEADERS if name not in response] == []


@pytest.mark.parametrize(
    ("path", "status"), [("/whoami.md", 200), ("/n/nothing.md", 404), ("/whoami/actions.json", 200)]
)
def test_responses_to_agents_on_pages_report_the_limits_as_rest_does(
    api: Any, limits: Any, path: str, status: int
) -> None:
    alice = api("alice")
    responses = [alice.get(path) for _ in range(limits.LIMIT_REQUESTS + 1)]

    assert [response.status_code for response in responses] == [status] * 4 + [429]
    assert [remaining(response)["requests"] for response in responses] == [3, 2, 1, 0, 0]
    assert [name for name in HEADERS if name not in responses[0]] == []


@pytest.mark.parametrize("path", [BASE, "/whoami.md"])
def test_the_headers_report_no_limit_that_loopback_is_exempt_from(
    api: Any, limits: Any, path: str
) -> None:
    limits.LIMIT_LOOPBACK = False
    alice = api("alice")
    responses = [alice.get(path) for _ in range(limits.LIMIT_REQUESTS + 2)]

    assert {response.status_code for response in responses} == {200}
    assert remaining(responses[-1]) == {"requests": 4, "writes": 2}


def test_requests_without_a_valid_token_get_the_rate_limit_headers(address: str) -> None:
    client = stranger(address)

    for headers in ({}, {"authorization": "Bearer hmn_wrong"}):
        response = client.get(BASE, headers=headers)
        assert response.status_code == 401
        assert [name for name in HEADERS if name not in response] == []


def test_reads_report_the_remaining_writes_and_use_none(api: Any, limits: Any) -> None:
    alice = api("alice")
    first = alice.get(BASE)
    alice.post(f"{BASE}/notes", {"text": "One"}, "application/json")
    last = alice.get(BASE)

    assert first["RateLimit-Policy"] == '"requests";q=4;w=60, "writes";q=2;w=60'
    assert remaining(first) == {"requests": 3, "writes": 2}
    assert remaining(last) == {"requests": 1, "writes": 1}
    assert first["X-RateLimit-Limit"] == "4"
    assert first["X-RateLimit-Remaining"] == "3"


def test_a_429_reports_the_rate_limits(api: Any, limits: Any) -> None:
    alice = api("alice")
    response = [alice.get(BASE) for _ in range(limits.LIMIT_REQUESTS + 1)][-1]

    assert response.status_code == 429
    assert response.json()["code"] == "rate_limited"
    assert response["Retry-After"] == response["X-RateLimit-Reset"]
    assert remaining(response)["requests"] == 0
    assert response["X-RateLimit-Remaining"] == "0"


def test_the_429_page_says_when_to_retry_and_has_no_navigation(page: Any, limits: Any) -> None:
    alice = page("alice")
    allowed, refused = alice.get("/whoami"), None
    for _ in range(limits.LIMIT_REQUESTS):
        refused = alice.get("/whoami")

    assert refused is not None
    assert refused.status_code == 429
    assert f"Retry after {refused['Retry-After']} seconds." in refused.text
    assert "share a limit of 4 requests per minute." in refused.text
    assert "<nav" in allowed.text
    assert "<nav" not in refused.text
    assert "<form" not in refused.text


# --- Refusals -------------------------------------------------------------------------------


def test_exceeding_the_limit_of_writes_still_allows_reads(api: Any, limits: Any) -> None:
    alice = api("alice")
    wrote = [
        alice.post(f"{BASE}/notes", {"text": "More"}, "application/json").status_code
        for _ in range(limits.LIMIT_WRITES + 1)
    ]

    assert wrote == [200, 200, 429]
    assert alice.get(BASE).status_code == 200


def test_a_429_is_logged_with_the_limit_and_its_owner(
    api: Any, limits: Any, address: str, caplog: Any
) -> None:
    last_of(api("alice"), limits.LIMIT_REQUESTS + 1)
    last_of(stranger(address), limits.LIMIT_REQUESTS + 1)
    limits.LIMIT_TOKEN_REQUESTS = 1
    last_of(api("bob"), 2)
    limits.LIMIT_TENANT, limits.LIMIT_TOKEN_REQUESTS = 1, 1000
    last_of(api("carol"), 1)

    logged = [line for line in caplog.records if line.message == "rate_limited"]
    assert [(line.audit["limit"], line.audit["owner"]) for line in logged] == [
        ("requests", "human"),
        ("requests", "address"),
        ("requests", "token"),
        ("tenant", "tenant"),
    ]
    assert {line.levelname for line in logged} == {"WARNING"}


def test_a_429_names_the_owner_of_the_limit_and_when_to_retry(
    api: Any, page: Any, limits: Any, address: str
) -> None:
    scout = api("alice", agent="scout")
    refused = {
        "agent": last_of(scout, limits.LIMIT_REQUESTS + 1),
        "human": last_of(api("alice"), 1),
        "address": last_of(stranger(address), limits.LIMIT_REQUESTS + 1),
    }
    limits.LIMIT_TOKEN_REQUESTS = 1
    refused["token"] = last_of(api("bob"), 2)
    limits.LIMIT_TENANT = 1
    limits.LIMIT_TOKEN_REQUESTS = 1000
    refused["tenant"] = last_of(api("carol"), 1)

    assert {owner: response.status_code for owner, response in refused.items()} == dict.fromkeys(
        refused, 429
    )
    bodies = {owner: response.json() for owner, response in refused.items()}
    for owner, response in refused.items():
        seconds = response["Retry-After"]
        assert bodies[owner]["error"] == f"Rate limit exceeded. Retry after {seconds} seconds."
    assert {owner: body["hint"] for owner, body in bodies.items()} == {
        "agent": "This agent, the person who manages it and that person's other agents"
        " share a limit of 4 requests per minute.",
        "human": "Your sessions, tokens and agents share a limit of 4 requests per minute.",
        "address": "Requests without a valid token or session are limited, by address, to"
        " 4 requests per minute.",
        "token": "This token is limited to 1 request per minute.",
        "tenant": "The members of Garden Cooperative share a limit of 1 request per minute.",
    }


# --- The limit of a human -------------------------------------------------------------------


def statuses(client: Client, number: int, path: str = BASE) -> list[int]:
    return [client.get(path).status_code for _ in range(number)]


def last_of(client: Client, number: int) -> Any:
    return [client.get(BASE) for _ in range(number)][-1]


@pytest.mark.meets("requests per minute from a person or an address")
def test_tokens_sessions_and_agents_of_one_human_share_one_limit(
    api: Any, page: Any, limits: Any
) -> None:
    clients = [api("alice"), api("alice"), api("alice", agent="scout"), page("alice")]
    paths = [BASE, BASE, "/whoami.md", "/whoami"]
    seen = [statuses(client, 1, path) for client, path in zip(clients, paths, strict=True)]

    assert seen == [[200]] * 4
    for client, path in zip(clients, paths, strict=True):
        assert statuses(client, 1, path) == [429], path
    assert statuses(api("bob"), 1) == [200]
    assert statuses(page("bob"), 1, "/whoami") == [200]


@pytest.mark.meets("writes per minute from a person or an address")
def test_writes_of_all_tokens_of_one_human_share_one_limit(api: Any, limits: Any) -> None:
    def write(client: Client) -> int:
        return int(client.post(f"{BASE}/notes", {"text": "x"}, "application/json").status_code)

    writers = [api("alice"), api("alice", agent="scout"), api("alice")]

    assert [write(each) for each in writers] == [200, 200, 429]
    assert write(api("bob")) == 200


def test_a_human_has_one_limit_across_tenants(api: Any, limits: Any) -> None:
    assert statuses(api("alice"), limits.LIMIT_REQUESTS) == [200] * limits.LIMIT_REQUESTS

    assert statuses(api("alice", tenant="summit"), 1) == [429]


@pytest.mark.meets("requests per minute from a token")
def test_a_token_has_its_own_limit_of_requests(api: Any, limits: Any) -> None:
    limits.LIMIT_TOKEN_REQUESTS = 2

    assert statuses(api("alice"), 9) == [200, 200, *[429] * 7]

    assert statuses(api("alice"), 1) == [200]


@pytest.mark.meets("writes per minute from a token")
def test_a_token_has_its_own_limit_of_writes(api: Any, limits: Any) -> None:
    limits.LIMIT_TOKEN_WRITES = 1

    def write(client: Client) -> int:
        return int(client.post(f"{BASE}/notes", {"text": "x"}, "application/json").status_code)

    first, second = api("alice"), api("alice")

    assert [write(first), write(first), write(second)] == [200, 429, 200]


@pytest.mark.meets("requests per minute from a person in a tenant")
def test_one_member_cannot_use_up_the_tenants_limit(api: Any, limits: Any) -> None:
    limits.LIMIT_REQUESTS, limits.LIMIT_TENANT = 100, 40
    flood = [status for _ in range(25) for status in statuses(api("alice"), 4)]

    # A quarter of the tenant's limit, although the human's own limit is higher.
    assert flood.count(200) == 10
    assert flood.count(429) == 90
    for other in ("bob", "carol"):
        assert set(statuses(api(other), 10)) == {200}


def test_a_session_counts_against_its_human_not_its_address(
    page: Any, limits: Any, address: str
) -> None:
    limits.LIMIT_REQUESTS = 2
    behind_one_address = [page(who) for who in ("alice", "bob", "carol")]
    for browser in behind_one_address:
        browser.defaults["REMOTE_ADDR"] = address

    assert [statuses(each, 2, "/whoami") for each in behind_one_address] == [[200, 200]] * 3
    assert statuses(behind_one_address[0], 1, "/whoami") == [429]


def test_anonymous_requests_never_count_against_the_members(
    api: Any, limits: Any, address: str
) -> None:
    limits.LIMIT_REQUESTS, limits.LIMIT_TENANT = 40, 8
    wrong = {"authorization": "Bearer hmn_wrong"}
    flood = [stranger(address).get("/login").status_code for _ in range(20)]
    flood += [stranger(address).get(BASE, headers=wrong).status_code for _ in range(20)]

    assert set(flood) == {200, 401}
    assert statuses(api("alice"), 2) == [200, 200]


@pytest.mark.meets("requests per minute from a tenant's members")
def test_members_together_cannot_exceed_the_tenants_limit(api: Any, limits: Any) -> None:
    limits.LIMIT_TENANT = 1

    assert statuses(api("alice"), 1) == [200]
    response = api("bob").get(BASE)

    assert response.status_code == 429
    assert remaining(response)["tenant"] == 0
    assert statuses(api("alice", tenant="summit"), 1) == [429]  # her own limit
    assert statuses(api("dave", tenant="summit"), 1) == [200]


# --- Addresses ------------------------------------------------------------------------------


def test_addresses_of_an_ipv6_network_share_a_limit(limits: Any) -> None:
    network, other = fresh_network(), fresh_network()
    seen = [stranger(f"{network}::{n}").get("/login").status_code for n in range(1, 6)]

    assert seen == [200, 200, 200, 200, 429]
    assert stranger(f"{other}::1").get("/login").status_code == 200


@pytest.mark.parametrize("path", ["/help", "/help.md"])
def test_the_base_domain_is_rate_limited(limits: Any, address: str, path: str) -> None:
    client = Client(headers={"host": "localhost"}, REMOTE_ADDR=address)

    assert [client.get(path).status_code for _ in range(5)] == [200, 200, 200, 200, 429]


def test_unreadable_requests_are_rate_limited(limits: Any, address: str) -> None:
    client = stranger(address)

    assert [client.get("/x%00").status_code for _ in range(5)] == [404, 404, 404, 404, 429]


# --- Counters -------------------------------------------------------------------------------


def stores(kind: str, folder: Path) -> tuple[Store, Store]:
    """Return the stores of two processes."""
    if kind == "file":
        path = folder / "limits.sqlite3"
        return FileStore(path), FileStore(path)
    cache = LocMemCache(str(folder), {})
    return CacheStore(cache), CacheStore(cache)


def limit(key: str, quota: int = 100, level: int = 0) -> Limit:
    return Limit("requests", "token", key, quota, level)


@pytest.mark.parametrize("kind", ["file", "cache"])
def test_processes_share_counters_of_one_window(kind: str, tmp_path: Path) -> None:
    one, other = stores(kind, tmp_path)
    a, b = limit("a"), limit("b")

    one.add({a: 0, b: 1}, 60)
    assert one.add({a: 1}, 60) == {"a": 1}
    assert other.add({a: 1, b: 0}, 60) == {"a": 2, "b": 1}
    assert one.add({a: 1, b: 0}, 60) == {"a": 3, "b": 1}
    assert other.add({a: 1}, 120) == {"a": 1}


@pytest.mark.parametrize("kind", ["file", "cache"])
def test_a_hit_over_a_narrow_limit_does_not_count_against_a_wider_one(
    kind: str, tmp_path: Path
) -> None:
    store, _ = stores(kind, tmp_path)
    hits = {limit("tenant", 100, 2): 1, limit("token", 2, 0): 1, limit("human", 3, 1): 1}
    other = {limit("other", 9, 0): 1, limit("human", 3, 1): 1, limit("tenant", 100, 2): 1}

    seen = [count(store, hits, 0) for _ in range(4)] + [count(store, other, 0)] * 1
    seen += [count(store, other, 0)]

    assert [[each.hits for each in counts] for counts in seen] == [
        [1, 1, 1],
        [2, 2, 2],
        [3, 2, 2],
        [4, 2, 2],
        [1, 3, 3],
        [2, 4, 3],
    ]
    assert [[each.is_exceeded for each in counts].count(True) for counts in seen] == [
        0, 0, 1, 1, 0, 1,
    ]  # fmt: skip


def test_concurrent_hits_are_counted_and_exactly_the_quota_reaches_the_wider_limit(
    tmp_path: Path,
) -> None:
    path = tmp_path / "limits.sqlite3"
    narrow, wide = limit("human", 40, 1), limit("tenant", 1000, 2)
    FileStore(path).add({wide: 0, narrow: 1}, 60)

    def work(_: int) -> None:
        store = FileStore(path)
        for _ in range(25):
            store.add({narrow: 1, wide: 1}, 60)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    found = FileStore(path).add({narrow: 1, wide: 0}, 60)
    assert found == {"human": 202, "tenant": 39}


def test_a_broken_store_refuses_no_request(limits: Any, tmp_path: Path) -> None:
    broken = FileStore(tmp_path / "nowhere" / "limits.sqlite3")

    assert not any(count(broken, {limit("a", 1): 1}, 0)[0].is_exceeded for _ in range(3))


# --- Settings -------------------------------------------------------------------------------


def started(**environment: str) -> Any:
    """Return the result of a process that reads the settings."""
    program = "from harmonic import settings; print(settings.LIMIT_LOOPBACK)"
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HARMONIC_VAR": str(configured.VAR_DIR), **environment},
        cwd=configured.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_invalid_limits_and_proxies_are_reported_at_start() -> None:
    run = started(
        HARMONIC_TRUSTED_PROXIES="10.0.0.0/8, proxy.example.org", HARMONIC_LIMIT_REQUESTS="0"
    )

    assert run.returncode != 0
    assert "HARMONIC_TRUSTED_PROXIES" in run.stderr
    assert "proxy.example.org" in run.stderr
    assert "HARMONIC_LIMIT_REQUESTS" in run.stderr


def test_no_address_is_exempt_in_production() -> None:
    run = started(
        HARMONIC_ENV="production",
        HARMONIC_HOST="example.org",
        HARMONIC_SECRET_KEY="0123456789" * 6,
        DATABASE_URL="sqlite:///:memory:",
        HARMONIC_LIMIT_LOOPBACK="0",
    )

    assert run.stdout.strip() == "True", run.stderr
