"""The database engine for SQLite, which limits how long a request waits for a lock."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.sqlite3 import base
from django.db.backends.sqlite3.schema import DatabaseSchemaEditor
from django.db.utils import OperationalError

from harmonic.kernel.database import outages

# Seconds between two attempts to get the write lock.
PAUSE_SECONDS = 0.01


class Lock:
    """The state of the write lock as seen by this process: whether a wait for it timed out.

    The first writers wait. Later ones wait briefly, since they would occupy every thread.
    """

    is_held = False


lock = Lock()


class Cursor(base.SQLiteCursorWrapper):
    """A cursor that caches statements with SQLite's placeholders.

    Django replaces `%s` each time it executes a statement. With several joins, that takes longer
    than SQLite takes to execute the statement.
    """

    def convert_query(self, query: str, *, param_names: list[str] | None = None) -> str:
        if param_names is not None:
            return str(super().convert_query(query, param_names=param_names))
        return _with_question_marks(query)


@lru_cache(maxsize=512)
def _with_question_marks(query: str) -> str:
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


class SchemaEditor(DatabaseSchemaEditor):
    """A schema editor that rolls back when its own checks fail.

    Django's editor leaves its transaction open when a row violates a foreign key. Everything
    that uses the connection later then fails.
    """

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        try:
            if exc_type is None:
                self.connection.check_constraints()
            BaseDatabaseSchemaEditor.__exit__(self, exc_type, exc_value, traceback)
        except BaseException as error:
            if self.atomic_migration and self.atomic in self.connection.atomic_blocks:
                self.atomic.__exit__(type(error), error, error.__traceback__)
            raise
        finally:
            self.connection.enable_constraint_checking()


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that limits the wait for a lock by the `Waiting` of the request."""

    SchemaEditorClass = SchemaEditor
    _waits_for: float | None = None
    _is_beginning = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        self._waits_for = None
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        seconds = self._lock_seconds()
        if seconds != self._waits_for:
            self.connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
            self._waits_for = seconds
        return self.connection.cursor(factory=Cursor)

    def _lock_seconds(self) -> float:
        """Return how long the next statement waits for a lock, in seconds."""
        return 0 if self._is_beginning else self._patience()

    def _patience(self) -> float:
        waiting = outages.current()
        if waiting is None:
            return float(self.settings_dict["OPTIONS"]["timeout"])
        is_brief = lock.is_held or time.monotonic() > waiting.until
        return (
            min(waiting.lock_seconds, outages.BRIEF_SECONDS) if is_brief else waiting.lock_seconds
        )

    def _start_transaction_under_autocommit(self) -> None:
        """Wait for the write lock outside of SQLite.

        SQLite would sleep with the connection locked. The garbage collector of another thread
        then waits for that connection to reset its cursors, and that thread may be the one
        which holds the write lock.
        """
        until = time.monotonic() + self._patience()
        if (waiting := outages.current()) is not None:
            until = min(until, max(waiting.until, time.monotonic() + outages.BRIEF_SECONDS))
        self._is_beginning = True
        try:
            while not self._has_begun(until):
                time.sleep(PAUSE_SECONDS)
        finally:
            self._is_beginning = False

    def _has_begun(self, until: float) -> bool:
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except OperationalError as error:
            if outages.is_locked(error) and time.monotonic() < until:
                return False
            lock.is_held = outages.is_locked(error)
            raise
        lock.is_held = False
        return True
