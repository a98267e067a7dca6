"""Restart, stop and lock the database during reads and writes of the production server.

    .venv/bin/python -m bench.outages [ROUNDS]

Eight clients read, two write, and two write with an `Idempotency-Key` and retry until
the write is acknowledged. PostgreSQL is restarted ROUNDS times, killed ROUNDS times and stopped
once for ten seconds; SQLite is locked ROUNDS times for four seconds. Everything runs on loopback,
in temporary folders.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmonic.settings")

import django

django.setup()

from tests.postgres import Cluster, cluster  # noqa: E402 behind the settings
from tests.server.outages import NOTES, Caller, Seen, caller_of, mark  # noqa: E402
from tests.server.process import Running, started  # noqa: E402

READERS, WRITERS, KEYED = 8, 2, 2
# Requests per minute, high enough that no limit applies.
LIMITS = dict.fromkeys(
    (
        "HARMONIC_LIMIT_REQUESTS",
        "HARMONIC_LIMIT_WRITES",
        "HARMONIC_LIMIT_TENANT",
        "HARMONIC_LIMIT_STORAGE",
    ),
    "1000000",
)


class Clients:
    """Clients that read and write until stopped, and their results."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.reads: list[Seen] = []
        self.writes: list[tuple[str, Seen]] = []
        self.keyed: list[str] = []
        self.given_up: list[str] = []
        self._is_over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        works = [self._read] * READERS + [self._write] * WRITERS + [self._write_once] * KEYED
        threads = [threading.Thread(target=self._until_over, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _until_over(self, work: Callable[[], None]) -> None:
        while not self._is_over.is_set():
            work()

    def _read(self) -> None:
        self.reads.append(self.caller.get(f"{NOTES}?limit=5"))

    def _write(self) -> None:
        text = mark()
        self.writes.append((text, self.caller.post(NOTES, text=text)))

    def _write_once(self) -> None:
        """Write with an idempotency key, and retry until acknowledged."""
        text, key = mark(), uuid.uuid4().hex
        for _ in range(100):
            answer = self.caller.post(NOTES, key, text=text)
            if answer.status == 200:
                self.keyed.append(text)
                return
            time.sleep(0.3)
        self.given_up.append(text)

    def report(self, title: str) -> None:
        kept = Counter(self.caller.texts())
        by_outcome: dict[str, list[str]] = {}
        for text, answer in self.writes:
            outcome = "saved" if answer.status == 200 else answer.json["code"]
            by_outcome.setdefault(outcome, []).append(text)
        answers = [*self.reads, *(each for _, each in self.writes)]
        slowest = max(each.seconds for each in answers)
        slowest_503 = max((each.seconds for each in answers if each.status == 503), default=0)
        print(f"\n{title}")
        print(f"  reads: {dict(Counter(each.status for each in self.reads))}")
        for outcome, texts in sorted(by_outcome.items()):
            there = dict(Counter(kept[text] for text in texts))
            print(f"  writes, {outcome}: {len(texts)}; found by count: {there}")
        there = dict(Counter(kept[text] for text in self.keyed))
        print(f"  writes with a key: {len(self.keyed)}; found by count: {there}")
        print(
            f"  given up: {len(self.given_up)}; slowest response: {slowest:.2f} s,"
            f" slowest 503: {slowest_503:.2f} s",
            flush=True,
        )


def on_postgres(rounds: int) -> None:
    with (
        # Acknowledged commits survive a kill of the server.
        cluster(synchronous_commit="on") as database,
        tempfile.TemporaryDirectory() as folder,
        started(
            Path(folder), prepared=True, **LIMITS, DATABASE_URL=database.url, WEB_CONCURRENCY="2"
        ) as server,
    ):
        caller = caller_of(server)
        for title, trouble in {
            f"PostgreSQL restarted {rounds} times": lambda: repeat(rounds, database.restart),
            f"PostgreSQL killed {rounds} times": lambda: repeat(rounds, lambda: kill(database)),
            "PostgreSQL stopped for 10 seconds": lambda: stop_for(database, 10),
        }.items():
            observe(title, caller, trouble)


def on_sqlite(rounds: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder), prepared=True, **LIMITS, WEB_CONCURRENCY="2") as server,
    ):
        observe(
            f"SQLite locked {rounds} times for 4 seconds",
            caller_of(server),
            lambda: repeat(rounds, lambda: lock_for(server, 4)),
        )


def observe(title: str, caller: Caller, trouble: Callable[[], None]) -> None:
    clients = Clients(caller)
    with clients.running():
        trouble()
    clients.report(title)


def repeat(rounds: int, trouble: Callable[[], None]) -> None:
    for _ in range(rounds):
        time.sleep(1)
        trouble()
    time.sleep(1)


def kill(database: Cluster) -> None:
    """Kill the server, as a crash would, and let it recover."""
    database.kill()
    database.start()


def stop_for(database: Cluster, seconds: float) -> None:
    time.sleep(1)
    database.stop()
    time.sleep(seconds)
    database.start()
    time.sleep(2)


def lock_for(server: Running, seconds: float) -> None:
    path = server.folder / "harmonic.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    on_postgres(rounds)
    on_sqlite(rounds)


if __name__ == "__main__":
    main()
