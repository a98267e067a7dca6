from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def forget_deleted(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Clear successors that are deleted, as deleting a token now does."""
    tokens = apps.get_model("tokens", "ApiToken").unscoped
    tokens.filter(successor__deleted_at__isnull=False).update(successor=None)


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0003_token_lifetime"),
    ]

    # Nothing needs the old values, so reversing restores none.
    operations = [migrations.RunPython(forget_deleted, migrations.RunPython.noop)]
