"""Store the links in the texts of existing items, in batches.

Their time is the last change of the item that has them.
"""

from collections.abc import Iterable
from typing import Any

from django.db import migrations

from collectives.links.texts import Site, addresses_in, may_have_links

BATCH = 200
# The columns of the texts whose links count, by the models of the kinds.
TEXTS = {
    ("notes", "Note"): "text",
    ("decisions", "Decision"): "description",
    ("commitments", "Commitment"): "description",
}


def fill(apps: Any, schema_editor: Any) -> None:
    for (app, name), column in TEXTS.items():
        rows = apps.get_model(app, name).objects.order_by("pk").values_list("pk", column)
        batch = []
        for item_id, text in rows.iterator(chunk_size=BATCH):
            if may_have_links(text):
                batch.append((item_id, text))
            if len(batch) == BATCH:
                store(apps, batch)
                batch = []
        store(apps, batch)


def store(apps: Any, texts: Iterable[tuple[Any, str]]) -> None:
    """Store the links of some texts."""
    items, links = apps.get_model("items", "Item"), apps.get_model("links", "Link")
    found = dict(texts)
    made = []
    for source in items.objects.filter(id__in=found).select_related("collective__tenant"):
        place = source.collective
        site = Site(place.tenant.subdomain, None if place.is_main else place.handle)
        addresses = addresses_in(found[source.id], site)
        there = items.objects.filter(
            collective=place, truncated_id__in={each.item_id[:8] for each in addresses}
        )
        known = {}
        for target in there.exclude(id=source.id):
            for item_id in (target.truncated_id, str(target.id)):
                known[target.kind, item_id] = target.id
        made += [
            links(
                tenant_id=source.tenant_id,
                collective_id=place.id,
                source_id=source.id,
                target_id=target_id,
                created_at=source.updated_at,
            )
            for target_id in dict.fromkeys(known[each] for each in addresses if each in known)
        ]
    links.objects.bulk_create(made, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        ("links", "0001_links"),
        ("notes", "0004_remove_flat_notes"),
        ("decisions", "0002_audit_append_only"),
        ("commitments", "0001_initial"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
