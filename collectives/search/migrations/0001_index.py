"""Create the search index, with entries for existing items.

On SQLite, triggers keep a full-text table of grams in sync with the entries.
"""

from functools import partial

import django.db.models.deletion
from django.db import migrations, models

import collectives.search.models
from collectives.search.index.folding import fold
from collectives.search.index.grams import grams_of

BATCH = 200
# The column of the text of each kind.
TEXTS = {
    ("notes", "Note"): "text",
    ("decisions", "Decision"): "description",
    ("commitments", "Commitment"): "description",
}

POSTGRESQL = ("CREATE INDEX searchentry_grams ON search_searchentry USING gin (grams)",)
POSTGRESQL_BACK = ("DROP INDEX searchentry_grams",)

_REMOVE = (
    "INSERT INTO search_grams (search_grams, rowid, grams)"
    " VALUES ('delete', OLD.sort_key, OLD.grams);"
)
_ADD = "INSERT INTO search_grams (rowid, grams) VALUES (NEW.sort_key, NEW.grams);"
SQLITE = (
    """
    CREATE VIRTUAL TABLE search_grams USING fts5(
        grams, content='search_searchentry', content_rowid='sort_key', detail=none
    )
    """,
    f"CREATE TRIGGER searchentry_added AFTER INSERT ON search_searchentry BEGIN {_ADD} END",
    f"CREATE TRIGGER searchentry_removed AFTER DELETE ON search_searchentry BEGIN {_REMOVE} END",
    f"""
    CREATE TRIGGER searchentry_changed AFTER UPDATE OF grams ON search_searchentry
    BEGIN {_REMOVE} {_ADD} END
    """,
)
SQLITE_BACK = (
    *(f"DROP TRIGGER searchentry_{what}" for what in ("added", "removed", "changed")),
    "DROP TABLE search_grams",
)


def run(statements, apps, schema_editor):
    for statement in statements[schema_editor.connection.vendor]:
        # No parameters: SQLite takes none in a trigger.
        schema_editor.execute(statement, None)


def fill(apps, schema_editor):
    for (application, name), text in TEXTS.items():
        rows = apps.get_model(application, name)._base_manager.filter(deleted_at=None)
        found = rows.order_by("created_at", "pk").only("tenant_id", "title", text)
        batch = []
        for row in found.iterator(chunk_size=BATCH):
            batch.append(row)
            if len(batch) == BATCH:
                add(apps, batch, text)
                batch = []
        add(apps, batch, text)


def add(apps, rows, text):
    """Add the entries of items of one kind; those of decisions with the titles of options."""
    options = apps.get_model("decisions", "Option")._base_manager
    titles = {}
    found = options.filter(decision__in=[row.pk for row in rows]).order_by("created_at", "id")
    for decision_id, title in found.values_list("decision", "title"):
        titles.setdefault(decision_id, []).append(title)
    entry = apps.get_model("search", "SearchEntry")
    entries = []
    for row in rows:
        parts = [row.title, getattr(row, text), *titles.get(row.pk, ())]
        words = fold("\n".join(filter(None, parts)))
        entries.append(
            entry(
                tenant_id=row.tenant_id,
                item_id=row.pk,
                title=fold(row.title),
                grams=grams_of(words),
                words=words,
            )
        )
    entry._base_manager.bulk_create(entries, batch_size=BATCH)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0014_remove_agent_configuration"),
        ("items", "0005_last_activity_required"),
        ("notes", "0004_remove_flat_notes"),
        ("decisions", "0002_audit_append_only"),
        ("commitments", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("sort_key", models.BigAutoField(primary_key=True, serialize=False)),
                ("title", models.TextField(blank=True, default="")),
                ("grams", collectives.search.models.GramsField(blank=True, default="")),
                ("words", models.TextField(blank=True, default="")),
                (
                    "item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="search_entry",
                        to="items.item",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(class)ss",
                        to="accounts.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
                "abstract": False,
                "base_manager_name": "unscoped",
            },
            managers=[
                ("objects", models.Manager()),
                ("unscoped", models.Manager()),
            ],
        ),
        migrations.RunPython(
            partial(run, {"postgresql": POSTGRESQL, "sqlite": SQLITE}),
            partial(run, {"postgresql": POSTGRESQL_BACK, "sqlite": SQLITE_BACK}),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
