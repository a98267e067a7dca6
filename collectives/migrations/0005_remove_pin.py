"""Drop the table of pins that refer to an item by type and id. `items` has its rows."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("collectives", "0004_invite_revoked"),
        ("items", "0002_fill_items"),
    ]

    operations = [migrations.DeleteModel(name="Pin")]
