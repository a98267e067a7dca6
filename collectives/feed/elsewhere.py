"""The newest items of the caller's collectives other than the main one, for the home page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from accounts.queries import Person, people
from collectives.items import queries as items
from collectives.items.models import COMMENT, STATEMENT, Item
from collectives.models import Collective
from harmonic.kernel.access import Access
from harmonic.kernel.rendering.text import preview

SHOWN = 5
# Older items are not looked for, so that the work has a bound.
RECENT = timedelta(days=30)
TITLE_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An item of another collective."""

    item: Item
    title: str
    path: str
    author: Person
    place: Collective


def elsewhere(access: Access, collectives: Sequence[Collective]) -> list[Elsewhere]:
    """Return the newest items of the caller's collectives, which `collectives` has by name."""
    places = {place.id: place for place in collectives}
    shown = items.in_feed(_newest_ids(access, list(places))) if places else ()
    known = people(item.created_by_id for item in shown) if shown else {}
    return [
        Elsewhere(
            item,
            preview(item.shown_title, TITLE_SHOWN),
            item.path_in(places[item.collective_id].path),
            known[item.created_by_id],
            places[item.collective_id],
        )
        for item in shown
    ]


def _newest_ids(access: Access, places: Sequence[UUID]) -> list[UUID]:
    # As `standalone` does, but by columns that are in the index, so that no rows are read.
    listed = Item.objects.visible_to(access).exclude(subtype__in=(COMMENT, STATEMENT))
    recent = listed.filter(created_at__gte=access.now - RECENT, collective__in=places)
    return list(recent.order_by("-created_at", "-id").values_list("id", flat=True)[:SHOWN])
