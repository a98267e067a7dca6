"""Deletion from the security log, which database triggers otherwise prevent.

The migration `0004_event_append_only` creates the triggers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_TRIGGER = "securityevent_no_delete"


@contextmanager
def deletion_allowed() -> Iterator[None]:
    """Allow the deletion of rows in one transaction. Changing rows remains impossible."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with _setting_on():
                yield
        else:
            with _trigger_lifted():
                yield


@contextmanager
def _setting_on() -> Iterator[None]:
    # The setting applies to this transaction alone, without a lock.
    _execute("SELECT set_config('harmonic.prunes_log', 'on', true)")
    yield
    _execute("SELECT set_config('harmonic.prunes_log', '', true)")


@contextmanager
def _trigger_lifted() -> Iterator[None]:
    # The trigger is dropped in the transaction, which holds the write lock of SQLite.
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [_TRIGGER])
        (definition,) = cursor.fetchone()
    _execute(f"DROP TRIGGER {_TRIGGER}")
    yield
    _execute(definition)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
