"""Rate limits, shared by all processes, without a write to the main database.

Counters live in a small SQLite file of their own, or in the cache where several machines
serve (`docs/operations.md`). They count in fixed windows, and never fail a request.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.core.cache import BaseCache

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `quota` hits in each window."""

    name: str
    quota: int


@dataclass(frozen=True, slots=True)
class Count:
    """Where a caller stands against one limit; `is_hit` tells whether this request counted."""

    limit: Limit
    hits: int
    reset_in: int
    is_hit: bool = True

    @property
    def remaining(self) -> int:
        return max(0, self.limit.quota - self.hits)

    @property
    def is_exceeded(self) -> bool:
        return self.is_hit and self.hits > self.limit.quota


class Store(Protocol):
    """Counts hits by key and window."""

    def add(self, hits: Mapping[str, int], window: int, seconds: int) -> dict[str, int]:
        """Count hits by key, none among them, and return how many there are in this window."""


class FileStore:
    """Counters in an SQLite file that may be lost at any moment."""

    # Rows of past windows are removed each time so many hits were counted here.
    PURGED_EVERY = 2000

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._hits = 0

    def add(self, hits: Mapping[str, int], window: int, seconds: int) -> dict[str, int]:
        connection = self._connection()
        rows = ", ".join(["(?, ?, ?, ?)"] * len(hits))
        values = [each for key in hits for each in (key, window, hits[key], (window + 1) * seconds)]
        # Not by RETURNING: while a thread waits to read rows, it would keep all others waiting.
        connection.execute(
            f"INSERT INTO hits VALUES {rows} ON CONFLICT (key, window)"  # noqa: S608 marks alone
            " DO UPDATE SET hits = hits + excluded.hits",
            values,
        )
        self._purge(connection, window * seconds)
        marks = ", ".join("?" * len(hits))
        found = connection.execute(
            f"SELECT key, hits FROM hits WHERE key IN ({marks}) AND window = ?",  # noqa: S608
            [*hits, window],
        )
        return dict(found.fetchall())

    def _purge(self, connection: sqlite3.Connection, before: int) -> None:
        self._hits += 1
        if self._hits % self.PURGED_EVERY == 0:
            connection.execute("DELETE FROM hits WHERE ends_at < ?", (before,))

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._opened()
        return connection

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=1, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS hits (key TEXT, window INTEGER, hits INTEGER,"
            " ends_at INTEGER, PRIMARY KEY (key, window)) WITHOUT ROWID"
        )
        return connection


class CacheStore:
    """Counters in Django's cache, for several machines."""

    def __init__(self, cache: BaseCache) -> None:
        self.cache = cache

    def add(self, hits: Mapping[str, int], window: int, seconds: int) -> dict[str, int]:
        return {key: self._added(f"limit:{key}:{window}", hits[key], seconds) for key in hits}

    def _added(self, name: str, hits: int, seconds: int) -> int:
        self.cache.add(name, 0, timeout=2 * seconds)
        return int(self.cache.incr(name, hits))


def count(
    store: Store, hits: Mapping[Limit, int], key: str, now: float, seconds: int
) -> tuple[Count, ...]:
    """Count hits of `key` against limits of one window; a broken store counts nothing."""
    window, passed = divmod(int(now), seconds)
    names = {limit: f"{limit.name}:{key}" for limit in hits}
    try:
        found = store.add({names[limit]: hits[limit] for limit in hits}, window, seconds)
    except (sqlite3.Error, OSError, ValueError):
        _log.exception("A hit was not counted.")
        found = dict.fromkeys(names.values(), 0)
    return tuple(
        Count(limit, found.get(names[limit], 0), seconds - passed, is_hit=hits[limit] > 0)
        for limit in hits
    )
