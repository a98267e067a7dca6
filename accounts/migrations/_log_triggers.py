"""Let a migration change rows of the security log; the database refuses all other changes."""

from contextlib import contextmanager

TABLE = "accounts_securityevent"
POSTGRESQL = "ALTER TABLE {table} {verb} TRIGGER securityevent_row_stays"
SQLITE = "securityevent_no_update"


@contextmanager
def aside(schema_editor):
    """Lift the trigger against changes inside the migration's transaction."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL.format(table=TABLE, verb="DISABLE"))
        yield
        schema_editor.execute(POSTGRESQL.format(table=TABLE, verb="ENABLE"))
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [SQLITE])
        (definition,) = cursor.fetchone()
    schema_editor.execute(f"DROP TRIGGER {SQLITE}", None)
    yield
    schema_editor.execute(definition, None)
