"""Outages of the database: limits of waiting, classification of errors, state of a write.

An outage is a database that is away, restarting, locked or full. The engines in this package wait
as long as `Waiting` allows; `harmonic/http/outages.py` responds to the errors.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum

from django.db import Error, OperationalError, connection, transaction

# Seconds from the start of a request in which it waits for a connection. It must respond within
# three seconds.
CONNECT_SECONDS = 2.0
# Seconds that a statement waits for a lock, and that PostgreSQL spends on it.
LOCK_SECONDS = 1.5
STATEMENT_SECONDS = 2.0
# Seconds that optional work waits for a lock, such as recording the use of a token.
BRIEF_SECONDS = 0.2

DEADLOCK, SERIALIZATION_FAILURE = "40P01", "40001"
_CONFLICTS = frozenset({DEADLOCK, SERIALIZATION_FAILURE})
# SQLSTATE: the server closed the connection, or accepts none yet.
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
    """The state of the write of a request."""

    NONE = "nothing was written"
    PERFORMED = "its transaction is complete, but not committed"
    COMMITTED = "it is saved"


@dataclass(slots=True)
class Waiting:
    """The time limits for waiting for the database, and the progress of the write.

    `until` is a time of `time.monotonic`. `is_away` is true after a failed connection.
    """

    until: float
    lock_seconds: float
    is_away: bool = False
    write: Write = Write.NONE


_waiting: ContextVar[Waiting | None] = ContextVar("waiting", default=None)


def current() -> Waiting | None:
    """Return the limits of the current request, or None outside of requests."""
    return _waiting.get()


@contextmanager
def waiting(
    connect_seconds: float | None = None, lock_seconds: float | None = None
) -> Iterator[Waiting]:
    """Limit the total wait of the block for connections, and its wait for each lock.

    The defaults are the limits of a request.
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
    """Limit the wait of optional work."""
    return waiting(0, BRIEF_SECONDS)


def mark_performed() -> None:
    """Record that the transaction of a write is complete, and later that it is committed."""
    request = current()
    if request is None:
        return
    request.write = Write.PERFORMED
    transaction.on_commit(lambda: _committed(request))


def _committed(request: Waiting) -> None:
    request.write = Write.COMMITTED


# --- What an error means --------------------------------------------------------------------


def is_outage(error: BaseException) -> bool:
    """Return whether an error means that the database is unavailable."""
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
    """Return whether the connection was lost, so that a new one may work."""
    if not is_outage(error) or _sqlite_code(error) is not None:
        return False
    state = _sqlstate(error)
    return state is None or state in _LOST or state.startswith("08")


def is_locked(error: BaseException) -> bool:
    """Return whether the wait for the lock of SQLite timed out."""
    return _sqlite_code(error) in _SQLITE_BUSY


def is_retryable(error: BaseException) -> bool:
    """Return whether a failed transaction may succeed if it runs again.

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
    """Return the primary result code of SQLite, or None for other errors."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
