"""Pages for managing AI agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import URLPattern, path

from accounts.actions.people import agent_resource, update_profile
from accounts.agents.actions import creating
from accounts.agents.actions import settings as actions
from accounts.agents.actions.pausing import pause_ai_agent, resume_ai_agent
from accounts.agents.latest_runs import run_queries
from accounts.agents.models import path_of
from accounts.agents.presets import preset_of
from accounts.agents.whoami import WHOAMI
from accounts.models import TenantUser
from accounts.queries import agents_of, people, person_at
from accounts.rules import may_manage_agent
from collectives import queries as collectives
from collectives.actions.agents import add_to_collective, remove_from_collective
from collectives.models import Collective
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.actions import ResourceRef
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import ASK_FOR_OWN, Link, NotFound, Unauthorized
from harmonic.kernel.registry import granted_actions, path_to
from harmonic.kernel.rendering.documents import Offer
from tokens.connect.harnesses import HARNESSES, McpServer, tabs
from tokens.connect.status import status_of_owner
from tokens.owners.actions import stop_ai_agent
from tokens.queries import first_listed, owners_of

# Runs on the page of an agent.
RUNS_SHOWN = 5


def require_human(access: Access) -> None:
    """Refuse agents: only people have AI agents."""
    if not access.user.is_human:
        raise Unauthorized("Only people have AI agents", hint=ASK_FOR_OWN)


def listed(access: Access, target: None) -> Mapping[str, Any]:
    runs = run_queries()
    page = numbered(runs.sorted_by_runs(agents_of(access.user.user_id)), access)
    latest = runs.latest(page.object_list, access.now)
    rows = [
        (agent, latest.get(agent.user_id), row_actions(access, agent)) for agent in page.object_list
    ]
    return {"rows": rows, "page": page, "path": access.path}


def row_actions(access: Access, agent: TenantUser) -> Mapping[str, Offer]:
    """Return the actions of an agent's page that its row in the list offers, by name."""
    return {offer.action.name: offer for offer in AGENT.offers(access, agent, path_of(agent))}


LIST = Page(
    name="agents.list",
    nav=(
        NavEntry(
            menu=Menu.SITE,
            order=5,
            label="AI agents",
            icon="bot",
            is_shown=lambda access: access.user.is_human,
        ),
    ),
    template="agents/list.html",
    title=lambda access, target: "My AI Agents",
    find=require_human,
    show=listed,
    resource="users",
)


def list_crumbs(access: Access, target: object) -> list[Link]:
    return [Link("AI agents", "/ai-agents")]


NEW = Page(
    name="agents.new",
    template="agents/new.html",
    title=lambda access, target: "New AI Agent",
    find=require_human,
    show=lambda access, target: {"is_api_on": access.tenant.is_api_enabled},
    crumbs=list_crumbs,
    actions=(creating.create_ai_agent,),
    writes={"POST": creating.create_ai_agent},
    fresh="api_tokens",
    resource="users",
)


# --- One agent ------------------------------------------------------------------------------


def own_agent(access: Access, handle: str) -> TenantUser:
    """Return the caller's agent with this handle.

    Raises:
        NotFound: no agent has it.
        Forbidden: the agent has another parent.
    """
    agent = person_at(access, handle)
    if not agent.user.is_agent:
        raise NotFound
    if denied := may_manage_agent(access, agent):
        raise Unauthorized(
            hint=f"Only the person who manages the agent can open this. {denied.hint}",
            links=denied.links,
        )
    return agent


def about(access: Access, agent: TenantUser | None) -> ResourceRef | None:
    return agent_resource(agent) if agent else None


def show(access: Access, agent: TenantUser) -> Mapping[str, Any]:
    inside = collectives.collectives_of([agent]).get(agent.id, [])
    return {
        "agent": agent,
        "shown": people([agent.user_id])[agent.user_id],
        "mode": agent.user.agent.mode,
        "model": agent.user.agent.model,
        "collectives": inside,
        "addable": _addable(access, agent, inside),
        "settings_path": path_to("agents.settings", handle=agent.handle),
        "tokens_path": path_to("tokens.list", handle=agent.handle),
        "runs": run_queries().newest(agent, RUNS_SHOWN) if agent.user.is_internal_agent else (),
        "is_internal": agent.user.is_internal_agent,
        "is_suspended": agent.user.suspended_at is not None,
    }


def _addable(
    access: Access, agent: TenantUser, inside: Sequence[Collective]
) -> Sequence[Collective]:
    """Return the collectives that the caller can add an agent to."""
    if agent.archived_at is not None:
        return ()
    known = {each.id for each in inside}
    own = collectives.inviting_collectives(access.user.person_id)
    return [each for each in own if each.id not in known]


def overview(access: Access, agent: TenantUser) -> Mapping[str, Any]:
    connection = path_to("agents.connection", handle=agent.handle)
    return {
        **show(access, agent),
        "is_external": not agent.user.is_internal_agent,
        "tabs": tabs(McpServer(access.origin, agent.handle)),
        "harnesses": HARNESSES.values(),
        "status": status_of_owner(agent, access.now, connection),
    }


AGENT: Page[TenantUser] = Page(
    name="agents.show",
    template="agents/show.html",
    title=lambda access, agent: agent.display_name,
    find=own_agent,
    show=overview,
    crumbs=list_crumbs,
    about=about,
    actions=(pause_ai_agent, resume_ai_agent, stop_ai_agent),
    resource="users",
)


def settings(access: Access, agent: TenantUser) -> Mapping[str, Any]:
    return {
        **show(access, agent),
        "prompt": agent.user.agent.identity_prompt,
        "granted": granted_actions(agent.user.agent.capabilities),
        "preset": preset_of(agent.user.agent.capabilities),
        "tokens": first_listed(access, owners_of(agent)),
        "new_token_path": path_to("tokens.new", handle=agent.handle),
        "is_api_on": access.tenant.is_api_enabled,
    }


SETTINGS = Page(
    name="agents.settings",
    template="agents/settings.html",
    title=lambda access, agent: f"Settings - {agent.display_name}",
    find=own_agent,
    show=settings,
    crumbs=lambda access, agent: [
        *list_crumbs(access, agent),
        Link(agent.display_name, path_of(agent)),
    ],
    about=about,
    actions=(
        actions.update_ai_agent,
        update_profile,
        pause_ai_agent,
        resume_ai_agent,
        stop_ai_agent,
        actions.deactivate_ai_agent,
        actions.reactivate_ai_agent,
    ),
    writes={"POST": actions.update_ai_agent},
    resource="users",
)


MOTTO: Page[None] = Page(
    name="motto",
    template="accounts/motto.html",
    title=lambda access, target: "Do the right thing. ❤️",
    show=lambda access, target: {},
    access_level=AccessLevel.PUBLIC,
)


def urls() -> list[URLPattern]:
    return [
        path(
            "u/<str:handle>/add_to_collective",
            form_alias(SETTINGS, add_to_collective),
            name="agents.add_to_collective",
        ),
        path(
            "u/<str:handle>/remove_from_collective",
            form_alias(SETTINGS, remove_from_collective, method="DELETE"),
            name="agents.remove_from_collective",
        ),
        *mount("whoami", WHOAMI),
        *mount("motto", MOTTO),
        *mount("ai-agents", LIST),
        *mount("ai-agents/new", NEW),
        *mount("ai-agents/<str:handle>", AGENT),
        *mount("ai-agents/<str:handle>/settings", SETTINGS),
    ]
