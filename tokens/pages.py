"""The token pages: the list, making one, one token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from accounts.actions.agents import stop_ai_agent
from accounts.models import TenantUser
from accounts.queries import agents_of, people, person_at
from accounts.rules import editable_person, is_parent_of
from collectives.models import Collective
from harmonic.kernel.access import Access, Forbidden, Link, NotFound, Refused, Rule
from harmonic.kernel.actions import Resource
from harmonic.kernel.pages import Page, View, form_alias, mounted, with_rule
from tokens import actions, queries, rules
from tokens.models import ApiToken
from tokens.reach import may_in_words, reach_of
from tokens.usage import Day, days_of, refusals_of


def above(access: Access, owner: TenantUser) -> list[Link]:
    """Return where the tokens of `owner` hang: their settings, an agent's below the agents."""
    if owner.user_id == access.user.user_id or not owner.user.is_agent:
        return [Link("Settings", f"/u/{owner.handle}/settings")]
    agent = f"/ai-agents/{owner.handle}"
    return [
        Link("AI agents", "/ai-agents"),
        Link(owner.display_name, agent),
        Link("Settings", f"{agent}/settings"),
    ]


def below_list(access: Access, owner: TenantUser) -> list[Link]:
    return [*above(access, owner), Link("API tokens", actions.list_path(owner))]


# --- The list -------------------------------------------------------------------------------


SHOWN = (("all", "All"), ("active", "Active"), ("expired", "Expired"))


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to narrow the list: its words, where it leads, and whether it is taken."""

    label: str
    path: str
    is_chosen: bool


def choices(
    access: Access, name: str, offered: Iterable[tuple[str, str]], chosen: str
) -> list[Choice]:
    """Return what a filter offers; the others stay as they are."""
    others = {key: value for key, value in access.query.items() if key in FILTERS and key != name}
    return [
        Choice(label, f"{access.path}?{urlencode({**others, name: value})}", value == chosen)
        for value, label in offered
    ]


FILTERS = ("show", "whose")


def listed(access: Access, owner: TenantUser) -> Mapping[str, Any]:
    tokens = queries.listed(access, owner)
    own_active = sum(1 for each in tokens if each.owner.id == owner.id and each.is_active)
    show, whose = access.query.get("show", "all"), access.query.get("whose", "all")
    whose = whose.removeprefix("@").lower()
    owners = {each.owner.id: each.owner for each in tokens if each.owner.id != owner.id}
    agents = [(agent.handle.lower(), agent.display_name) for agent in owners.values()]
    return {
        "owner": owner,
        "tokens": [each for each in tokens if is_chosen(each, owner, show, whose)],
        "is_narrowed": show != "all" or whose != "all",
        "shows": choices(access, "show", SHOWN, show) if tokens else [],
        "whoses": choices(access, "whose", [("all", "Everybody"), ("me", "Me"), *agents], whose)
        if agents
        else [],
        "all_path": access.path,
        "active": own_active,
        "cap": ApiToken.MAX_ACTIVE,
        "is_own": owner.user_id == access.user.user_id,
        "new_path": f"{actions.list_path(owner)}/new",
        "may_create": rules.may_create_token(access, owner) is None,
        "is_internal": owner.user.is_internal_agent,
        "is_tenant_api_on": access.tenant.is_api_enabled,
    }


def is_chosen(token: queries.ListedToken, owner: TenantUser, show: str, whose: str) -> bool:
    """Answer whether a token passes the filters: `show` its state, `whose` its owner's handle."""
    if show != "all" and token.is_active != (show == "active"):
        return False
    if whose == "all":
        return True
    return token.owner.id == owner.id if whose == "me" else token.owner.handle.lower() == whose


LIST = Page(
    name="tokens.list",
    template="tokens/list.html",
    title=lambda access, owner: "API Tokens",
    find=editable_person,
    show=listed,
    crumbs=above,
    writes={"POST": actions.create_api_token},
    resource="api_tokens",
)


# --- A new one ------------------------------------------------------------------------------


def for_makers(access: Access, owner: TenantUser) -> None:
    """Pass for who could make a token of `owner`.

    Raises:
        Forbidden: the caller is no human, or the owner is run by Harmonic itself.
    """
    if not access.user.is_human:
        raise Forbidden(f"403 Unauthorized - {rules.ONLY_HUMANS}")
    if owner.user.is_internal_agent:
        raise Forbidden(f"403 Forbidden - {rules.NOT_FOR_INTERNAL}")


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
        f"/u/{access.user.handle}/settings/tokens/new",
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
        "" if is_internal else f"{actions.list_path(agent)}/new",
        agent.id == owner.id,
        is_agent=True,
    )


def is_shut_out(owner: TenantUser) -> bool:
    """Answer whether an agent's token would get in nowhere but in the main collective."""
    if not owner.user.is_agent:
        return False
    inside = Collective.objects.standard().of(owner.id)
    return not inside.filter(is_main=False, is_api_enabled=True, archived_at=None).exists()


def new(access: Access, owner: TenantUser) -> Mapping[str, Any]:
    return {
        "is_shut_out": is_shut_out(owner),
        "agent_settings": f"/ai-agents/{owner.handle}/settings",
        "recipients": recipients(access, owner),
        "owner": owner,
        "is_own": owner.user_id == access.user.user_id,
        "list_path": actions.list_path(owner),
        "is_tenant_api_on": access.tenant.is_api_enabled,
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


# --- One token ------------------------------------------------------------------------------


def token_of(access: Access, handle: str, token_id: str) -> ApiToken:
    return queries.token_at(editable_person(access, handle), token_id)


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart: its counts, and its rectangle in a field of 300 by 40."""

    WIDTH = 10
    HEIGHT = 40

    day: date
    requests: int
    refusals: int
    x: int
    y: int
    height: int


def bars(days: list[Day]) -> list[Bar]:
    """Return the days as bars, the busiest as high as the chart; a used day is always seen."""
    most = max(day.requests for day in days) or 1
    heights = [-(-day.requests * Bar.HEIGHT // most) for day in days]
    return [
        Bar(day.day, day.requests, day.refusals, at * Bar.WIDTH, Bar.HEIGHT - height, height)
        for at, (day, height) in enumerate(zip(days, heights, strict=True))
    ]


def show(access: Access, token: ApiToken) -> Mapping[str, Any]:
    owner = token.owner
    is_active = token.is_active(access.now)
    days = days_of(token, access.now)
    successor = queries.successor_of(token)
    return {
        "successor_path": actions.token_path(owner, successor) if successor else "",
        "bars": bars(days),
        "requests": sum(day.requests for day in days),
        "refused": sum(day.refusals for day in days),
        "refusals": refusals_of(token),
        "reach": reach_of(access, token),
        "person": people([owner.user_id])[owner.user_id],
        "path": actions.token_path(owner, token),
        "token": queries.ListedToken(token, owner, owner.user_id == access.user.user_id, is_active),
        "owner": owner,
        "is_parent": is_parent_of(access, owner),
        "scopes": token.scopes,
        "list_path": actions.list_path(owner),
        "may": may_in_words(token.scopes),
    }


def about(access: Access, token: ApiToken | None) -> Resource | None:
    return actions.resource(token.owner, token) if token else None


TOKEN = Page(
    name="tokens.show",
    template="tokens/show.html",
    title=lambda access, token: "API Token",
    find=token_of,
    show=show,
    crumbs=lambda access, token: below_list(access, token.owner),
    about=about,
    actions=(
        actions.rotate_api_token,
        actions.rename_api_token,
        actions.delete_api_token,
        stop_ai_agent,
    ),
    writes={"DELETE": actions.delete_api_token},
    resource="api_tokens",
)


# --- The token in use -----------------------------------------------------------------------


class AnyTokensPage(Page):
    """A page that every live token may read, whatever its scopes. It offers no actions."""

    @property
    def rule(self) -> Rule:
        return Rule(self.door, self.resource, any_scope=True)


def token_in_use(access: Access, handle: str) -> ApiToken:
    """Return the token that the request came with, below its own owner's settings.

    Raises:
        NotFound: the request came with a session, or the handle is somebody else's.
    """
    owner = person_at(access, handle)
    if access.token is None or owner.user_id != access.user.user_id:
        raise NotFound
    return queries.token_at(owner, str(access.token.id))


SELF = AnyTokensPage(
    name="tokens.self",
    template="tokens/show.html",
    title=TOKEN.title,
    find=token_in_use,
    show=show,
    crumbs=TOKEN.crumbs,
    about=about,
    resource="api_tokens",
)


def create_from_group(view: View) -> View:
    """Ask a form post at the list for the group that public clients send."""

    def checked(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        is_form = request.method == "POST" and request.content_type != "application/json"
        if is_form and not any(key.startswith("api_token[") for key in request.POST):
            raise Refused("The parameter group api_token is missing.", status=400, code="invalid")
        return view(request, **kwargs)

    return with_rule(checked, LIST.rule, LIST)


def urls() -> list[URLPattern]:
    base = "u/<str:handle>/settings/tokens"
    first, *rest = mounted(base, LIST)
    return [
        path(base, create_from_group(first.callback), name=LIST.name),
        *rest,
        *mounted(f"{base}/new", NEW),
        *mounted(f"{base}/self", SELF),
        *mounted(f"{base}/<str:token_id>", TOKEN),
        path(
            f"{base}/<str:token_id>/delete",
            form_alias(TOKEN, actions.delete_api_token),
            name="tokens.delete",
        ),
    ]
