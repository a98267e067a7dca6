"""The page that creates an API token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import TenantUser
from accounts.queries import agents_of
from accounts.rules import editable_person
from harmonic.kernel.access import Access
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import ASK_YOUR_HUMAN, Forbidden, Link, Unauthorized
from harmonic.kernel.registry import path_to
from tokens import actions, queries, rules
from tokens.models import ApiToken, list_path
from tokens.pages.listing import below_list
from tokens.reach import shut_out, tenant_switch


def for_makers(access: Access, owner: TenantUser) -> None:
    """Pass for who could make a token of `owner`.

    Raises:
        Forbidden: the caller is no human, or the owner is run by Harmonic itself, or inactive.
    """
    if not access.user.is_human:
        raise Unauthorized(rules.ONLY_HUMANS, hint=ASK_YOUR_HUMAN)
    settings = Link("The agent's settings", path_to("agents.settings", handle=owner.handle))
    if owner.user.is_internal_agent:
        raise Forbidden(
            f"403 Forbidden - {rules.NOT_FOR_INTERNAL}",
            hint=rules.RUN_BY_HARMONIC,
            links=[settings],
            heading=rules.NOT_FOR_INTERNAL,
        )
    if denied := rules.may_create_token(access, owner):
        raise Forbidden(denied.reason, hint=denied.hint, links=[settings])


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody whom a token could be for; without a path, and why, for whom none is."""

    name: str
    line: str
    path: str
    is_chosen: bool
    is_agent: bool


def recipients(access: Access, owner: TenantUser) -> list[Recipient]:
    """Return the caller and their agents, the internal ones off."""
    own = Recipient(
        "You",
        "The program acts as you.",
        path_to("tokens.new", handle=access.user.handle),
        owner.user_id == access.user.user_id,
        is_agent=False,
    )
    agents = [agent for agent in agents_of(access.user.user_id) if agent.archived_at is None]
    agents.sort(key=lambda agent: (agent.user.is_internal_agent, agent.display_name.lower()))
    return [own, *(_recipient(agent, owner) for agent in agents)]


def _recipient(agent: TenantUser, owner: TenantUser) -> Recipient:
    is_internal = agent.user.is_internal_agent
    line = "The agent acts under its own name."
    return Recipient(
        agent.display_name,
        "Run by Harmonic itself, which makes its tokens." if is_internal else line,
        "" if is_internal else f"{list_path(agent)}/new",
        agent.id == owner.id,
        is_agent=True,
    )


def new(access: Access, owner: TenantUser) -> Mapping[str, Any]:
    return {
        "shut_out": shut_out(owner),
        "recipients": recipients(access, owner),
        "owner": owner,
        "is_own": owner.user_id == access.user.user_id,
        "list_path": list_path(owner),
        "closed": [] if access.tenant.is_api_enabled else [tenant_switch(access)],
        "active": queries.active_count(owner, access.now),
        "cap": ApiToken.MAX_ACTIVE,
    }


NEW = Page(
    name="tokens.new",
    template="tokens/new.html",
    title=lambda access, owner: "New API Token",
    find=editable_person,
    guard=for_makers,
    show=new,
    crumbs=below_list,
    actions=(actions.create_api_token,),
    fresh="api_tokens",
    resource="api_tokens",
)
