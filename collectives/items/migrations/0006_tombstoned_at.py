"""Add when the content of a deleted note was erased, and the index of those to erase."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("items", "0005_last_activity_required")]

    operations = [
        migrations.AddField(
            model_name="item",
            name="tombstoned_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(hard_delete_after__isnull=False, tombstoned_at__isnull=True),
                fields=["tenant", "hard_delete_after"],
                name="item_to_erase",
            ),
        ),
    ]
