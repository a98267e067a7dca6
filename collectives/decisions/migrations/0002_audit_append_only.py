"""Make audit chains append-only in the database.

Only the columns that identify an actor can be blanked, which erasing an account does. Deletion is
allowed by the same setting as in the security log (`accounts/append_only.py`).
"""

from django.db import migrations

SENTENCE = "The audit chain is only added to."
KEPT = (
    *("id", "tenant_id", "decision_id", "sequence_number", "schema_version", "action"),
    *("actor_token", "option_title", "accepted", "preferred", "metadata"),
    *("previous_hash", "entry_hash", "created_at"),
)
BLANKED = (
    ("actor_id", "NULL"),
    ("actor_handle", "'[deleted account]'"),
    ("actor_token_salt", "''"),
)


def is_blanking(same):
    """Return the SQL condition of an allowed change; `same` compares two values, NULL included."""
    kept = [f"NEW.{name} {same} OLD.{name}" for name in KEPT]
    blanked = [
        f"(NEW.{name} {same} OLD.{name} OR NEW.{name} {same} {blank})" for name, blank in BLANKED
    ]
    return " AND ".join([*kept, *blanked])


POSTGRESQL = (
    f"""
    CREATE FUNCTION decisions_auditentry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF {is_blanking("IS NOT DISTINCT FROM")} THEN
                RETURN NEW;
            END IF;
        ELSIF current_setting('harmonic.prunes_log', true) = 'on' THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER decisions_auditentry_row_stays
    BEFORE UPDATE OR DELETE ON decisions_auditentry
    FOR EACH ROW EXECUTE FUNCTION decisions_auditentry_stays()
    """,
    """
    CREATE TRIGGER decisions_auditentry_table_stays
    BEFORE TRUNCATE ON decisions_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION decisions_auditentry_stays()
    """,
)
POSTGRESQL_BACK = (
    "DROP TRIGGER decisions_auditentry_row_stays ON decisions_auditentry",
    "DROP TRIGGER decisions_auditentry_table_stays ON decisions_auditentry",
    "DROP FUNCTION decisions_auditentry_stays()",
)

SQLITE = (
    f"""
    CREATE TRIGGER decisions_auditentry_no_update BEFORE UPDATE ON decisions_auditentry
    WHEN NOT ({is_blanking("IS")})
    BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END
    """,
    f"""
    CREATE TRIGGER decisions_auditentry_no_delete BEFORE DELETE ON decisions_auditentry
    BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END
    """,
    # REPLACE deletes without firing the trigger above.
    f"""
    CREATE TRIGGER decisions_auditentry_no_replace BEFORE INSERT ON decisions_auditentry
    WHEN NEW.id IN (SELECT id FROM decisions_auditentry)
    BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END
    """,  # noqa: S608 our own words
)
SQLITE_BACK = tuple(
    f"DROP TRIGGER decisions_auditentry_no_{what}" for what in ("update", "delete", "replace")
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
        ("decisions", "0001_initial"),
    ]

    operations = [migrations.RunPython(guard, unguard)]
