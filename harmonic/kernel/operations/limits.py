"""Rate limit counters, shared by all processes, outside the main database.

The counters are in a separate SQLite file, or in the cache if several machines serve
(`docs/operations.md`). Windows are fixed. An error of the store never fails a request.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Protocol

from django.core.cache import BaseCache

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `quota` hits of `key` in each window.

    `name` is what is counted, `owner` the owner of the limit. A hit that exceeds a limit does not
    count against limits of a higher `level`.
    """

    name: str
    owner: str
    key: str
    quota: int
    level: int = 0


# The hits that a request adds to each limit; limits with 0 are only read.
Hits = Mapping[Limit, int]


@dataclass(frozen=True, slots=True)
class Count:
    """The state of a limit; `is_hit` is true if this request counted against it."""

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
    """Counters by key and window."""

    def add(self, hits: Hits, window: int, seconds: int) -> dict[str, int]:
        """Add the hits, and return the totals of this window by key.

        A hit that exceeds one of its limits is not added to limits of a higher level.
        """


class FileStore:
    """Counters in an SQLite file that can be deleted at any time."""

    # Rows of past windows are deleted once per this many calls.
    PURGED_EVERY = 2000

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._hits = 0

    def add(self, hits: Hits, window: int, seconds: int) -> dict[str, int]:
        connection = self._connection()
        added = [(each.key, n, each.quota, each.level) for each, n in hits.items() if n]
        bounds = (window, (window + 1) * seconds)
        # No RETURNING: a thread that waits to read the rows would block all others.
        connection.execute(
            _adding(len(added)), [*bounds, *(value for row in added for value in row)]
        )
        self._purge(connection, window * seconds)
        marks = ", ".join("?" * len(hits))
        found = connection.execute(
            f"SELECT key, hits FROM hits WHERE key IN ({marks}) AND window = ?",  # noqa: S608 marks
            [*(each.key for each in hits), window],
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


@cache
def _adding(rows: int) -> str:
    """Return the statement that adds hits to all limits at once, by level."""
    marks = ", ".join(["(?, ?, ?, ?)"] * rows)
    return (
        "WITH bounds (current, ends_at) AS (VALUES (?, ?)),"  # noqa: S608 marks alone
        f" sent (key, hits, quota, level) AS (VALUES {marks})"
        " INSERT INTO hits SELECT key, current, CASE WHEN EXISTS ("
        "SELECT 1 FROM sent AS narrower LEFT JOIN hits AS before"
        " ON before.key = narrower.key AND before.window = current"
        " WHERE narrower.level < sent.level"
        " AND ifnull(before.hits, 0) + narrower.hits > narrower.quota"
        ") THEN 0 ELSE sent.hits END, ends_at FROM sent, bounds WHERE true"
        " ON CONFLICT (key, window) DO UPDATE SET hits = hits.hits + excluded.hits"
    )


class CacheStore:
    """Counters in Django's cache, for several machines."""

    def __init__(self, cache: BaseCache) -> None:
        self.cache = cache

    def add(self, hits: Hits, window: int, seconds: int) -> dict[str, int]:
        found: dict[str, int] = {}
        is_exceeded = False
        for limits in _by_level(hits):
            for limit in limits:
                number = 0 if is_exceeded else hits[limit]
                found[limit.key] = self._added(f"limit:{limit.key}:{window}", number, seconds)
            is_exceeded |= any(hits[each] and found[each.key] > each.quota for each in limits)
        return found

    def _added(self, name: str, hits: int, seconds: int) -> int:
        try:
            return int(self.cache.incr(name, hits))
        except ValueError:  # the first hit of the window
            self.cache.add(name, 0, timeout=2 * seconds)
            return int(self.cache.incr(name, hits))


def count(store: Store, hits: Hits, now: float, seconds: int) -> tuple[Count, ...]:
    """Count hits in the current window and return the state of each limit, the narrowest first.

    If the store fails, nothing is counted.
    """
    window, passed = divmod(int(now), seconds)
    try:
        found = store.add(hits, window, seconds)
    except Exception:  # each store has errors of its own
        _log.exception("A hit was not counted.")
        found = {}
    counts: list[Count] = []
    for limits in _by_level(hits):
        is_counted = not any(each.is_exceeded for each in counts)
        counts += [
            Count(each, found.get(each.key, 0), seconds - passed, is_counted and hits[each] > 0)
            for each in limits
        ]
    return tuple(counts)


def _by_level(hits: Hits) -> Iterator[list[Limit]]:
    ordered = sorted(hits, key=lambda limit: limit.level)
    return (list(limits) for _, limits in groupby(ordered, key=lambda limit: limit.level))
