"""Outages of the database: how long a request waits, what an error means, what became of a write.

An outage is a database that is away, restarting, locked or full. The engines beside this module
wait for it as long as `Waiting` allows; `harmonic/http/outages.py` answers what remains.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum

from django.db import Error, OperationalError, connection, transaction

# Seconds from the beginning of a request in which it waits for a connection. The rest of three
# seconds is for its answer.
CONNECT_SECONDS = 2.0
# Seconds for which a statement waits for a lock that another transaction holds, and for which
# PostgreSQL works on it.
LOCK_SECONDS = 1.5
STATEMENT_SECONDS = 2.0
# The same for what a request can do without, such as noting the use of a token.
BRIEF_SECONDS = 0.2

DEADLOCK, SERIALIZATION_FAILURE = "40P01", "40001"
_CONFLICTS = frozenset({DEADLOCK, SERIALIZATION_FAILURE})
# SQLSTATE: the server closed the connection, or does not take one yet.
_LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
# A lock not granted in time, a statement cancelled, a server that only reads.
_BLOCKED = frozenset({"55P03", "57014", "25006"})
# Classes of SQLSTATE: connection, resources, the operator, the system.
_CLASSES = frozenset({"08", "53", "57", "58"})
# SQLite's BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN and PROTOCOL.
_SQLITE_BUSY = frozenset({5, 6})
_SQLITE = _SQLITE_BUSY | {8, 10, 13, 14, 15}


class CommitInDoubt(OperationalError):
    """The connection was lost during COMMIT: the transaction may have been written or not."""


# --- What a request waits for, and what it did ----------------------------------------------


class Write(Enum):
    """How far the write of a request has come."""

    NONE = "nothing was written"
    PERFORMED = "its transaction is complete, but not committed"
    COMMITTED = "it is saved"


@dataclass(slots=True)
class Waiting:
    """How long something waits for the database, and what the database did to it.

    `until` is a time of `time.monotonic`. `is_away` is true once no connection could be made.
    """

    until: float
    lock_seconds: float
    is_away: bool = False
    write: Write = Write.NONE


_waiting: ContextVar[Waiting | None] = ContextVar("waiting", default=None)


def current() -> Waiting | None:
    """Return how long the request at hand waits; None outside of requests, as in commands."""
    return _waiting.get()


@contextmanager
def waiting(
    connect_seconds: float | None = None, lock_seconds: float | None = None
) -> Iterator[Waiting]:
    """Limit the time that the block waits for connections, all in all, and for each lock.

    By default these are the limits of a request.
    """
    new = Waiting(
        time.monotonic() + (CONNECT_SECONDS if connect_seconds is None else connect_seconds),
        LOCK_SECONDS if lock_seconds is None else lock_seconds,
    )
    token = _waiting.set(new)
    try:
        yield new
    finally:
        _waiting.reset(token)


def waiting_briefly() -> AbstractContextManager[Waiting]:
    """Limit the wait of what a request can do without."""
    return waiting(0, BRIEF_SECONDS)


def mark_performed() -> None:
    """Note that the transaction of a write is complete, and once it is committed."""
    request = current()
    if request is None:
        return
    request.write = Write.PERFORMED
    transaction.on_commit(lambda: _committed(request))


def _committed(request: Waiting) -> None:
    request.write = Write.COMMITTED


# --- What an error means --------------------------------------------------------------------


def is_outage(error: BaseException) -> bool:
    """Return whether the database is unavailable, as opposed to a fault in a statement."""
    if not isinstance(error, Error):
        return False
    if isinstance(error, CommitInDoubt):
        return True
    if (code := _sqlite_code(error)) is not None:
        return code in _SQLITE
    state = _sqlstate(error)
    if state is None:
        return isinstance(error, OperationalError)
    return state in _CONFLICTS | _BLOCKED | _LOST or state[:2] in _CLASSES


def is_lost(error: BaseException) -> bool:
    """Return whether the connection ended, so that another one may work."""
    if not is_outage(error) or _sqlite_code(error) is not None:
        return False
    state = _sqlstate(error)
    return state is None or state in _LOST or state.startswith("08")


def is_locked(error: BaseException) -> bool:
    """Return whether SQLite did not grant its lock in time."""
    return _sqlite_code(error) in _SQLITE_BUSY


def is_retryable(error: BaseException) -> bool:
    """Return whether a transaction that failed may succeed if it is run once more.

    A deadlock ends with the rollback to a savepoint; a serialization failure ends only with the
    whole transaction.
    """
    state = _sqlstate(error)
    if connection.in_atomic_block:
        return state == DEADLOCK and not connection.needs_rollback
    return state in _CONFLICTS


def _sqlstate(error: BaseException) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)


def _sqlite_code(error: BaseException) -> int | None:
    """Return the primary result code of SQLite; None if the error is not SQLite's."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
