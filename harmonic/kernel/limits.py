"""Rate limits, shared by all processes, without a write to the main database.

Counters live in a small SQLite file of their own, or in the cache where several machines
serve (`docs/operations.md`). They count in fixed windows, and never fail a request.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.core.cache import BaseCache

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `quota` hits in each window of `seconds`."""

    name: str
    quota: int
    seconds: int


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

    def hit(self, key: str, window: int, seconds: int) -> int:
        """Count one hit and return how many there are in this window."""

    def seen(self, key: str, window: int) -> int:
        """Return how many hits there are in this window."""


class FileStore:
    """Counters in an SQLite file that may be lost at any moment."""

    # Rows of past windows are removed each time so many hits were counted here.
    PURGED_EVERY = 2000

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._hits = 0

    def hit(self, key: str, window: int, seconds: int) -> int:
        connection = self._connection()
        row = connection.execute(
            "INSERT INTO hits VALUES (?, ?, 1, ?) ON CONFLICT (key, window)"
            " DO UPDATE SET hits = hits + 1 RETURNING hits",
            (key, window, (window + 1) * seconds),
        ).fetchone()
        self._purge(connection, window * seconds)
        return int(row[0])

    def seen(self, key: str, window: int) -> int:
        found = self._connection().execute(
            "SELECT hits FROM hits WHERE key = ? AND window = ?", (key, window)
        )
        row = found.fetchone()
        return int(row[0]) if row else 0

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

    def hit(self, key: str, window: int, seconds: int) -> int:
        name = _name(key, window)
        self.cache.add(name, 0, timeout=2 * seconds)
        return int(self.cache.incr(name))

    def seen(self, key: str, window: int) -> int:
        return int(self.cache.get(_name(key, window), 0))


def _name(key: str, window: int) -> str:
    return f"limit:{key}:{window}"


def count(store: Store, limit: Limit, key: str, now: float, *, is_hit: bool = True) -> Count:
    """Count a hit of `key` against `limit`, or only look; a broken store counts nothing."""
    window, passed = divmod(int(now), limit.seconds)
    name = f"{limit.name}:{key}"
    try:
        hits = store.hit(name, window, limit.seconds) if is_hit else store.seen(name, window)
    except (sqlite3.Error, OSError, ValueError):
        _log.exception("A hit was not counted.")
        hits = 0
    return Count(limit, hits, limit.seconds - passed, is_hit)
