from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_event_append_only"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="access_version",
            field=models.PositiveBigIntegerField(db_default=0, default=0),
        ),
    ]
