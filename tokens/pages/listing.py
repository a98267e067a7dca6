"""The list of an account's API tokens, with its filters, search and order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q

from accounts.models import TenantUser
from accounts.rules import editable_person
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.pages import Page, action_path
from harmonic.kernel.refusals import Link
from harmonic.kernel.registry import path_to
from harmonic.kernel.rendering.text import folded, normalise_line
from tokens import actions, queries, rules
from tokens.models import ApiToken, ApiTokenQuerySet, list_path
from tokens.reach import tenant_switch


def owner_crumbs(access: Access, owner: TenantUser) -> list[Link]:
    """Return the breadcrumbs of the list: the settings, for an agent below the agents."""
    if owner.user_id == access.user.user_id or not owner.user.is_agent:
        return [Link("Settings", path_to("people.settings", handle=owner.handle))]
    return [
        Link("AI agents", path_to("agents.list")),
        Link(owner.display_name, path_to("agents.show", handle=owner.handle)),
        Link("Settings", path_to("agents.settings", handle=owner.handle)),
    ]


def list_crumbs(access: Access, owner: TenantUser) -> list[Link]:
    return [*owner_crumbs(access, owner), Link("API tokens", list_path(owner))]


# --- Filters --------------------------------------------------------------------------------

ALL = "all"
STATES = ((ALL, "All"), ("active", "Active"), ("expiring", "Expiring soon"), ("expired", "Expired"))
SORTS = (
    ("owner", "Owner"),
    ("name", "Name"),
    ("used", "Recently used"),
    ("unused", "Least recently used"),
    ("expires", "Expiring first"),
)


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """A link that sets one filter and keeps the others."""

    label: str
    path: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Filters:
    """The query of the list: state, owner (`me` or a handle), search text and order."""

    show: str = ALL
    whose: str = ALL
    q: str = ""
    sort: str = "owner"

    @classmethod
    def of(cls, access: Access) -> Filters:
        """Return the filters of a request; unknown states and orders are ignored."""
        show = access.query.get("show", "").lower()
        whose = folded(access.query.get("whose", "").removeprefix("@"))
        sort = access.query.get("sort", "").lower()
        return cls(
            show if show in dict(STATES) else ALL,
            whose or ALL,
            normalise_line(access.query.get("q", ""))[: ApiToken.NAME_LENGTH],
            sort if sort in dict(SORTS) else "owner",
        )

    @property
    def is_narrow(self) -> bool:
        return replace(self, sort="owner") != Filters()

    @property
    def query(self) -> dict[str, str]:
        """The parameters that differ from the defaults."""
        usual = asdict(Filters())
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    def path(self, access: Access, **changed: str) -> str:
        """Return the path of the list with some of these filters changed."""
        query = {**self.query, **changed}
        return f"{access.path}?{urlencode(query)}" if query else access.path

    def choices(
        self, access: Access, name: str, offered: Iterable[tuple[str, str]]
    ) -> list[FilterChoice]:
        """Return a link for each value that filter `name` offers."""
        return [
            FilterChoice(label, self.path(access, **{name: value}), value == getattr(self, name))
            for value, label in offered
        ]

    def rows(self, owners: list[TenantUser], now: datetime) -> ApiTokenQuerySet:
        """Return the tokens of `owners` that match, in the chosen order."""
        one = self.owner(owners)
        chosen = owners if self.whose == ALL else [one] if one else []
        rows = queries.rows_of(chosen).filter(self._state(now))
        found = queries.matching(rows, self.q) if self.q else rows
        return queries.ordered(found, chosen, now, self.sort)

    def _state(self, now: datetime) -> Q:
        is_active = Q(expires_at__gt=now)
        return {
            ALL: Q(),
            "active": is_active,
            "expiring": is_active & Q(expires_at__lte=now + ApiToken.EXPIRES_SOON),
            "expired": ~is_active,
        }[self.show]

    def owner(self, owners: list[TenantUser]) -> TenantUser | None:
        """Return the owner that is asked for; `me` and `all` mean the first of `owners`."""
        if self.whose in {ALL, "me"}:
            return owners[0]
        return next((each for each in owners if each.handle_key == self.whose), None)


# --- Rows -----------------------------------------------------------------------------------


def with_actions(access: Access, token: queries.ListedToken) -> queries.ListedToken:
    """Return a row of the list with links to the actions that the caller may run."""
    row = token.row
    row.owner = token.owner

    def path(action: Action[ApiToken]) -> str:
        return action_path(token.path, action.name) if action.is_listed(access, row) else ""

    return replace(
        token,
        actions=queries.RowActions(
            rotate=path(actions.rotate_api_token),
            rename=path(actions.rename_api_token),
            delete=path(actions.delete_api_token),
        ),
    )


# --- The page -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnerCount:
    """The number of active tokens of an owner, with the path that lists only these."""

    name: str
    active: int
    path: str


def heading(access: Access, owner: TenantUser) -> str:
    is_own = owner.user_id == access.user.user_id
    return "API Tokens" if is_own else f"API Tokens of {owner.display_name}"


def show(access: Access, owner: TenantUser) -> Mapping[str, Any]:
    owners = queries.owners_of(owner)
    filters = Filters.of(access)
    page = numbered(filters.rows(owners, access.now), access, queries.SHOWN)
    has_tokens = bool(page.paginator.count) or queries.rows_of(owners).exists()
    # The values of the filter by owner.
    by_word = {"me": owner} | {
        each.handle_key: each for each in owners[1:] if not each.user.is_internal_agent
    }
    listed = queries.listed(access, owners, page.object_list)
    return {
        "heading": heading(access, owner),
        "owner": owner,
        "tokens": [with_actions(access, each) for each in listed],
        "page": page,
        "filters": filters,
        "filter_query": urlencode(filters.query),
        "kept": {key: value for key, value in filters.query.items() if key != "q"},
        "q_length": ApiToken.NAME_LENGTH,
        "states": filters.choices(access, "show", STATES) if has_tokens else [],
        "owners": _owner_choices(access, by_word, filters) if len(by_word) > 1 else [],
        "sorts": filters.choices(access, "sort", SORTS) if len(listed) > 1 else [],
        "has_tokens": has_tokens,
        "all_path": access.path,
        **_counts(access, by_word, filters, filters.owner(owners) or owner),
        "new_path": f"{list_path(owner)}/new",
        "may_create": rules.may_create_token(access, owner) is None,
        "is_internal": owner.user.is_internal_agent,
        "closed": [] if access.tenant.is_api_enabled else [tenant_switch(access)],
    }


def _owner_choices(
    access: Access, by_word: Mapping[str, TenantUser], filters: Filters
) -> list[FilterChoice]:
    is_own = by_word["me"].user_id == access.user.user_id
    labels = {word: each.display_name for word, each in by_word.items()}
    own = {"me": "You"} if is_own else {}
    return filters.choices(access, "whose", [(ALL, "All"), *{**labels, **own}.items()])


def _counts(
    access: Access, by_word: Mapping[str, TenantUser], filters: Filters, counted: TenantUser
) -> Mapping[str, Any]:
    """Return the counts of the chosen owner and of the others."""
    counts = queries.counts_of([*by_word.values(), counted], access.now)
    return {
        "counted": counted,
        "is_own": counted.user_id == access.user.user_id,
        "active": counts[counted.id].active,
        "cap": ApiToken.MAX_ACTIVE,
        "expiring": sum(each.expiring for each in counts.values()),
        "expiring_path": f"{access.path}?show=expiring",
        "others": [
            OwnerCount(each.display_name, counts[each.id].active, filters.path(access, whose=word))
            for word, each in by_word.items()
            if each != counted
        ],
    }


LIST = Page(
    name="tokens.list",
    nav=(
        NavEntry(
            menu=Menu.SITE,
            order=6,
            label="API tokens",
            icon="key-round",
            is_shown=lambda access: access.user.is_human,
        ),
    ),
    template="tokens/list.html",
    title=lambda access, owner: "API Tokens",
    heading=heading,
    find=editable_person,
    show=show,
    crumbs=owner_crumbs,
    writes={"POST": actions.create_api_token},
    resource="api_tokens",
)
