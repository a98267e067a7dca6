"""The page with all backlinks of an item, for items of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from accounts.queries import people
from collectives.items.actions import about, collective_crumb
from collectives.items.kind_queries import KindQueries
from collectives.items.kinds import kind_named
from collectives.items.models import Item
from collectives.links import queries
from collectives.links.showing import omitted, rows
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link

M = TypeVar("M", bound=Item)
# Backlinks per numbered page.
PER_PAGE = 50


def show(access: Access, item: Item) -> Mapping[str, Any]:
    page = numbered(queries.backlinks_of(access, item), access, PER_PAGE)
    known = people({item.created_by_id, *(each.created_by_id for each in page)})
    path = item.path_in(access.required_place.path)
    return {
        "item": item,
        "author": known[item.created_by_id],
        "item_path": path,
        "page": page,
        "path": f"{path}/backlinks",
        "rows": rows(page, known, access.required_place.path),
        "omitted_backlinks": omitted(access),
    }


def crumbs(access: Access, item: Item) -> list[Link]:
    shown = Link(item.shown_title, item.path_in(access.required_place.path))
    return [*collective_crumb(access, item), shown]


def backlinks_page(items: KindQueries[M]) -> Page[M]:
    """Return the page with all backlinks of an item of a kind."""
    kind = kind_named(items.model.KIND)
    return Page(
        name=f"{kind.plural}.backlinks",
        template="links/item.html",
        title=lambda access, item: f"Backlinks | {item.shown_title}",
        heading=lambda access, item: f"Backlinks: {item.shown_title}",
        find=lambda access, **ids: items.live_at(access, *ids.values()),
        show=show,
        crumbs=crumbs,
        about=about,
        access_level=AccessLevel.COLLECTIVE,
        resource=kind.plural,
    )
