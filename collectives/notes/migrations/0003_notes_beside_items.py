"""Create the table of notes that extends items. The old table keeps its rows for now."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

import harmonic.kernel.database.functions


class Migration(migrations.Migration):
    dependencies = [
        ("items", "0001_initial"),
        ("notes", "0002_size_and_indexes"),
    ]

    operations = [
        migrations.RenameModel(old_name="Note", new_name="FlatNote"),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        related_name="%(class)s",
                        serialize=False,
                        to="items.item",
                    ),
                ),
                (
                    "edit_access",
                    models.CharField(
                        choices=[("owner", "Owner"), ("members", "Members")],
                        default="owner",
                        max_length=8,
                    ),
                ),
                (
                    "size",
                    models.GeneratedField(
                        db_persist=True,
                        expression=harmonic.kernel.database.functions.Bytes("text"),
                        output_field=models.BigIntegerField(),
                    ),
                ),
                ("text", models.TextField()),
            ],
            options={"base_manager_name": "unscoped"},
            bases=("items.item",),
            managers=[
                ("objects", django.db.models.manager.Manager()),
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
