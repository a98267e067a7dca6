"""The statistics by which SQLite chooses indexes. PostgreSQL keeps its own."""

from __future__ import annotations

from django.db import connection, transaction

# The rows of an index that are read. With more, the statistics would hardly be better.
SAMPLED = 1_000


def update_statistics() -> None:
    """Count the rows of SQLite's tables and indexes anew.

    Without these, SQLite assumes that a tenant has ten items, and reads all of them to find a few.
    Connections load them with the schema, so they are stored in a new table.
    """
    if connection.vendor != "sqlite":
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit = {SAMPLED}")
        for table in ("sqlite_stat1", "sqlite_stat4"):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute("ANALYZE")
