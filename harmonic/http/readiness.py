"""Readiness of the process: the database is reachable and fully migrated."""

from __future__ import annotations

from functools import cache

from django.db import Error
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from harmonic.kernel.database import outages

AWAY = "The database cannot be reached."
BEHIND = "The database has unapplied migrations. Run: manage.py migrate"


def problem() -> str:
    """Return the reason why the process is not ready, or "". It takes one query."""
    try:
        with outages.waiting(connect_seconds=0):
            rows = MigrationRecorder.Migration.objects.values_list("app", "name")
            applied = set(rows)
    except Error as error:
        return AWAY if outages.is_outage(error) else BEHIND
    return "" if _last_migrations() <= applied else BEHIND


@cache
def _last_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of each application, which is applied after all others."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())
