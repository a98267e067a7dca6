"""Remove the history from before events; `events` has it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("items", "0002_fill_items"), ("events", "0002_fill_events")]

    operations = [migrations.DeleteModel(name="HistoryEvent")]
