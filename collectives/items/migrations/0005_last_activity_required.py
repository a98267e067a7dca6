"""Require the time of the last activity, and index it for lists."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("items", "0004_last_activity_at")]

    operations = [
        migrations.AlterField(
            model_name="item",
            name="last_activity_at",
            field=models.DateTimeField(),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                fields=[
                    "tenant",
                    "collective",
                    "-last_activity_at",
                    "-id",
                    "kind",
                    "subtype",
                    "deleted_at",
                ],
                name="item_by_last_activity_at",
            ),
        ),
    ]
