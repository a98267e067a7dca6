"""Letting the operator delete from the security log, which the database refuses to all others.

Its triggers are those of the migration `0004_event_append_only`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_TRIGGER = "securityevent_no_delete"


@contextmanager
def deletion_allowed() -> Iterator[None]:
    """Let rows of the log be deleted inside one transaction; changing one is refused still."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with _setting_on():
                yield
        else:
            with _trigger_lifted():
                yield


@contextmanager
def _setting_on() -> Iterator[None]:
    # The transaction's own: no lock is taken, and nobody else may delete meanwhile.
    _execute("SELECT set_config('harmonic.prunes_log', 'on', true)")
    yield
    _execute("SELECT set_config('harmonic.prunes_log', '', true)")


@contextmanager
def _trigger_lifted() -> Iterator[None]:
    # Dropping it is part of the transaction, which holds SQLite's one write lock.
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [_TRIGGER])
        (definition,) = cursor.fetchone()
    _execute(f"DROP TRIGGER {_TRIGGER}")
    yield
    _execute(definition)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
