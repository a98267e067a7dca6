"""Fill the columns that the security log is filtered by from the data of its events.

It disables the triggers that prevent changes while it runs. Going back leaves the columns filled.
"""

from django.db import migrations

from accounts.migrations import _log_triggers
from harmonic.kernel.rendering.text import folded

STEP = 1000
COLUMNS = {"token": "token_id", "successor": "successor_id", "by_token": "by_token_id"}


def fill(apps, schema_editor):
    event = apps.get_model("accounts", "SecurityEvent")
    rows = event.objects.using(schema_editor.connection.alias).order_by("id")
    with _log_triggers.aside(schema_editor):
        found = list(rows.values_list("id", "data")[:STEP])
        while found:
            for row_id, data in found:
                if values := _values(data):
                    rows.filter(id=row_id).update(**values)
            found = list(rows.filter(id__gt=found[-1][0]).values_list("id", "data")[:STEP])


def _values(data):
    values = {column: data[key] for column, key in COLUMNS.items() if data.get(key)}
    people = data.get("people", {})
    handles = {
        f"{part}_handle": folded(people[part]["handle"])
        for part in ("user", "subject")
        if part in people
    }
    return {**values, **handles}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_event_filters"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
