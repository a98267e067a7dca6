"""Pages of collectives: list, new, members, join, invite, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import URLPattern, path

from accounts.queries import tenant_admins
from collectives import queries
from collectives.actions.agents import (
    add_ai_agent_to_collective,
    add_by_form,
    remove_ai_agent_from_collective,
    remove_by_form,
)
from collectives.actions.collective import create_collective, update_collective_settings
from collectives.actions.joining import (
    create_invite,
    join_collective,
    leave_collective,
    revoke_invite,
)
from collectives.actions.members import remove_member, update_member_roles
from collectives.cycles.presence import awaited_among
from collectives.models import Collective
from collectives.rules.handles import is_available
from collectives.rules.invites import NEEDED, OF_ANOTHER_COLLECTIVE, invite_refusal
from collectives.rules.policies import is_collective_admin, may_invite
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import ResourceRef
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import Page, redirect, require_read_method, with_rule
from harmonic.kernel.parameters import wording
from harmonic.kernel.refusals import Forbidden, Link, NotFound
from harmonic.kernel.registry import path_to
from harmonic.kernel.rendering.documents import Document, keep_private, respond


def about(access: Access, target: Any) -> ResourceRef | None:
    place = access.place
    return ResourceRef("Collective", place.handle, place.path or "/") if place else None


def collective_crumb(access: Access, target: Any) -> list[Link]:
    """Return the breadcrumb of the collective."""
    return [Link(access.required_place.name, access.required_place.path or "/")]


# --- The list, and a new one ----------------------------------------------------------------


def listed(access: Access, target: None) -> Mapping[str, Any]:
    page = numbered(queries.own_rows(access.user.person_id), access)
    awaited = awaited_among(access, page.object_list)
    # First the collectives that wait for a heartbeat, each part by name.
    own = sorted(page.object_list, key=lambda collective: collective.id not in awaited)
    return {"collectives": own, "awaited": awaited, "page": page, "path": access.path}


LIST = Page(
    name="collectives.list",
    template="collectives/list.html",
    title=lambda access, target: "Collectives",
    show=listed,
    writes={"POST": create_collective},
    nav=(NavEntry(menu=Menu.SITE, order=3, label="Collectives", icon="users", has_below=False),),
)

NEW = Page(
    name="collectives.new",
    template="collectives/new.html",
    title=lambda access, target: "New Collective",
    show=lambda access, target: {},
    crumbs=lambda access, target: [Link("Collectives", "/collectives")],
    actions=(create_collective,),
)


def available(request: AccessRequest) -> HttpResponse:
    """Respond with JSON that states whether a handle is available."""
    require_read_method(request)
    handle = request.GET.get("handle", "")
    response = JsonResponse({"available": is_available(handle)})
    keep_private(response)
    return response


def own_workspace(request: AccessRequest, **kwargs: Any) -> HttpResponse:
    """Redirect to the caller's private workspace."""
    require_read_method(request)
    access = request.access
    workspace = queries.own_workspace(access.user.person_id)
    if workspace is None:
        raise NotFound
    return redirect(access, workspace.path)


# --- Members --------------------------------------------------------------------------------


def members(access: Access, target: None) -> Mapping[str, Any]:
    page = numbered(queries.member_rows(collective=access.required_place.id), access)
    shown = queries.with_names(list(page.object_list))
    return {
        "members": shown,
        "page": page,
        "path": path_to("collectives.members", access.required_place.path),
        "count": page.paginator.count,
        "addable": queries.addable_agents(access) if access.user.is_human else queries.Addable(),
        "is_manager": access.is_collective_admin,
        "own_agents": {
            member.person.user_id
            for member in shown
            if member.person.is_agent and member.person.parent_handle == access.user.handle
        },
        "invite_path": path_to("collectives.invite", access.required_place.path),
        "may_invite": access.membership is not None and access.membership.may_invite,
    }


MEMBERS: Page[None] = Page(
    name="collectives.members",
    nav=(
        NavEntry(
            menu=Menu.PLACE,
            order=7,
            label="Members",
            icon="users",
            is_shown=lambda access: not access.required_place.is_workspace,
        ),
    ),
    template="collectives/members.html",
    title=lambda access, target: "Members",
    show=members,
    crumbs=collective_crumb,
    about=about,
    actions=(
        update_member_roles,
        remove_member,
        add_ai_agent_to_collective,
        remove_ai_agent_from_collective,
        leave_collective,
    ),
    access_level=AccessLevel.COLLECTIVE,
)


def members_fragment(request: AccessRequest) -> HttpResponse:
    """Respond with the list of members alone, to insert into a page."""
    require_read_method(request)
    access = request.access
    document = Document(
        title="Members",
        template="collectives/_members.html",
        context=members(access, None),
        offers=MEMBERS.offers(
            access, None, path_to("collectives.members", access.required_place.path)
        ),
    )
    return respond(request, access, document)


# --- Join and invite ------------------------------------------------------------------------


def join(access: Access, target: None) -> Mapping[str, Any]:
    code = access.query.get("code", "")
    invite = None if access.is_member else queries.usable_invite(access, code)
    return {
        "is_member": access.is_member,
        "place": access.required_place,
        "invite": invite,
        "code": code,
        "bad_code": _bad_code(access, code) if code and not (invite or access.is_member) else "",
    }


def invitation(access: Access, query: Mapping[str, str], collective: str = "") -> str:
    """Return what the sign-in page shows to the holder of an invitation link, or ""."""
    found = queries.collective_invited_to(collective, query.get("code", ""), access.now)
    if found is None:
        return ""
    return f"You are invited to join {found.name}. Sign in to accept the invitation."


def _bad_code(access: Access, code: str) -> str:
    """Return why the caller cannot join with a code. The page has a form for another code.

    Raises:
        Refused: the invite has ended (410), or it is for another collective (404).
    """
    refused = invite_refusal(access, code)
    if refused.status == HTTPStatus.GONE or refused.message == OF_ANOTHER_COLLECTIVE:
        raise refused
    sentence = "" if refused.message == NEEDED else f"{refused.message}."
    return f"{sentence} {refused.hint}".strip()


JOIN: Page[None] = Page(
    name="collectives.join",
    template="collectives/join.html",
    title=lambda access, target: f"Join {access.required_place.name}",
    show=join,
    about=about,
    actions=(join_collective,),
    writes={"POST": join_collective},
    access_level=AccessLevel.NON_MEMBERS,
    sign_in_notice=invitation,
)


def invite(access: Access, target: None) -> Mapping[str, Any]:
    found = queries.shareable_invite(access.required_place.id, access.now)
    link = (
        f"{path_to('collectives.join', access.required_place.path)}?code={found.code}"
        if found
        else ""
    )
    is_partly_closed = found is not None and queries.is_closed_to_former_members(found)
    page = numbered(queries.joined_by_link(access.required_place.id), access)
    return {
        "invite": found,
        "link": link,
        "is_partly_closed": is_partly_closed,
        "path": path_to("collectives.invite", access.required_place.path),
        "page": page,
        "joined": [
            (member.person, row.created_at, found is not None and row.invite_id == found.id)
            for row, member in zip(
                page.object_list, queries.with_names(list(page.object_list)), strict=True
            )
        ],
    }


def _invitable(access: Access) -> None:
    if denied := may_invite(access, None):
        raise Forbidden.because(denied)


INVITE: Page[None] = Page(
    name="collectives.invite",
    nav=(
        NavEntry(
            menu=Menu.PLACE,
            order=8,
            label="Invite",
            icon="user-plus",
            is_shown=lambda access: (
                not access.required_place.is_workspace and may_invite(access, None) is None
            ),
        ),
    ),
    template="collectives/invite.html",
    title=lambda access, target: f"Invite to {access.required_place.name}",
    find=_invitable,
    show=invite,
    crumbs=collective_crumb,
    about=about,
    actions=(create_invite, revoke_invite),
    access_level=AccessLevel.COLLECTIVE,
)


# --- Settings -------------------------------------------------------------------------------


def administered(access: Access) -> Collective:
    """Return the collective if the caller is one of its admins.

    Raises:
        Forbidden: the caller is not an admin, or the collective is a workspace.
    """
    if access.required_place.is_workspace:
        raise Forbidden(
            "A private workspace has no settings.",
            hint="It belongs to its owner only and uses the API switch of the tenant.",
            links=[Link("The workspace", access.required_place.path)],
            location=access.required_place.path,
        )
    if denied := is_collective_admin(access, None):
        place = access.required_place
        able = tenant_admins() if place.is_main else queries.admins(place.id)
        hint = wording.naming(denied.hint, (who.handle for who in able))
        raise Forbidden.because(replace(denied, hint=hint))
    return queries.current_collective(access)


def settings(access: Access, collective: Collective) -> Mapping[str, Any]:
    page = numbered(queries.agent_memberships(access), access)
    return {
        "collective": collective,
        "agents": queries.with_names(list(page.object_list)),
        "page": page,
        "path": path_to("collectives.settings", access.required_place.path),
        "addable": queries.addable_agents(access),
        "is_tenant_api_on": access.tenant.is_api_enabled,
        "values": [
            ("Name", collective.name),
            ("Handle", collective.handle),
            ("Description", collective.description),
            ("Timezone", collective.timezone),
            ("Tempo", collective.tempo),
            ("Synchronization Mode", collective.synchronization_mode),
            (
                "Invitations",
                "all members" if collective.all_members_can_invite else "only admins",
            ),
            (
                "Representation",
                "any member" if collective.any_member_can_represent else "only representatives",
            ),
        ],
    }


SETTINGS: Page[Collective] = Page(
    name="collectives.settings",
    nav=(
        NavEntry(
            menu=Menu.PLACE,
            order=9,
            label="Settings",
            icon="settings",
            is_shown=lambda access: is_collective_admin(access, None) is None,
        ),
    ),
    template="collectives/settings.html",
    title=lambda access, target: "Collective Settings",
    find=administered,
    show=settings,
    crumbs=collective_crumb,
    about=about,
    actions=(
        update_collective_settings,
        add_ai_agent_to_collective,
        remove_ai_agent_from_collective,
    ),
    writes={"POST": update_collective_settings},
    access_level=AccessLevel.COLLECTIVE,
)


# --- Routes ---------------------------------------------------------------------------------


def tenant_urls() -> list[URLPattern]:
    return [
        *mount("collectives", LIST),
        *mount("collectives/new", NEW),
        path(
            "collectives/available",
            with_rule(available, Rule(AccessLevel.TENANT)),
            name="collectives.available",
        ),
        path("workspace", with_rule(own_workspace, Rule(AccessLevel.TENANT)), name="workspace"),
    ]


def urls() -> list[URLPattern]:
    """Return the routes of collectives other than the main one."""
    return [
        *mount("members", MEMBERS),
        path(
            "members.html",
            with_rule(members_fragment, MEMBERS.rule),
            name="collectives.members.fragment",
        ),
        *mount("join", JOIN),
        *mount("invite", INVITE),
        *mount("settings", SETTINGS),
        path(
            "settings/add_ai_agent",
            form_alias(SETTINGS, add_by_form),
            name="collectives.add_agent",
        ),
        path(
            "settings/remove_ai_agent",
            form_alias(SETTINGS, remove_by_form, method="DELETE"),
            name="collectives.remove_agent",
        ),
    ]
