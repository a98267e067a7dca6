"""Give agents and identities of collectives addresses that cannot be registered.

Mail to the old domain could be received by whoever registers it.
"""

from django.db import migrations
from django.db.models import Value
from django.db.models.functions import Replace

OLD, NEW = "@not-a-real-email.com", "@not-a-real-email.invalid"


def replace(apps, old, new):
    users = apps.get_model("accounts", "User").objects
    users.filter(email__endswith=old, user_type__in=("ai_agent", "collective_identity")).update(
        email=Replace("email", Value(old), Value(new)),
        email_key=Replace("email_key", Value(old), Value(new)),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_stored_bytes"),
    ]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: replace(apps, OLD, NEW),
            lambda apps, schema_editor: replace(apps, NEW, OLD),
        )
    ]
