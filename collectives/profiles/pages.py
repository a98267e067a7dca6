"""Profile pages of people and agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern

from accounts.models import TenantUser
from accounts.queries import agents_of, people, person_at
from collectives import queries as collectives
from collectives.feed.queries import feed_of, pinned
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import NotFound

COMMON_SHOWN = 20
ACTIVITY_SHOWN = 20


def profile(access: Access, person: TenantUser) -> Mapping[str, Any]:
    me = access.user
    is_self = person.user_id == me.user_id
    # Only collectives that the viewer belongs to are named.
    common = [] if is_self else collectives.common_collectives(me.person_id, person.id)
    feed = feed_of(access, limit=ACTIVITY_SHOWN, author=person.user_id)
    return {
        "person": person,
        "shown": people([person.user_id])[person.user_id],
        "is_self": is_self,
        "is_archived": person.archived_at is not None,
        "agent_count": agents_of(person.user_id).count() if person.user.is_human else 0,
        "common": common[:COMMON_SHOWN],
        "common_count": len(common),
        "more": max(0, len(common) - COMMON_SHOWN),
        "has_pins": access.required_place.is_main,
        "pinned": pinned(access, person.id) if access.required_place.is_main else [],
        "feed": feed,
        "older_href": f"{access.path}?cursor={feed.older}" if feed.older else "",
        "is_own_agent": person.user.parent_id == me.user_id,
    }


def profile_title(access: Access, person: TenantUser) -> str:
    return person.display_name


def known_person(access: Access, handle: str) -> TenantUser:
    """Return a person by handle.

    Raises:
        NotFound: the person does not exist, or is the identity of a collective that the caller
            does not belong to.
    """
    person = person_at(access, handle)
    if not collectives.is_known(access, person):
        raise NotFound
    return person


PROFILE = Page(
    name="people.show",
    template="accounts/profile.html",
    title=profile_title,
    find=known_person,
    show=profile,
    resource="users",
)


def member_at(access: Access, handle: str) -> TenantUser:
    """Return an active member of the collective by handle.

    Raises:
        NotFound: the member does not exist.
    """
    person = person_at(access, handle)
    row = collectives.membership_of(access.required_place.id, person)
    if row is None or row.archived_at is not None:
        raise NotFound
    return person


COLLECTIVE_PROFILE = Page(
    name="people.here",
    template="accounts/profile.html",
    title=profile_title,
    find=member_at,
    show=profile,
    access_level=AccessLevel.COLLECTIVE,
    resource="users",
)


def urls() -> list[URLPattern]:
    return mount("u/<str:handle>", PROFILE)


def collective_urls() -> list[URLPattern]:
    return mount("u/<str:handle>", COLLECTIVE_PROFILE)
