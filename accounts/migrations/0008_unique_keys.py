"""Require the keys of addresses and handles, and make them unique."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_fill_folded_keys"),
    ]

    operations = [
        migrations.AlterField(
            "tenantuser", "handle_key", models.CharField(max_length=64, editable=False)
        ),
        migrations.AddConstraint(
            "tenantuser",
            models.UniqueConstraint(fields=["tenant", "handle_key"], name="tenantuser_handle"),
        ),
        migrations.AlterField(
            "user", "email_key", models.CharField(max_length=254, editable=False)
        ),
        migrations.RemoveConstraint("user", "user_email_any_case"),
        migrations.AddConstraint(
            "user", models.UniqueConstraint(fields=["email_key"], name="user_email_key")
        ),
    ]
