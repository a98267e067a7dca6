"""The page with the most linked items of a collective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern

from accounts.queries import people
from collectives.items.actions import collective_crumb
from collectives.links import queries
from collectives.links.showing import rows
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page


def show(access: Access, target: object) -> Mapping[str, Any]:
    linked = queries.most_linked(access)
    known = people(each.item.created_by_id for each in linked)
    shown = rows((each.item for each in linked), known, access.required_place.path)
    return {"linked": [(row, each.count) for row, each in zip(shown, linked, strict=True)]}


BACKLINKS: Page[None] = Page(
    name="links.index",
    template="links/index.html",
    title=lambda access, target: "Backlinks",
    show=show,
    crumbs=collective_crumb,
    access_level=AccessLevel.COLLECTIVE,
    nav=(NavEntry(menu=Menu.PLACE, order=6, label="Backlinks", icon="link"),),
)


def urls() -> list[URLPattern]:
    """Return the routes below the prefix of a collective."""
    return mount("backlinks", BACKLINKS)
