"""Drop the old table of history. `events` has its rows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("items", "0002_fill_items"), ("events", "0002_fill_events")]

    operations = [migrations.DeleteModel(name="HistoryEvent")]
