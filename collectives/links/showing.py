"""The backlinks on the pages of items, and the links in their texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.queries import People, Person
from collectives.items.models import Item
from collectives.links.queries import SHOWN, items_at, newest_backlinks_of, unreadable_kinds
from collectives.links.texts import (
    MAX_LINKS,
    Address,
    Site,
    address_of,
    addresses_in,
    may_have_links,
)
from harmonic.kernel.access import Access
from harmonic.kernel.http.negotiation import Format


@dataclass(frozen=True, slots=True)
class Row:
    """An item in a list of linked items."""

    kind: str
    title: str
    path: str
    author: Person


def rows(items: Iterable[Item], known: People, place_path: str) -> list[Row]:
    """Return items as templates list them, with authors from `known`."""
    return [
        Row(item.kind, item.shown_title, item.path_in(place_path), known[item.created_by_id])
        for item in items
    ]


def omitted(access: Access) -> list[str]:
    """Return the resources whose items are left out because of the token's scopes."""
    return [kind.plural for kind in unreadable_kinds(access)]


@dataclass(frozen=True, slots=True)
class Backlinks:
    """The newest backlinks of an item, whose authors are not loaded yet."""

    access: Access
    item: Item
    found: Sequence[Item]

    @property
    def author_ids(self) -> set[UUID]:
        return {item.created_by_id for item in self.found[:SHOWN]}

    def context(self, known: People) -> Mapping[str, Any]:
        """Return the context of `links/_backlinks.html`."""
        place_path = self.access.required_place.path
        is_cut = len(self.found) > SHOWN
        path = f"{self.item.path_in(place_path)}/backlinks"
        return {
            "backlinks": rows(self.found[:SHOWN], known, place_path),
            "all_backlinks_path": path if is_cut else "",
            "omitted_backlinks": omitted(self.access),
        }


def backlinks_shown(access: Access, item: Item) -> Backlinks:
    """Return the backlinks that the page of an item shows. A deleted item has none."""
    has_any = item.has_backlinks and not item.is_deleted
    return Backlinks(access, item, newest_backlinks_of(access, item) if has_any else [])


# --- Links in texts -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ItemLinks:
    """The items that the texts of an HTML page link to."""

    site: Site
    known: Mapping[Address, Item]

    def label(self, url: str) -> str:
        """Return the short path of the item at a URL or path, or ""."""
        address = address_of(url, self.site)
        item = self.known.get(address) if address else None
        return item.path_in("").lstrip("/") if item else ""


def item_links(access: Access, texts: Iterable[str]) -> ItemLinks | None:
    """Return at most `MAX_LINKS` items that texts link to, or None if the texts have no links."""
    place = access.required_place
    candidates = [text for text in texts if may_have_links(text)]
    if access.format != Format.HTML or not candidates:
        return None
    site = Site(access.tenant.subdomain, None if place.is_main else place.handle)
    named = dict.fromkeys(each for text in candidates for each in addresses_in(text, site))
    found = items_at(place.id, tuple(named)[:MAX_LINKS])
    return ItemLinks(site, {at: item for at, item in found.items() if not item.is_deleted})
