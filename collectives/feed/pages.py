"""Home page of the tenant and home pages of collectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import URLPattern

from accounts.queries import Person, tenant_admins
from collectives import queries as collectives
from collectives.feed.attention import attention
from collectives.feed.narrowing import feed_scope, narrowed
from collectives.feed.queries import feed_of, limit_of, pinned
from collectives.items.registry import KINDS, creations
from collectives.items.search import Q_LENGTH
from harmonic.kernel.access import Access, AccessLevel, ApiState
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page
from harmonic.kernel.registry import path_to

TEAM_SHOWN = 20
# Every kind of items can be created from the page that lists them.
CREATIONS = creations()


def next_since(context: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the position after this page in the changes of the collective, for `since`."""
    feed = context["feed"]
    return {"next_since": feed.next_since} if feed.is_first else {}


# --- Home -----------------------------------------------------------------------------------


def home(access: Access, target: None) -> Mapping[str, Any]:
    feed = feed_of(access, limit=limit_of(access))
    own = collectives.own_collectives(access.user.person_id)
    return {
        "feed": feed,
        "has_kinds": len(KINDS) > 1,
        "older_href": f"/?cursor={feed.older}" if feed.older else "",
        "collectives": own,
        # Pages of older items show the activity alone.
        "attention": attention(access, own) if feed.is_first else None,
        "note_path": "/note",
        "q_length": Q_LENGTH,
    }


HOME = Page(
    name="home",
    template="feed/home.html",
    title=lambda access, target: "Home",
    show=home,
    narrowed=narrowed,
    fields=next_since,
    actions=CREATIONS,
    scope=feed_scope,
    resource="notes",
    nav=(NavEntry(menu=Menu.SITE, order=0, label="Home", icon="house", has_below=False),),
)


# --- A collective ---------------------------------------------------------------------------


def place(access: Access, target: None) -> Mapping[str, Any]:
    here = collectives.current_collective(access)
    feed = feed_of(access, limit=limit_of(access))
    is_shared = not access.required_place.is_workspace
    members = collectives.members(access.required_place.id, TEAM_SHOWN) if is_shared else []
    return {
        "collective": here,
        "feed": feed,
        "has_kinds": len(KINDS) > 1,
        "older_href": f"{access.required_place.path}?cursor={feed.older}" if feed.older else "",
        "pinned": pinned(access, None),
        "members": members,
        "member_count": collectives.member_count(here.id) if len(members) == TEAM_SHOWN else 0,
        "members_path": path_to("collectives.members", access.required_place.path),
        "note_path": path_to("notes.new", access.required_place.path),
        "q_length": Q_LENGTH,
        **api_state(access),
    }


def api_state(access: Access) -> Mapping[str, Any]:
    """Return the state of the API in a collective, and the admins who can enable it."""
    state = access.api_state
    return {"api": state, "api_admins": _who_can_enable(access, state)}


def _who_can_enable(access: Access, state: ApiState) -> Sequence[Person]:
    if state is ApiState.OFF_FOR_TENANT:
        return tenant_admins()
    return collectives.admins(access.required_place.id) if state is ApiState.OFF_HERE else []


COLLECTIVE = Page(
    name="collectives.show",
    template="feed/collective.html",
    title=lambda access, target: access.required_place.name,
    show=place,
    narrowed=narrowed,
    fields=next_since,
    actions=CREATIONS,
    scope=feed_scope,
    access_level=AccessLevel.COLLECTIVE,
    resource="notes",
    nav=(
        NavEntry(
            menu=Menu.SITE,
            order=3,
            label="Your workspace",
            icon="notebook-pen",
            path="/workspace",
        ),
        NavEntry(menu=Menu.PLACE, order=1, label="Feed", icon="newspaper", has_below=False),
    ),
)


def urls() -> list[URLPattern]:
    return mount("", COLLECTIVE)


def home_urls() -> list[URLPattern]:
    return [*mount("", HOME)]
