from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0007_token_note"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="client_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
    ]
