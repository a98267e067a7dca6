from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.utils import timezone


def end_tokens_without_scopes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Delete live tokens without scopes, which `generate_token` could create."""
    tokens = apps.get_model("tokens", "ApiToken").unscoped
    now = timezone.now()
    tokens.filter(scopes=[], deleted_at=None).update(deleted_at=now, updated_at=now)


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0004_no_deleted_successors"),
    ]

    # These tokens allowed nothing, so reversing does not restore them.
    operations = [migrations.RunPython(end_tokens_without_scopes, migrations.RunPython.noop)]
