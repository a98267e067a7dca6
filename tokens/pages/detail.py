"""The page of an API token, and the page of the token in use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from accounts.models import TenantUser
from accounts.queries import people, person_at
from accounts.rules import editable_person, is_parent_of
from harmonic.kernel.access import Access, Rule
from harmonic.kernel.actions import ResourceRef
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link, NotFound
from tokens import actions, queries
from tokens.chart import bars
from tokens.connect.harnesses import McpServer, tabs
from tokens.connect.status import status_of
from tokens.models import ApiToken, TokenRefusal, list_path, token_path
from tokens.owners.actions import stop_ai_agent
from tokens.pages.listing import list_crumbs
from tokens.reach import reach_of
from tokens.usage import days_of, refusals_of


def token_of(access: Access, handle: str, token_id: str) -> ApiToken:
    return queries.token_at(editable_person(access, handle), token_id)


@dataclass(frozen=True, slots=True)
class ShownRefusal:
    """Equal refused requests in a row, newest first, with the path in their remedy as a link."""

    row: TokenRefusal
    count: int
    first_at: datetime
    before: str
    path: str
    after: str


_PATH = re.compile(r"/[\w@/.-]*\w")


def shown_refusals(rows: Iterable[TokenRefusal], owner: TenantUser) -> Iterator[ShownRefusal]:
    """Yield refused requests, newest first; consecutive equal ones as one, with a count."""
    for _, group in groupby(rows, key=_facts):
        newest, *others = group
        oldest = others[-1] if others else newest
        # The page names the owner, so the placeholder for the handle can be filled in.
        cure = newest.cure.replace("{handle}", owner.handle)
        before, path, after = _split_at_path(cure)
        yield ShownRefusal(newest, 1 + len(others), oldest.at, before, path, after)


def _facts(row: TokenRefusal) -> tuple[str, int, str, str]:
    return row.request, row.status, row.sentence, row.cure


def _split_at_path(text: str) -> tuple[str, str, str]:
    found = _PATH.search(text)
    if found is None:
        return text, "", ""
    return text[: found.start()], found.group(), text[found.end() :]


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
        "refusals": list(shown_refusals(refusals_of(token), owner)),
        "reach": reach_of(access, token),
        "person": people([owner.user_id])[owner.user_id],
        "path": token_path(owner, token.id),
        "token": queries.listed_one(access, token),
        "owner": owner,
        "is_parent": is_parent_of(access, owner),
        "scopes": token.scopes,
        "list_path": list_path(owner),
        "status": status_of(token, owner.handle),
        "tabs": tabs(McpServer(access.origin, owner.handle)),
    }


def about(access: Access, token: ApiToken | None) -> ResourceRef | None:
    return actions.resource(token.owner, token) if token else None


TOKEN = Page(
    name="tokens.show",
    template="tokens/show.html",
    title=lambda access, token: "API Token",
    heading=lambda access, token: token.name or "",
    find=token_of,
    show=show,
    crumbs=lambda access, token: list_crumbs(access, token.owner),
    about=about,
    actions=(
        actions.rotate_api_token,
        actions.rename_api_token,
        actions.delete_api_token,
        stop_ai_agent,
    ),
    writes={"DELETE": actions.delete_by_method},
    resource="api_tokens",
)


CONNECTION: Page[ApiToken] = Page(
    name="tokens.connection",
    template="connect/status.html",
    title=lambda access, token: "Connection",
    find=token_of,
    show=lambda access, token: {
        "status": status_of(token, token.owner.handle),
        "path": token_path(token.owner, token.id),
    },
    json=lambda access, token: status_of(token, token.owner.handle).json,
    crumbs=lambda access, token: [
        *list_crumbs(access, token.owner),
        Link(token.name or "Unnamed", token_path(token.owner, token.id)),
    ],
    resource="api_tokens",
)


class AnyTokensPage(Page[ApiToken]):
    """A page that every live token may read, whatever its scopes. It has no actions."""

    @property
    def rule(self) -> Rule:
        return Rule(self.access_level, self.resource, any_scope=True)


def token_in_use(access: Access, handle: str) -> ApiToken:
    """Return the token of the request; `handle` must be its owner's.

    Raises:
        NotFound: the request has a session, or the handle is another account's.
    """
    owner = person_at(access, handle)
    if access.token is None or owner.user_id != access.user.user_id:
        raise NotFound
    return queries.token_at(owner, str(access.token.id))


SELF = AnyTokensPage(
    name="tokens.self",
    template="tokens/show.html",
    title=TOKEN.title,
    heading=TOKEN.heading,
    find=token_in_use,
    show=show,
    crumbs=TOKEN.crumbs,
    about=about,
    resource="api_tokens",
)
