"""Storing the links of a text, in the transaction that saves it."""

from __future__ import annotations

from uuid import UUID

from collectives.items.models import KindModel
from collectives.links.models import Link
from collectives.links.queries import items_at
from collectives.links.texts import Site, addresses_in, may_have_links
from collectives.models import Collective


def store_links(item: KindModel, is_new: bool) -> None:
    """Replace the links of an item with those of its current text; remaining links keep their time.

    For a new text without paths of items, no query is run.
    """
    wanted = _targets(item)
    known: set[UUID] = set()
    if not is_new:
        known = set(Link.objects.filter(source=item.id).values_list("target", flat=True))
    if gone := known.difference(wanted):
        Link.objects.filter(source=item.id, target__in=gone).delete()
    rows = [
        Link(
            tenant_id=item.tenant_id,
            collective_id=item.collective_id,
            source_id=item.id,
            target_id=target,
            created_at=item.updated_at,
        )
        for target in wanted
        if target not in known
    ]
    if rows:
        Link.objects.bulk_create(rows)


def _targets(item: KindModel) -> list[UUID]:
    """Return the other items of the collective, also deleted ones, that an item's text links to."""
    text = item.opening
    if not may_have_links(text):
        return []
    place = Collective.objects.select_related("tenant").get(id=item.collective_id)
    site = Site(place.tenant.subdomain, None if place.is_main else place.handle)
    found = items_at(place.id, addresses_in(text, site)).values()
    return list(dict.fromkeys(each.id for each in found if each.id != item.id))
