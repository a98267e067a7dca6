"""Home page of the tenant and home pages of collectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.urls import URLPattern

from accounts.queries import Person, people, tenant_admins
from collectives import queries as collectives
from collectives.cycles.actions import send_heartbeat
from collectives.cycles.presence import Presence, awaited_among, presence_here
from collectives.cycles.windows import Cycle
from collectives.feed.attention import attention
from collectives.feed.cycle import asked_cycle, cycle_href, gate_of, shown_cycle
from collectives.feed.elsewhere import elsewhere
from collectives.feed.narrowing import feed_scope, narrowed
from collectives.feed.queries import feed_of, limit_of, pinned
from collectives.items.registry import KINDS, creations, new_pages
from collectives.queries import Member
from collectives.search.language.grammar import Q_LENGTH
from harmonic.kernel.access import Access, AccessLevel, ApiState
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page, Redirection
from harmonic.kernel.registry import path_to
from harmonic.kernel.rendering.documents import Document

TEAM_SHOWN = 20
NEW_PAGES = new_pages()
# Notes are written from the page that lists them, too. The parameters of all kinds would take most
# of its document, so others are written on their own pages, which it links to.
WRITTEN_HERE = creations()[:1]


def next_since(context: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the position after this page in the changes of the collective, for `since`."""
    following = context["feed"].next_since
    return {"next_since": following} if following else {}


def links_to_new(access: Access, place: str) -> list[tuple[str, str]]:
    """Return label and path of the pages where the caller can write something new.

    `place` is the path of the collective, "" for the main collective.
    """
    return [
        (page.nav[0].label, path_to(page.name, place))
        for page in NEW_PAGES
        if page.offers(access, None, place)
    ]


# --- Home -----------------------------------------------------------------------------------


def home(access: Access, target: object) -> Mapping[str, Any]:
    feed = feed_of(access, limit=limit_of(access))
    own = collectives.own_collectives(access.user.person_id)
    return {
        "feed": feed,
        "has_kinds": len(KINDS) > 1,
        "older_href": f"/?cursor={feed.older}" if feed.older else "",
        "collectives": own,
        "awaited": awaited_among(access, own),
        # Pages of older items show the activity alone.
        "attention": attention(access, own) if feed.is_first else None,
        "elsewhere": elsewhere(access, own) if feed.is_first else [],
        "note_path": "/note",
        "new_pages": links_to_new(access, ""),
        "q_length": Q_LENGTH,
    }


HOME: Page[None] = Page(
    name="home",
    template="feed/home.html",
    title=lambda access, target: "Home",
    show=home,
    narrowed=narrowed,
    fields=next_since,
    actions=WRITTEN_HERE,
    scope=feed_scope,
    resource="notes",
    nav=(NavEntry(menu=Menu.SITE, order=0, label="Home", icon="house", has_below=False),),
)


# --- A collective ---------------------------------------------------------------------------


def place(access: Access, presence: Presence) -> Mapping[str, Any]:
    here, cycle = presence.collective, asked_cycle(access, presence)
    feed = feed_of(access, limit=limit_of(access), cycle=cycle)
    is_shared = not access.required_place.is_workspace
    team = collectives.newest_members(access.required_place.id, TEAM_SHOWN) if is_shared else []
    here_now = presence.heartbeats[:TEAM_SHOWN]
    known = people([*(row.user_id for row in team), *(each.user_id for each in here_now)])
    return {
        "collective": here,
        "feed": feed,
        "has_kinds": len(KINDS) > 1,
        "empty": "No items in this cycle." if cycle else "There are no notes yet.",
        "older_href": _older_href(access, cycle, feed.older),
        "pinned": pinned(access, None),
        "members": [Member(row, known[row.user_id]) for row in team],
        "member_count": collectives.member_count(here.id) if len(team) == TEAM_SHOWN else 0,
        "members_path": path_to("collectives.members", access.required_place.path),
        "note_path": path_to("notes.new", access.required_place.path),
        "new_pages": links_to_new(access, access.required_place.path),
        "q_length": Q_LENGTH,
        "cycles_path": path_to("cycles.index", access.required_place.path),
        "backlinks_path": path_to("links.index", access.required_place.path),
        "presence": presence,
        "people_here": [known[each.user_id] for each in here_now],
        **shown_cycle(access, presence, cycle),
        "heartbeats_path": path_to("cycles.heartbeats", access.required_place.path),
        **api_state(access),
    }


def _older_href(access: Access, cycle: Cycle | None, cursor: str) -> str:
    if not cursor:
        return ""
    if cycle:
        return cycle_href(access, cycle.name, cursor=cursor)
    return f"{access.required_place.path}?cursor={cursor}"


def shown_part(access: Access, presence: Presence) -> Document | Redirection | None:
    """Return the part of the page that is shown, or None for the whole page.

    A program that has not sent the heartbeat of this cycle is asked for it (content §10.5). It can
    search and follow changes without one. Past cycles require it of everyone.
    """
    part = narrowed(access, presence) or gate_of(access, presence)
    if part or access.format != Format.MARKDOWN or not presence.is_awaited:
        return part
    return Document(
        title=access.required_place.name,
        template="cycles/required.html",
        context={"presence": presence},
        offers=COLLECTIVE.offers(access, presence, access.path),
        scope=feed_scope(access, presence),
    )


def api_state(access: Access) -> Mapping[str, Any]:
    """Return the state of the API in a collective, and the admins who can enable it."""
    state = access.api_state
    return {"api": state, "api_admins": _who_can_enable(access, state)}


def _who_can_enable(access: Access, state: ApiState) -> Sequence[Person]:
    if state is ApiState.OFF_FOR_TENANT:
        return tenant_admins()
    return collectives.admins(access.required_place.id) if state is ApiState.OFF_HERE else []


COLLECTIVE: Page[Presence] = Page(
    name="collectives.show",
    template="feed/collective.html",
    title=lambda access, presence: access.required_place.name,
    find=presence_here,
    show=place,
    narrowed=shown_part,
    fields=next_since,
    actions=(*WRITTEN_HERE, send_heartbeat),
    scope=feed_scope,
    access_level=AccessLevel.COLLECTIVE,
    resource="notes",
    nav=(
        NavEntry(
            menu=Menu.SITE,
            order=4,
            label="Your workspace",
            icon="notebook-pen",
            path="/workspace",
        ),
        NavEntry(menu=Menu.PLACE, order=1, label="Feed", icon="newspaper", has_below=False),
    ),
)


# The address at which newer public clients expect the view of a cycle.
DASHBOARD = replace(COLLECTIVE, name="collectives.dashboard", nav=())


def urls() -> list[URLPattern]:
    return [*mount("", COLLECTIVE), *mount("dashboard", DASHBOARD)]


def home_urls() -> list[URLPattern]:
    return [*mount("", HOME)]
