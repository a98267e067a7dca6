"""The database engine for PostgreSQL, which waits while the server restarts.

Each thread keeps its connection. Before a request uses it, polling the socket detects whether the
server has closed it, without a query.
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
from harmonic.kernel.database.outages import CONNECT_SECONDS, CommitInDoubt, Waiting

# Seconds between two attempts to connect.
PAUSE = 0.05
# A longer attempt got no response rather than a refusal, so another attempt is useless.
UNANSWERED_SECONDS = 0.5
# After this time without attempts, a failed attempt begins a new outage.
FORGOTTEN_AFTER_SECONDS = 5.0
# The time beyond its own limits after which the server counts as unresponsive, and the minimum for
# a statement when the request has run out of time.
GRACE_SECONDS = 0.5
POLL_SECONDS = 0.1
LEAST_SECONDS = 1.0
# Set on connections of requests only: migrations and other commands may take longer.
TIMEOUTS = (
    "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false)"
)


class Server:
    """The state of the database server as seen by this process.

    The first requests of an outage wait for the end of a restart. Later ones fail at once, since
    waiting would occupy every thread. During an outage one thread at a time tries to connect.
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
            psycopg.OperationalError: the server refuses, or another thread is trying to connect.
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
        """Record a failed attempt, unless another one has succeeded since it began."""
        if began < self._answered_at:
            return
        now = time.monotonic()
        if max(self._answered_at, now - FORGOTTEN_AFTER_SECONDS) > self._failed_at:
            self._away_since = began
        self._failed_at = now


server = Server()


class PatientConnection(psycopg.Connection[Any]):
    """A connection that limits how long a request waits for the server.

    The server itself ends statements that are slow or wait for a lock; this limit is for a server
    that has stopped responding.
    """

    def wait(self, gen: Any, interval: float = POLL_SECONDS, timeout: float | None = None) -> Any:
        request = outages.current()
        if request is not None and timeout is None:
            timeout = max(request.until + GRACE_SECONDS - time.monotonic(), LEAST_SECONDS)
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.errors._WaitTimeout:
            # A late response would be taken for that of the next statement.
            self.pgconn.finish()
            if request is not None:
                request.is_away = True
            raise psycopg.OperationalError("The database server did not respond in time.") from None


class PatientDriver(ModuleType):
    """The module psycopg for Django's engine, with `PatientConnection`."""

    connect = PatientConnection.connect

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that retries connecting, and raises `CommitInDoubt` if a COMMIT is lost."""

    Database = PatientDriver("psycopg")

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; in a request, retry while the server is away and time is left."""
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
            seconds = (outages.LOCK_SECONDS, outages.STATEMENT_SECONDS)
            self.connection.execute(TIMEOUTS, [f"{each * 1000:.0f}" for each in seconds])

    def close_if_health_check_failed(self) -> None:
        """Close a lost connection, so that the next statement opens another one."""
        is_ended = self.connection is not None and self.connection.closed
        if is_ended and not self.in_atomic_block:
            self.close()
        super().close_if_health_check_failed()

    def is_usable(self) -> bool:
        """Return whether the connection works; query the server only after signs of a problem."""
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
    """Return whether a socket is readable; between statements that means it was closed."""
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))
