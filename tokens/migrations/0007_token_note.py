from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0006_token_has_scopes"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="note",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
    ]
