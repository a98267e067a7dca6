"""Reading tokens, as their owners and their owners' parents see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import TenantUser
from accounts.queries import agents_of
from harmonic.kernel.access import Access, NotFound
from harmonic.kernel.tenancy import parse_uuid
from tokens import secret
from tokens.models import ApiToken

SHOWN = 1000


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token in a list: its row, whose it is, and whether it works now."""

    row: ApiToken
    owner: TenantUser
    is_own: bool
    is_active: bool

    @property
    def name(self) -> str:
        return self.row.name or "Unnamed"

    @property
    def masked(self) -> str:
        return secret.masked(self.row.token_prefix)

    @property
    def path(self) -> str:
        return f"/u/{self.owner.handle}/settings/tokens/{self.row.id}"


def tokens_of(owner: TenantUser) -> list[ApiToken]:
    """Return somebody's tokens that nobody deleted, newest first; internal ones never."""
    rows = ApiToken.objects.filter(owner=owner).external()
    return list(rows.order_by("-created_at", "-id")[:SHOWN])


def token_at(owner: TenantUser, token_id: str, sentence: str = "Not found") -> ApiToken:
    """Return one of somebody's tokens; an expired one too.

    Raises:
        NotFound: with `sentence`: unknown, deleted, internal, somebody else's, or no id.
    """
    parsed = parse_uuid(token_id)
    rows = ApiToken.objects.filter(owner=owner).external().with_owner()
    found: ApiToken | None = rows.filter(id=parsed).first() if parsed else None
    if found is None:
        raise NotFound(sentence)
    return found


def successor_of(token: ApiToken) -> ApiToken | None:
    """Return what replaced a token, if nobody deleted it."""
    if token.successor_id is None:
        return None
    found: ApiToken | None = ApiToken.objects.filter(id=token.successor_id).external().first()
    return found


def active_count(owner: TenantUser, now: datetime) -> int:
    rows = ApiToken.objects.filter(owner=owner).active(now)
    return int(rows.count())


def listed(access: Access, owner: TenantUser) -> list[ListedToken]:
    """Return the tokens of a settings page: one's own, then those of one's agents by name."""
    agents = list(agents_of(owner.user_id)) if owner.user.is_human else []
    by_name = sorted(agents, key=lambda agent: (agent.display_name.lower(), agent.handle))
    owners = [owner, *by_name]
    return [
        ListedToken(row, each, each.user_id == access.user.user_id, row.is_active(access.now))
        for each, row in _in_order(owners)
    ]


def _in_order(owners: list[TenantUser]) -> Iterable[tuple[TenantUser, ApiToken]]:
    rows = ApiToken.objects.filter(owner__in=owners).external()
    by_owner: dict[UUID, list[ApiToken]] = {}
    for row in rows.order_by("-created_at", "-id")[:SHOWN]:
        by_owner.setdefault(row.owner_id, []).append(row)
    return ((owner, row) for owner in owners for row in by_owner.get(owner.id, []))
