"""The page that creates an API token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import TenantUser
from accounts.queries import agents_of, person_at
from accounts.rules import editable_person
from harmonic.kernel.access import Access
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import ASK_YOUR_HUMAN, Forbidden, Link, Unauthorized
from harmonic.kernel.registry import path_to
from tokens import actions, queries, rules
from tokens.lifetimes import parse_lifetime
from tokens.models import ApiToken, list_path
from tokens.pages.listing import list_crumbs
from tokens.reach import agent_obstacles, tenant_switch


def require_creator(access: Access, owner: TenantUser) -> None:
    """Pass if the caller may create a token for `owner`.

    Raises:
        Unauthorized: the caller is not human.
        Forbidden: the owner is an internal agent, or inactive or suspended.
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


# --- The owner ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnerOption:
    """An account that the form offers as the owner of the new token."""

    handle: str
    name: str
    help: str
    is_agent: bool
    is_enabled: bool


def owner_options(access: Access) -> list[OwnerOption]:
    """Return the caller and their agents; agents that cannot have tokens are disabled."""
    caller = person_at(access, access.user.handle)
    agents = [agent for agent in agents_of(access.user.user_id) if agent.archived_at is None]
    agents.sort(key=lambda agent: (agent.user.is_internal_agent, agent.display_name.lower()))
    counts = queries.counts_of([caller, *agents], access.now)

    def option(person: TenantUser, name: str) -> OwnerOption:
        denied = rules.may_create_token(access, person)
        used = f"{counts[person.id].active} of {ApiToken.MAX_ACTIVE} active tokens"
        return OwnerOption(
            person.handle,
            name,
            denied.reason if denied else used,
            person.user.is_agent,
            denied is None,
        )

    return [option(caller, "You"), *(option(agent, agent.display_name) for agent in agents)]


# --- The page -------------------------------------------------------------------------------

ACCESS = {"read": "read", "write": "write", "read_write": "write", "read+write": "write"}


def suggested(access: Access) -> Mapping[str, Any]:
    """Return the values of the form that a prefilled link gives.

    `?name=ci&access=read&expires=30d` is such a link. Values that the form does not offer are
    ignored.
    """
    query = access.query
    values: dict[str, Any] = {}
    if read_write := ACCESS.get(query.get("access", "").replace(" ", "+").lower()):
        values["read_write"] = read_write
    if lifetime := parse_lifetime(query.get("expires", "")):
        values["duration"], values["duration_unit"] = lifetime
    return values


def show(access: Access, owner: TenantUser) -> Mapping[str, Any]:
    options = owner_options(access)
    return {
        "agent_obstacles": agent_obstacles(owner),
        "owner_options": options if len(options) > 1 else [],
        "suggested": suggested(access),
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
    guard=require_creator,
    show=show,
    crumbs=list_crumbs,
    actions=(actions.create_api_token,),
    fresh="api_tokens",
    resource="api_tokens",
)
