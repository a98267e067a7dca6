"""Django's engine for PostgreSQL, which waits for a server that restarts.

Each thread keeps its connection. Before a request uses it, a look at the socket shows whether the
server has closed it, without a question to the server.
"""

from __future__ import annotations

import select
import threading
import time
from types import ModuleType
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.utils import OperationalError

from harmonic.kernel.database import outages
from harmonic.kernel.database.outages import (
    CONNECT_SECONDS,
    LOCK_SECONDS,
    STATEMENT_SECONDS,
    CommitInDoubt,
    Waiting,
)

# Seconds between two attempts to connect.
PAUSE = 0.05
# An attempt that takes longer was not refused but got no answer. Another one would get none.
UNANSWERED_SECONDS = 0.5
# Without attempts for so long, the next one that fails begins another outage.
FORGOTTEN_AFTER_SECONDS = 5.0
# What the server has beyond its own limits before it counts as silent, and what a statement has
# even if a busy machine took the request's time.
GRACE_SECONDS = 0.5
POLL_SECONDS = 0.1
LEAST_SECONDS = 1.0
# Connections of requests have these, those of commands do not: a migration may take its time.
TIMEOUTS = (
    f"SELECT set_config('lock_timeout', '{LOCK_SECONDS * 1000:.0f}', false),"
    f" set_config('statement_timeout', '{STATEMENT_SECONDS * 1000:.0f}', false)"
)


class Server:
    """The database server as this process knows it: since when it is away.

    The first requests of an outage wait for the end of a restart. Later ones fail at once,
    because they would occupy every thread. While attempts get no answer, one thread makes them.
    """

    def __init__(self) -> None:
        self._answered_at = self._failed_at = float("-inf")
        self._away_since = float("-inf")
        self._attempt = threading.Lock()

    @property
    def is_worth_waiting_for(self) -> bool:
        is_away = self._answered_at < self._failed_at
        return not is_away or time.monotonic() < self._away_since + CONNECT_SECONDS

    def connected(self, connect: Any) -> Any:
        """Return a new connection, made by `connect`.

        Raises:
            OperationalError: of psycopg; the server refuses, or another thread asks it already.
        """
        began = time.monotonic()
        if not self.is_worth_waiting_for:
            if not self._attempt.acquire(blocking=False):
                raise psycopg.OperationalError("The database server is away.")
            try:
                return self._tried(connect, began)
            finally:
                self._attempt.release()
        return self._tried(connect, began)

    def _tried(self, connect: Any, began: float) -> Any:
        try:
            connection = connect()
        except psycopg.OperationalError:
            self._note_failure(began)
            raise
        self._answered_at = time.monotonic()
        return connection

    def _note_failure(self, began: float) -> None:
        """Note that the attempt that began then failed, unless another one succeeded since."""
        if began < self._answered_at:
            return
        now = time.monotonic()
        if max(self._answered_at, now - FORGOTTEN_AFTER_SECONDS) > self._failed_at:
            self._away_since = began
        self._failed_at = now


server = Server()


class PatientConnection(psycopg.Connection[Any]):
    """A connection on which a request waits for an answer only as long as it can.

    The server ends a statement that is slow or waits for a lock. This is for a server that has
    stopped answering.
    """

    def wait(self, gen: Any, interval: float = POLL_SECONDS, timeout: float | None = None) -> Any:
        request = outages.current()
        if request is not None and timeout is None:
            timeout = max(request.until + GRACE_SECONDS - time.monotonic(), LEAST_SECONDS)
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.errors._WaitTimeout:
            # What would arrive now is the answer to this statement, and no other's.
            self.pgconn.finish()
            if request is not None:
                request.is_away = True
            raise psycopg.OperationalError("The database server did not answer in time.") from None


class PatientDriver(ModuleType):
    """The module psycopg as Django's engine uses it, with connections of our class."""

    connect = PatientConnection.connect

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is made with patience, and that notices when a COMMIT is in doubt."""

    Database = PatientDriver("psycopg")

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect. A request tries again while the server is away and there is time."""
        request = outages.current()
        if request is None:
            return super().get_new_connection(conn_params)
        return self._patiently(conn_params, request)

    def _patiently(self, conn_params: dict[str, Any], request: Waiting) -> Any:
        connect = super().get_new_connection
        while True:
            began = time.monotonic()
            try:
                return server.connected(lambda: connect(conn_params))
            except psycopg.OperationalError:
                now = time.monotonic()
                is_answered = now - began < UNANSWERED_SECONDS
                is_time_left = now + PAUSE < request.until and server.is_worth_waiting_for
                if not (is_answered and is_time_left):
                    request.is_away = True
                    raise
            time.sleep(PAUSE)

    def init_connection_state(self) -> None:
        super().init_connection_state()
        if outages.current() is not None and self.connection is not None:
            self.connection.execute(TIMEOUTS)

    def close_if_health_check_failed(self) -> None:
        """Drop a connection that ended, so that the next statement gets another one."""
        is_ended = self.connection is not None and self.connection.closed
        if is_ended and not self.in_atomic_block:
            self.close()
        super().close_if_health_check_failed()

    def is_usable(self) -> bool:
        """Return whether the connection works; ask the server only if there is reason to."""
        connection = self.connection
        if connection is None or connection.closed:
            return False
        if self.errors_occurred or has_data(connection.fileno()):
            return super().is_usable()
        return True

    def _commit(self) -> None:
        was_open = self.connection is not None and not self.connection.closed
        try:
            super()._commit()  # type: ignore[misc]  # not in the stubs
        except OperationalError as error:
            if was_open and self.connection.closed:
                raise CommitInDoubt(*error.args) from error.__cause__
            raise


def has_data(socket: int) -> bool:
    """Return whether a socket has something to read. Between statements, that is its end."""
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))
