"""Delayed 429 responses, which occupy no thread."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.server.process import HOST, Running, answer_on, started

pytestmark = pytest.mark.one_database

LIMIT = 3
PAUSE_SECONDS = 0.25


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = {
        "HARMONIC_LIMIT_LOOPBACK": "1",
        "HARMONIC_LIMIT_REQUESTS": str(LIMIT),
        "HARMONIC_THREADS": "1",
    }
    with started(tmp_path_factory.mktemp("var"), prepared=True, **settings) as running:
        yield running


@pytest.fixture
def request_over_the_limit(server: Running) -> bytes:
    who = ("--tenant", "garden", "--user", "alice", "--name", "eager", "--scope", "read")
    token = server.manage("create_token", *who)
    lines = ("GET /whoami.md HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {token}")
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    while server.ask(request)[0] != 429:
        pass
    return request


def test_a_429_is_delayed(server: Running, request_over_the_limit: bytes) -> None:
    with server.connect() as connection:
        began = time.monotonic()
        for _ in range(3):
            connection.sendall(request_over_the_limit)
            assert answer_on(connection)[0] == 429
        seconds = time.monotonic() - began

    assert seconds >= 3 * PAUSE_SECONDS


def test_other_clients_are_served_during_the_delay(
    server: Running, request_over_the_limit: bytes
) -> None:
    # Sleeping threads would be busy for five seconds.
    waiting = [server.connect(request_over_the_limit) for _ in range(20)]
    began = time.monotonic()

    status, _, _ = server.ask(f"GET /login HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())

    assert (status, time.monotonic() - began < 2) == (200, True)
    assert {answer_on(each)[0] for each in waiting} == {429}
    for each in waiting:
        each.close()


def test_a_client_that_disconnects_during_the_delay_affects_no_other(
    server: Running, request_over_the_limit: bytes
) -> None:
    for _ in range(5):
        server.connect(request_over_the_limit).close()
    time.sleep(2 * PAUSE_SECONDS)

    assert server.ask(request_over_the_limit)[0] == 429
    assert "Traceback" not in server.log
