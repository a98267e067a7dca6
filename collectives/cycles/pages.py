"""Pages of cycles and heartbeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from accounts.queries import people
from collectives.cycles import overview, showing
from collectives.cycles.actions import create_heartbeat, post_heartbeat, send_heartbeat
from collectives.cycles.presence import Presence, presence_here
from collectives.cycles.queries import cycle_here
from collectives.cycles.rules import NO_HEARTBEATS
from collectives.cycles.windows import Cycle
from collectives.items.actions import collective_crumb
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page, redirect, require_read_method, with_rule
from harmonic.kernel.refusals import Link, NotFound
from harmonic.kernel.registry import path_to

# --- All cycles -----------------------------------------------------------------------------

CYCLES: Page[Presence] = Page(
    name="cycles.index",
    template="cycles/index.html",
    title=lambda access, presence: "Cycles",
    find=presence_here,
    show=overview.show,
    crumbs=collective_crumb,
    actions=(send_heartbeat,),
    access_level=AccessLevel.COLLECTIVE,
    resource="cycles",
    nav=(NavEntry(menu=Menu.PLACE, order=5, label="Cycles", icon="calendar-days"),),
)


# --- One cycle ------------------------------------------------------------------------------


def cycle_at(access: Access, cycle_name: str) -> Cycle:
    """Return the cycle that a path names.

    Raises:
        NotFound: no cycle has this name.
    """
    cycle = cycle_here(access, cycle_name)
    if cycle is None:
        raise NotFound(
            "Cycle not found",
            hint="Cycles have names such as today, last-week, this-month and 3-days-ago.",
            links=[Link("Cycles", path_to("cycles.index", access.required_place.path))],
        )
    return cycle


def cycle_crumbs(access: Access, cycle: Cycle) -> list[Link]:
    index = Link("Cycles", path_to("cycles.index", access.required_place.path))
    return [*collective_crumb(access, cycle), index]


CYCLE: Page[Cycle] = Page(
    name="cycles.show",
    template="cycles/show.html",
    title=lambda access, cycle: cycle.time_window,
    find=cycle_at,
    show=showing.show,
    crumbs=cycle_crumbs,
    access_level=AccessLevel.COLLECTIVE,
    resource="cycles",
)


def old_address(request: AccessRequest, cycle_name: str) -> HttpResponse:
    """Redirect from the address that public clients use."""
    require_read_method(request)
    access = request.access
    return redirect(
        access, path_to("cycles.show", access.required_place.path, cycle_name=cycle_name)
    )


# --- Heartbeats -----------------------------------------------------------------------------


def kept_presence(access: Access) -> Presence:
    """Return the presence in a collective that has heartbeats.

    Raises:
        NotFound: the collective is the main one or a private workspace.
    """
    presence = presence_here(access)
    if not presence.is_kept:
        raise NotFound(NO_HEARTBEATS.reason, hint=NO_HEARTBEATS.hint)
    return presence


def heartbeats(access: Access, presence: Presence) -> Mapping[str, Any]:
    known = people(each.user_id for each in presence.others)
    return {
        "presence": presence,
        "others": [(known[each.user_id], each.created_at) for each in presence.others],
        "cycle_path": path_to(
            "cycles.show", access.required_place.path, cycle_name=presence.cycle.name
        ),
    }


HEARTBEATS: Page[Presence] = Page(
    name="cycles.heartbeats",
    template="cycles/heartbeats.html",
    title=lambda access, presence: "Heartbeats",
    find=kept_presence,
    show=heartbeats,
    crumbs=collective_crumb,
    actions=(create_heartbeat,),
    writes={"POST": post_heartbeat},
    access_level=AccessLevel.COLLECTIVE,
)


# --- Routes ---------------------------------------------------------------------------------


def urls() -> list[URLPattern]:
    """Return the routes that every collective has."""
    return [
        *mount("cycles", CYCLES),
        *mount("cycles/<str:cycle_name>", CYCLE),
        path("cycle/<str:cycle_name>", with_rule(old_address, CYCLE.rule), name="cycles.old"),
    ]


def inside_urls() -> list[URLPattern]:
    """Return the routes that all collectives except the main one have."""
    return mount("heartbeats", HEARTBEATS)
