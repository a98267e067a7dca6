"""The database itself refuses to change or delete a row of the security log.

The trigger for deletions allows the operator's pruning: `accounts/append_only.py`.
"""

from django.db import migrations

SENTENCE = "The security log is only added to."

POSTGRESQL = (
    f"""
    CREATE FUNCTION accounts_securityevent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'UPDATE' AND current_setting('harmonic.prunes_log', true) = 'on' THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER securityevent_row_stays
    BEFORE UPDATE OR DELETE ON accounts_securityevent
    FOR EACH ROW EXECUTE FUNCTION accounts_securityevent_stays()
    """,
    """
    CREATE TRIGGER securityevent_table_stays
    BEFORE TRUNCATE ON accounts_securityevent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_securityevent_stays()
    """,
)
POSTGRESQL_BACK = (
    "DROP TRIGGER securityevent_row_stays ON accounts_securityevent",
    "DROP TRIGGER securityevent_table_stays ON accounts_securityevent",
    "DROP FUNCTION accounts_securityevent_stays()",
)

SQLITE = (
    f"""
    CREATE TRIGGER securityevent_no_update BEFORE UPDATE ON accounts_securityevent
    BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END
    """,
    f"""
    CREATE TRIGGER securityevent_no_delete BEFORE DELETE ON accounts_securityevent
    BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END
    """,
    # REPLACE deletes without firing the trigger above.
    f"""
    CREATE TRIGGER securityevent_no_replace BEFORE INSERT ON accounts_securityevent
    WHEN NEW.id IN (SELECT id FROM accounts_securityevent)
    BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END
    """,  # noqa: S608 our own words
)
SQLITE_BACK = tuple(
    f"DROP TRIGGER securityevent_no_{what}" for what in ("update", "delete", "replace")
)


def guard(apps, schema_editor):
    _run(schema_editor, {"postgresql": POSTGRESQL, "sqlite": SQLITE})


def unguard(apps, schema_editor):
    _run(schema_editor, {"postgresql": POSTGRESQL_BACK, "sqlite": SQLITE_BACK})


def _run(schema_editor, statements):
    for statement in statements[schema_editor.connection.vendor]:
        # No parameters: SQLite takes none in a trigger.
        schema_editor.execute(statement, None)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_event_keeps_ids"),
    ]

    operations = [migrations.RunPython(guard, unguard)]
