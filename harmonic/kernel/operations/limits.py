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
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple, Protocol

from django.core.cache import BaseCache

_log = logging.getLogger(__name__)


class Limit(NamedTuple):
    """At most `quota` hits of `key` in each window of `seconds`.

    `name` is what is counted, `owner` the owner of the limit. A hit that exceeds a limit does not
    count against limits of a higher `level`.
    """

    name: str
    owner: str
    key: str
    quota: int
    level: int = 0
    seconds: int = 60

    def window(self, now: float) -> int:
        """Return the number of the window that a time is in."""
        return int(now) // self.seconds


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

    def add(self, hits: Hits, now: float) -> dict[str, int]:
        """Add the hits, and return the totals of the current windows by key.

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

    def add(self, hits: Hits, now: float) -> dict[str, int]:
        connection = self._connection()
        added = [_row(each, number, now) for each, number in hits.items() if number]
        # No RETURNING: a thread that waits to read the rows would block all others.
        connection.execute(_adding(len(added)), list(chain.from_iterable(added)))
        self._purge(connection, now)
        keys = list(chain.from_iterable((each.key, each.window(now)) for each in hits))
        return dict(connection.execute(_reading(len(hits)), keys).fetchall())

    def _purge(self, connection: sqlite3.Connection, now: float) -> None:
        self._hits += 1
        if self._hits % self.PURGED_EVERY == 0:
            connection.execute("DELETE FROM hits WHERE ends_at < ?", (int(now),))

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


def _row(limit: Limit, hits: int, now: float) -> tuple[str | int, ...]:
    """Return the values of a limit in the statement that adds hits."""
    window = limit.window(now)
    return limit.key, window, (window + 1) * limit.seconds, hits, limit.quota, limit.level


@cache
def _adding(rows: int) -> str:
    """Return the statement that adds hits to all limits at once, by level."""
    marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * rows)
    return (
        "WITH sent (key, current, ends_at, hits, quota, level)"  # noqa: S608 marks alone
        f" AS (VALUES {marks})"
        " INSERT INTO hits SELECT key, current, CASE WHEN EXISTS ("
        "SELECT 1 FROM sent AS narrower LEFT JOIN hits AS before"
        " ON before.key = narrower.key AND before.window = narrower.current"
        " WHERE narrower.level < sent.level"
        " AND ifnull(before.hits, 0) + narrower.hits > narrower.quota"
        ") THEN 0 ELSE sent.hits END, ends_at FROM sent WHERE true"
        " ON CONFLICT (key, window) DO UPDATE SET hits = hits.hits + excluded.hits"
    )


@cache
def _reading(rows: int) -> str:
    """Return the statement that reads the hits of limits in their windows."""
    marks = ", ".join(["(?, ?)"] * rows)
    # CROSS JOIN has SQLite look each of them up by the primary key.
    return (
        f"WITH sent (key, current) AS (VALUES {marks})"  # noqa: S608 marks alone
        " SELECT hits.key, hits.hits FROM sent CROSS JOIN hits"
        " ON hits.key = sent.key AND hits.window = sent.current"
    )


class CacheStore:
    """Counters in Django's cache, for several machines."""

    def __init__(self, cache: BaseCache) -> None:
        self.cache = cache

    def add(self, hits: Hits, now: float) -> dict[str, int]:
        found: dict[str, int] = {}
        is_exceeded = False
        for limits in _by_level(hits):
            for limit in limits:
                number = 0 if is_exceeded else hits[limit]
                name = f"limit:{limit.key}:{limit.window(now)}"
                found[limit.key] = self._added(name, number, limit.seconds)
            is_exceeded |= any(hits[each] and found[each.key] > each.quota for each in limits)
        return found

    def _added(self, name: str, hits: int, seconds: int) -> int:
        try:
            return int(self.cache.incr(name, hits))
        except ValueError:  # the first hit of the window
            self.cache.add(name, 0, timeout=2 * seconds)
            return int(self.cache.incr(name, hits))


def count(store: Store, hits: Hits, now: float) -> tuple[Count, ...]:
    """Count hits in the current windows, and return the state of each limit, the narrowest first.

    If the store fails, nothing is counted.
    """
    try:
        found = store.add(hits, now)
    except Exception:  # each store has errors of its own
        _log.exception("A hit was not counted.")
        found = {}
    counts: list[Count] = []
    for limits in _by_level(hits):
        is_counted = not any(each.is_exceeded for each in counts)
        counts += [
            Count(
                each,
                found.get(each.key, 0),
                each.seconds - int(now) % each.seconds,
                is_counted and hits[each] > 0,
            )
            for each in limits
        ]
    return tuple(counts)


def _by_level(hits: Hits) -> Iterator[list[Limit]]:
    ordered = sorted(hits, key=lambda limit: limit.level)
    return (list(limits) for _, limits in groupby(ordered, key=lambda limit: limit.level))
