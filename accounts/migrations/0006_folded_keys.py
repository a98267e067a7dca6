"""Add the keys of addresses and handles, to be filled by the next migration.

The database made the key of a handle by `LOWER`, which depends on its locale. The application
makes both keys now (`docs/decisions/`, 0013).
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_tenant_access_version"),
    ]

    operations = [
        migrations.RemoveConstraint("tenantuser", "tenantuser_handle"),
        migrations.RemoveField("tenantuser", "handle_key"),
        migrations.AddField(
            "tenantuser", "handle_key", models.CharField(max_length=64, null=True, editable=False)
        ),
        migrations.AddField(
            "user", "email_key", models.CharField(max_length=254, null=True, editable=False)
        ),
    ]
