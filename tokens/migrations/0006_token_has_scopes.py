from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0005_end_tokens_without_scopes"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                name="token_has_scopes",
                condition=models.Q(deleted_at__isnull=False) | ~models.Q(scopes=[]),
            ),
        ),
    ]
