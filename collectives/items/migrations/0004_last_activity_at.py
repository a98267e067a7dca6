"""Add the time of an item's last activity: its own last change, or that of a comment below it."""

from django.db import migrations, models

FILL = [
    "UPDATE items_item SET last_activity_at = updated_at",
    "UPDATE items_item SET last_activity_at = newest.moment FROM ("
    " SELECT root_id, MAX(updated_at) AS moment FROM items_item"
    " WHERE root_id IS NOT NULL GROUP BY root_id"
    ") newest WHERE items_item.id = newest.root_id AND newest.moment > items_item.updated_at",
]


class Migration(migrations.Migration):
    dependencies = [("items", "0003_remove_history_event")]

    operations = [
        migrations.AddField(
            model_name="item",
            name="last_activity_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
