"""Deletion from logs that are only added to, which database triggers otherwise prevent.

The migrations `0004_event_append_only` (security log) and `decisions/0002_audit_append_only` create
the triggers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_TRIGGERS = ("securityevent_no_delete", "decisions_auditentry_no_delete")


@contextmanager
def deletion_allowed() -> Iterator[None]:
    """Allow the deletion of rows in one transaction. Changing rows remains impossible."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with _setting_on():
                yield
        else:
            with _triggers_lifted():
                yield


@contextmanager
def _setting_on() -> Iterator[None]:
    # The setting applies to this transaction alone, without a lock.
    _execute("SELECT set_config('harmonic.prunes_log', 'on', true)")
    yield
    _execute("SELECT set_config('harmonic.prunes_log', '', true)")


@contextmanager
def _triggers_lifted() -> Iterator[None]:
    # The triggers are dropped in the transaction, which holds the write lock of SQLite.
    names = ", ".join(f"'{name}'" for name in _TRIGGERS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name, sql FROM sqlite_master WHERE name IN ({names})")  # noqa: S608
        definitions = dict(cursor.fetchall())
    for name in definitions:
        _execute(f"DROP TRIGGER {name}")
    yield
    for definition in definitions.values():
        _execute(definition)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
