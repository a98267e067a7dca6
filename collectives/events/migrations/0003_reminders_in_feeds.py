"""Index the deliveries of reminders in a collective, which feeds list."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0002_fill_events"), ("items", "0006_tombstoned_at")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(verb="reminder"),
                fields=["tenant", "collective", "-happened_at", "-id", "item"],
                name="event_reminder",
            ),
        ),
    ]
