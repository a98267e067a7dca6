"""The list of an account's API tokens, with its filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q

from accounts.models import TenantUser
from accounts.rules import editable_person
from harmonic.kernel.access import Access
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link
from harmonic.kernel.registry import path_to
from harmonic.kernel.rendering.text import folded
from tokens import actions, queries, rules
from tokens.models import ApiToken, ApiTokenQuerySet, list_path
from tokens.reach import tenant_switch


def above(access: Access, owner: TenantUser) -> list[Link]:
    """Return where the tokens of `owner` hang: their settings, an agent's below the agents."""
    if owner.user_id == access.user.user_id or not owner.user.is_agent:
        return [Link("Settings", path_to("people.settings", handle=owner.handle))]
    return [
        Link("AI agents", path_to("agents.list")),
        Link(owner.display_name, path_to("agents.show", handle=owner.handle)),
        Link("Settings", path_to("agents.settings", handle=owner.handle)),
    ]


def below_list(access: Access, owner: TenantUser) -> list[Link]:
    return [*above(access, owner), Link("API tokens", list_path(owner))]


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """One way to narrow the list: its words, where it leads, and whether it is taken."""

    label: str
    path: str
    is_chosen: bool


def choices(
    access: Access, name: str, offered: Iterable[tuple[str, str]], chosen: Filters
) -> list[FilterChoice]:
    """Return what a filter offers; the others stay as they are."""
    others = {key: value for key, value in chosen.query.items() if key != name}
    return [
        FilterChoice(
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


def _whoses(
    access: Access, named: Mapping[str, TenantUser], filters: Filters
) -> list[FilterChoice]:
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
    nav=(
        NavEntry(
            menu=Menu.SITE,
            order=5,
            label="API tokens",
            icon="key-round",
            is_shown=lambda access: access.user.is_human,
        ),
    ),
    template="tokens/list.html",
    title=lambda access, owner: "API Tokens",
    find=editable_person,
    show=listed,
    crumbs=above,
    writes={"POST": actions.create_api_token},
    resource="api_tokens",
)
