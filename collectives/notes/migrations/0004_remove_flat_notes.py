"""Drop the old tables of notes and history. `items` and the new table have their rows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("items", "0002_fill_items"),
        ("notes", "0003_notes_beside_items"),
    ]

    operations = [
        migrations.DeleteModel(name="NoteHistoryEvent"),
        migrations.DeleteModel(name="FlatNote"),
    ]
