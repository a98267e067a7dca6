"""Profile, settings, and the pages about oneself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path, reverse

from accounts.actions import people as actions
from accounts.models import TenantUser
from accounts.queries import agents_of, people, person_at
from accounts.rules import editable_person
from collectives import queries as collectives
from collectives.feed.queries import feed_of, pinned
from collectives.models import Collective
from harmonic.kernel.access import Access, Door, NotFound, Rule
from harmonic.kernel.actions import Resource
from harmonic.kernel.http.request import Request
from harmonic.kernel.pages import (
    Page,
    form_alias,
    mounted,
    only_reads,
    redirect,
    with_rule,
)
from tokens.queries import first_listed, owners_of

COMMON_SHOWN = 20
ACTIVITY_SHOWN = 20


def about(access: Access, person: TenantUser | None) -> Resource | None:
    return actions.resource(person) if person else None


# --- Profile --------------------------------------------------------------------------------


def profile(access: Access, person: TenantUser) -> Mapping[str, Any]:
    is_self = person.user_id == access.user.user_id
    common = [] if is_self else common_collectives(access, person)
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
        "has_pins": access.here.is_main,
        "pinned": pinned(access, person.id) if access.here.is_main else [],
        "feed": feed,
        "older_href": f"{access.path}?cursor={feed.older}" if feed.older else "",
        "is_own_agent": person.user.parent_id == access.user.user_id,
    }


def common_collectives(access: Access, person: TenantUser) -> list[Collective]:
    """Return the collectives that both belong to; nobody learns of others."""
    return collectives.common_collectives(access.user.person_id, person.id)


def profile_title(access: Access, person: TenantUser) -> str:
    return person.display_name


def known_person(access: Access, handle: str) -> TenantUser:
    """Return who a path names, unless it is the identity of a collective of others.

    Raises:
        NotFound: there is no such person, or the caller may not learn of them.
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


def person_here(access: Access, handle: str) -> TenantUser:
    """Return a member of the collective; anybody else is not there to be seen."""
    person = person_at(access, handle)
    row = collectives.membership_of(access.here.id, person)
    if row is None or row.archived_at is not None:
        raise NotFound
    return person


PROFILE_HERE = Page(
    name="people.here",
    template="accounts/profile.html",
    title=profile_title,
    find=person_here,
    show=profile,
    door=Door.COLLECTIVE,
    resource="users",
)


# --- Settings -------------------------------------------------------------------------------


def settings(access: Access, person: TenantUser) -> Mapping[str, Any]:
    is_on = access.tenant.is_api_enabled
    return {
        "person": person,
        "is_self": person.user_id == access.user.user_id,
        "mode": person.user.agent.mode if person.user.is_agent else "",
        "model": person.user.agent.model if person.user.is_agent else "",
        "parent": people([person.user.parent_id])[person.user.parent_id]
        if person.user.parent_id
        else None,
        "is_api_on": is_on,
        "tokens": first_listed(access, owners_of(person)) if is_on else [],
        "tokens_path": reverse("tokens.list", kwargs={"handle": person.handle}),
        "new_token_path": reverse("tokens.new", kwargs={"handle": person.handle}),
        "may_create": access.user.is_human and not person.user.is_internal_agent,
    }


def settings_title(access: Access, person: TenantUser) -> str:
    is_self = person.user_id == access.user.user_id
    return "Your Settings" if is_self else f"{person.display_name}'s Settings"


SETTINGS = Page(
    name="people.settings",
    template="accounts/settings.html",
    title=settings_title,
    find=editable_person,
    show=settings,
    about=about,
    actions=(actions.update_profile,),
    resource="users",
)


def own_settings(request: Request) -> HttpResponse:
    only_reads(request)
    access = request.access
    return redirect(access, f"{access.user.path}/settings")


MOTTO = Page(
    name="motto",
    template="accounts/motto.html",
    title=lambda access, target: "Do the right thing. ❤️",
    show=lambda access, target: {},
    door=Door.PUBLIC,
)


def urls() -> list[URLPattern]:
    return [
        path("settings", with_rule(own_settings, Rule(Door.TENANT)), name="settings"),
        *mounted("motto", MOTTO),
        *mounted("u/<str:handle>", PROFILE),
        *mounted("u/<str:handle>/settings", SETTINGS),
        path(
            "u/<str:handle>/settings/profile",
            form_alias(SETTINGS, actions.update_profile),
            name="people.settings.profile",
        ),
    ]


def collective_urls() -> list[URLPattern]:
    return mounted("u/<str:handle>", PROFILE_HERE)
