"""Pages of items of every kind: an item and the form for a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from django.http import HttpResponse, JsonResponse

from accounts.queries import people
from collectives.items.actions import about, collective_crumb, version_of
from collectives.items.kind_queries import KindQueries
from collectives.items.kinds import kind_named
from collectives.items.models import Item
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.actions import Action
from harmonic.kernel.http.methods import method_not_allowed
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import NavEntry
from harmonic.kernel.pages import Page, RoutedView, require_read_method, with_rule
from harmonic.kernel.parameters.decoding import read_params, validated
from harmonic.kernel.parameters.fields import Flag, Params
from harmonic.kernel.pipeline import Call, perform
from harmonic.kernel.refusals import Invalid, Unreadable
from harmonic.kernel.rendering.documents import keep_private

M = TypeVar("M", bound=Item)
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
    also: tuple[Action[None], ...] = (),
    show: Show | None = None,
    template: str = "items/new.html",
    title: str = "",
    nav: tuple[NavEntry, ...] = (),
) -> Page[None]:
    """Return the page with the form that creates an item. Its title is by default the kind.

    `also` are further actions that create items of the kind, and `show` adds to the context.
    """
    kind = kind_named(queries.model.KIND)
    return Page(
        nav=nav,
        name=f"{kind.page.partition('.')[0]}.new",
        template=template,
        title=lambda access, target: title or kind.name,
        heading=lambda access, target: f"New {kind.name}",
        show=lambda access, target: {
            "kind": kind.name,
            "home": access.required_place.path or "/",
            "visibility": VISIBILITY[access.required_place.audience],
            "create": action.name,
            **(show(access, target) if show else {}),
        },
        crumbs=collective_crumb,
        actions=(action, *also),
        writes={"POST": action},
        access_level=AccessLevel.COLLECTIVE,
        resource=resource,
    )


# --- JSON for scripts -----------------------------------------------------------------------


class PinParams(Params):
    pinned = Flag(help_text="true to pin, false to unpin.")


def metric_view(page: Page[M], metric: Callable[[Access, M], tuple[int, str]]) -> RoutedView:
    """Return the view of the number of an item of a page; `metric` returns it and its noun."""

    def view(request: AccessRequest, **kwargs: str) -> HttpResponse:
        require_read_method(request)
        count, noun = metric(request.access, page.find(request.access, **kwargs))
        return _json({"metric_title": f"{count} {noun}", "metric_value": count})

    return with_rule(view, page.rule)


def pin_view(page: Page[M], pin: Action[Item], unpin: Action[Item]) -> RoutedView:
    """Return the view that pins or unpins an item of a page, depending on `pinned`."""

    def view(request: AccessRequest, **kwargs: str) -> HttpResponse:
        if request.method != "PUT":
            raise method_not_allowed("PUT")
        try:
            pinned = validated(PinParams, read_params(request))["pinned"]
        except Invalid as invalid:
            raise Unreadable("pinned must be true or false") from invalid
        find = partial(page.find, **kwargs)
        perform(Call(action=pin if pinned else unpin, find=find), request.access)
        return _json({"pinned": pinned, "click_title": "Unpin" if pinned else "Pin"})

    return with_rule(view, page.rule)


def _json(body: dict[str, Any]) -> HttpResponse:
    response = JsonResponse(body)
    keep_private(response)
    return response
