from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0002_token_usage"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="full_expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
