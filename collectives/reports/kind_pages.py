"""The page for reporting an item, for items of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from accounts.queries import people
from collectives.items.actions import about, collective_crumb
from collectives.items.kind_queries import KindQueries
from collectives.items.kinds import kind_named
from collectives.items.models import Item
from collectives.items.rules import noun
from collectives.reports.actions import report_content
from collectives.reports.rules import is_to_report, may_report
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Forbidden, Link
from harmonic.kernel.rendering.text import preview

M = TypeVar("M", bound=Item)


def show(access: Access, item: Item) -> Mapping[str, Any]:
    return {
        "item": item,
        "noun": noun(item),
        "author": people([item.created_by_id])[item.created_by_id],
        "content": preview(f"{item.title}\n{item.opening}"),
        "item_path": item.path_in(access.required_place.path),
        "is_reported": not is_to_report(access, item),
    }


def require_reporter(access: Access, item: Item) -> None:
    """Refuse the author of an item.

    Raises:
        Forbidden: the caller is the author.
    """
    if denied := may_report(access, item):
        raise Forbidden.because(denied)


def crumbs(access: Access, item: Item) -> list[Link]:
    shown = Link(item.shown_title, item.path_in(access.required_place.path))
    return [*collective_crumb(access, item), shown]


def report_page(items: KindQueries[M]) -> Page[M]:
    """Return the page for reporting an item of a kind."""
    kind = kind_named(items.model.KIND)
    return Page(
        name=f"{kind.plural}.report",
        template="reports/new.html",
        title=lambda access, item: "Report Content",
        find=lambda access, **ids: items.live_at(access, *ids.values()),
        guard=require_reporter,
        show=show,
        crumbs=crumbs,
        about=about,
        actions=(report_content,),
        access_level=AccessLevel.COLLECTIVE,
        resource=kind.plural,
    )
