"""Pages of items of every kind: an item and the form for a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from accounts.queries import people
from collectives.items.actions import about, collective_crumb, version_of
from collectives.items.kind_queries import KindQueries
from collectives.items.kinds import kind_named
from collectives.items.models import Item
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.actions import Action
from harmonic.kernel.navigation import NavEntry
from harmonic.kernel.pages import Page

VISIBILITY = {
    "public": "publicly visible: every member of this tenant can read it",
    "shared": "Only members of this collective can read it",
    "private": "Only you can read it",
}
Show = Callable[[Access, Any], Mapping[str, Any]]


def item_page(
    queries: KindQueries[Any],
    template: str,
    *,
    resource: str,
    actions: tuple[Action[Any], ...],
    show: Show | None = None,
) -> Page[Any]:
    """Return the page of an item. Its template has `item`, `author` and the context of `show`.

    Deleted items are not found. A kind that shows them has its own page (`notes.pages`).
    """

    def shown(access: Access, item: Item) -> Mapping[str, Any]:
        author = people([item.created_by_id])[item.created_by_id]
        return {"item": item, "author": author, **(show(access, item) if show else {})}

    return Page(
        name=kind_named(queries.model.KIND).page,
        template=template,
        title=lambda access, item: item.shown_title,
        find=lambda access, item_id: queries.live_at(access, item_id),
        show=shown,
        crumbs=collective_crumb,
        about=about,
        version=version_of,
        actions=actions,
        access_level=AccessLevel.COLLECTIVE,
        resource=resource,
    )


def new_page(
    queries: KindQueries[Any],
    *,
    resource: str,
    action: Action[None],
    template: str = "items/new.html",
    nav: tuple[NavEntry, ...] = (),
) -> Page[None]:
    """Return the page with the form that creates an item."""
    kind = kind_named(queries.model.KIND)
    return Page(
        nav=nav,
        name=f"{kind.page.partition('.')[0]}.new",
        template=template,
        title=lambda access, target: kind.name,
        heading=lambda access, target: f"New {kind.name}",
        show=lambda access, target: {
            "home": access.required_place.path or "/",
            "visibility": VISIBILITY[access.required_place.audience],
            "create": action.name,
        },
        crumbs=collective_crumb,
        actions=(action,),
        writes={"POST": action},
        access_level=AccessLevel.COLLECTIVE,
        resource=resource,
    )
