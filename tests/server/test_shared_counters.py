"""With `CACHE_URL`, machines share the counters of limits in Redis."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harmonic.kernel.operations.limits import CacheStore, Limit, count
from tests.security.test_limits import started as settings_with
from tests.server.process import HOST, Running, started

pytestmark = pytest.mark.one_database

LIMIT = 40


class FakeRedis(socketserver.ThreadingTCPServer):
    """A Redis server (RESP 2) with the commands that counters use."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.values: dict[bytes, int] = {}
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server_address[1]}/0?protocol=2"

    def answer(self, name: bytes, words: list[bytes]) -> bytes:
        with self.lock:
            if name == b"SET" and b"NX" in words:
                if words[0] in self.values:
                    return b"$-1\r\n"
                self.values[words[0]] = int(words[1])
                return b"+OK\r\n"
            if name == b"EXISTS":
                return b":%d\r\n" % (words[0] in self.values)
            if name == b"INCRBY":
                self.values[words[0]] = self.values.get(words[0], 0) + int(words[1])
                return b":%d\r\n" % self.values[words[0]]
        return b"+OK\r\n"


class Conversation(socketserver.StreamRequestHandler):
    server: FakeRedis

    def handle(self) -> None:
        while line := self.rfile.readline():
            words = [self._word() for _ in range(int(line[1:]))]
            self.wfile.write(self.server.answer(words[0].upper(), words[1:]))

    def _word(self) -> bytes:
        size = int(self.rfile.readline()[1:])
        return self.rfile.read(size + 2)[:size]


@pytest.fixture(scope="module")
def redis() -> Iterator[FakeRedis]:
    with FakeRedis() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def machines(
    redis: FakeRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, Running]]:
    """Return two servers with separate files."""
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    settings = {
        "DATABASE_URL": f"sqlite:///{one}/shared.sqlite3",
        "CACHE_URL": redis.url,
        "HARMONIC_SECRET_KEY": "0123456789" * 5,
        "HARMONIC_LIMIT_LOOPBACK": "1",
        "HARMONIC_LIMIT_REQUESTS": str(LIMIT),
    }
    with (
        started(one, prepared=True, **settings) as a,
        started(other, prepared=False, **settings) as b,
    ):
        yield a, b


def status(server: Running, token: str) -> int:
    head = (
        f"GET /api/v1 HTTP/1.1\r\nHost: {HOST}:{server.port}\r\nConnection: close\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    return server.ask(head.encode())[0]


def test_machines_share_a_limit(machines: tuple[Running, Running], redis: FakeRedis) -> None:
    token = machines[0].manage("create_token", "--tenant", "garden", "--user", "bob", "--name", "x")

    # The requests span two windows at most, so one of them exceeds the limit.
    seen = []
    for number in range(2 * LIMIT + 1):
        seen.append(status(machines[number % 2], token))
        if seen[-1] == 429:
            break

    assert seen[-1] == 429
    assert set(seen[:-1]) == {200}
    assert len(seen) > LIMIT
    assert any(b"limit:requests:human" in key for key in redis.values)
    assert not (machines[1].folder / "limits.sqlite3").exists()


def test_requests_are_served_while_redis_cannot_be_reached(tmp_path: Path) -> None:
    settings = {"CACHE_URL": "redis://127.0.0.1:9/0", "HARMONIC_LIMIT_LOOPBACK": "1"}
    with started(tmp_path, prepared=True, **settings) as server:
        token = server.manage("create_token", "--tenant", "garden", "--user", "bob", "--name", "x")

        assert status(server, token) == 200
        assert "A hit was not counted." in server.log


def test_an_error_of_the_store_fails_no_request() -> None:
    class Broken(CacheStore):
        def add(self, *args: Any) -> dict[str, int]:
            raise RuntimeError("no connection")

    [counted] = count(Broken(None), {Limit("requests", "token", "a", 1): 1}, 0)  # type: ignore[arg-type]

    assert not counted.is_exceeded


@pytest.mark.parametrize("url", ["memcache://10.0.0.5", "10.0.0.5:6379", "file:///tmp/counters"])
def test_another_kind_of_cache_stops_the_start(url: str) -> None:
    run = settings_with(CACHE_URL=url)

    assert run.returncode != 0
    assert "CACHE_URL" in run.stderr
    assert "redis://" in run.stderr


def test_a_missing_package_stops_the_start(tmp_path: Path) -> None:
    hidden = 'import sys\nsys.modules["redis"] = None\n'
    (tmp_path / "sitecustomize.py").write_text(hidden)

    run = settings_with(CACHE_URL="redis://127.0.0.1/0", PYTHONPATH=str(tmp_path))

    assert run.returncode != 0
    assert "pip install -e '.[redis]'" in run.stderr
