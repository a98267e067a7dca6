"""Remove the notes and the history from before items; `items` and the new table hold them."""

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
