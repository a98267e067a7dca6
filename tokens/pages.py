"""The token pages: the list, making one, one token."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpResponse
from django.urls import URLPattern, path

from accounts.models import TenantUser
from accounts.queries import agents_of, people, person_at
from accounts.rules import editable_person, is_parent_of
from harmonic.kernel.access import Access, Rule
from harmonic.kernel.actions import Resource
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.http.request import Request
from harmonic.kernel.page_views import form_alias, mounted
from harmonic.kernel.pages import Page, View, with_rule
from harmonic.kernel.refusals import (
    ASK_YOUR_HUMAN,
    Forbidden,
    Link,
    NotFound,
    Refused,
    Unauthorized,
)
from harmonic.kernel.rendering.text import folded
from tokens import actions, queries, rules
from tokens.chart import bars
from tokens.models import ApiToken, ApiTokenQuerySet, TokenRefusal, list_path, token_path
from tokens.owners.actions import stop_ai_agent
from tokens.reach import may_in_words, reach_of, shut_out, tenant_switch
from tokens.usage import days_of, refusals_of


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
    return [*above(access, owner), Link("API tokens", list_path(owner))]


# --- The list -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to narrow the list: its words, where it leads, and whether it is taken."""

    label: str
    path: str
    is_chosen: bool


def choices(
    access: Access, name: str, offered: Iterable[tuple[str, str]], chosen: Filters
) -> list[Choice]:
    """Return what a filter offers; the others stay as they are."""
    others = {key: value for key, value in chosen.query.items() if key != name}
    return [
        Choice(
            label,
            f"{access.path}?{urlencode({**others, name: value})}",
            value == getattr(chosen, name),
        )
        for value, label in offered
    ]


ALL = "all"
SHOWN = ((ALL, "All"), ("active", "Active"), ("expired", "Expired"))


@dataclass(frozen=True, slots=True)
class Filters:
    """How the list is narrowed: `show` by state, `whose` by `me` or an owner's handle."""

    show: str
    whose: str

    @classmethod
    def of(cls, access: Access) -> Filters:
        """Return the filters of the query; a state that is none narrows nothing."""
        show = access.query.get("show", "").lower()
        whose = folded(access.query.get("whose", "").removeprefix("@"))
        return cls(show if show in dict(SHOWN) else ALL, whose or ALL)

    @property
    def is_narrow(self) -> bool:
        return self != Filters(ALL, ALL)

    @property
    def query(self) -> dict[str, str]:
        """The query string that narrows the list like this."""
        return {name: value for name, value in asdict(self).items() if value != ALL}

    def rows(self, owners: list[TenantUser], now: datetime) -> ApiTokenQuerySet:
        """Return those tokens of `owners` that are asked for."""
        whom = self.whom(owners)
        taken = owners if self.whose == ALL else [whom] if whom else []
        rows = queries.rows_of(taken)
        if self.show == ALL:
            return rows
        is_active = Q(expires_at__gt=now)
        return rows.filter(is_active if self.show == "active" else ~is_active)

    def whom(self, owners: list[TenantUser]) -> TenantUser | None:
        """Return which of `owners` is asked for, of whom the first is `me`."""
        if self.whose in {ALL, "me"}:
            return owners[0]
        return next((each for each in owners if each.handle_key == self.whose), None)


@dataclass(frozen=True, slots=True)
class Used:
    """How many active tokens somebody has, and where the list shows them alone."""

    name: str
    active: int
    path: str


def listed(access: Access, owner: TenantUser) -> Mapping[str, Any]:
    owners = queries.owners_of(owner)
    filters = Filters.of(access)
    page = numbered(filters.rows(owners, access.now), access, queries.SHOWN)
    has_tokens = bool(page.paginator.count) or queries.rows_of(owners).exists()
    # Whom the list can be narrowed to, by the word that does it.
    named = {"me": owner} | {
        each.handle_key: each for each in owners[1:] if not each.user.is_internal_agent
    }
    return {
        "owner": owner,
        "tokens": queries.listed(access, owners, page.object_list),
        "page": page,
        "filter_query": urlencode(filters.query),
        "is_narrowed": filters.is_narrow,
        "shows": choices(access, "show", SHOWN, filters) if has_tokens else [],
        "whoses": _whoses(access, named, filters) if len(named) > 1 else [],
        "all_path": access.path,
        **_counts(access, named, filters.whom(owners) or owner),
        "new_path": f"{list_path(owner)}/new",
        "may_create": rules.may_create_token(access, owner) is None,
        "is_internal": owner.user.is_internal_agent,
        "closed": [] if access.tenant.is_api_enabled else [tenant_switch(access)],
    }


def _whoses(access: Access, named: Mapping[str, TenantUser], filters: Filters) -> list[Choice]:
    words = {word: "Me" if word == "me" else each.display_name for word, each in named.items()}
    return choices(access, "whose", [(ALL, "Everybody"), *words.items()], filters)


def _counts(
    access: Access, named: Mapping[str, TenantUser], counted: TenantUser
) -> Mapping[str, Any]:
    """Return how many active tokens the one asked for has, and each of the others."""
    active = queries.active_counts([*named.values(), counted], access.now)
    return {
        "counted": counted,
        "is_own": counted.user_id == access.user.user_id,
        "active": active[counted.id],
        "cap": ApiToken.MAX_ACTIVE,
        "others": [
            Used(each.display_name, active[each.id], f"{access.path}?{urlencode({'whose': word})}")
            for word, each in named.items()
            if each != counted
        ],
    }


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
        Forbidden: the caller is no human, or the owner is run by Harmonic itself, or inactive.
    """
    if not access.user.is_human:
        raise Unauthorized(rules.ONLY_HUMANS, hint=ASK_YOUR_HUMAN)
    settings = Link("The agent's settings", f"/ai-agents/{owner.handle}/settings")
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


# --- One token ------------------------------------------------------------------------------


def token_of(access: Access, handle: str, token_id: str) -> ApiToken:
    return queries.token_at(editable_person(access, handle), token_id)


@dataclass(frozen=True, slots=True)
class ShownRefusal:
    """A refused request, and its cure with the path in it as a link."""

    row: TokenRefusal
    before: str
    path: str
    after: str


_PATH = re.compile(r"/[\w@/.-]*\w")


def shown_refusal(row: TokenRefusal, owner: TenantUser) -> ShownRefusal:
    """Return a refused request for the page: whoever reads it knows whose token it is."""
    cure = row.cure.replace("{handle}", owner.handle)
    found = _PATH.search(cure)
    if found is None:
        return ShownRefusal(row, cure, "", "")
    return ShownRefusal(row, cure[: found.start()], found.group(), cure[found.end() :])


def show(access: Access, token: ApiToken) -> Mapping[str, Any]:
    owner = token.owner
    days = days_of(token, access.now)
    return {
        "bars": bars(days),
        "first_day": days[0].day,
        "last_day": days[-1].day,
        "most": max(day.requests for day in days),
        "requests": sum(day.requests for day in days),
        "refused": sum(day.refusals for day in days),
        "refusals": [shown_refusal(row, owner) for row in refusals_of(token)],
        "reach": reach_of(access, token),
        "person": people([owner.user_id])[owner.user_id],
        "path": token_path(owner, token.id),
        "token": queries.listed_one(access, token),
        "owner": owner,
        "is_parent": is_parent_of(access, owner),
        "scopes": token.scopes,
        "list_path": list_path(owner),
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

    def checked(request: Request, **kwargs: Any) -> HttpResponse:
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
