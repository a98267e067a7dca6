"""Reading tokens, as their owners and their owners' parents see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from accounts.models import TenantUser
from accounts.queries import agents_of
from harmonic.kernel.access import Access, NotFound
from harmonic.kernel.database.tenancy import parse_uuid
from tokens import secret
from tokens.models import ApiToken, token_path

SHOWN = 1000


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token in a list: its row, whose it is, whether it works now, and what it replaced."""

    row: ApiToken
    owner: TenantUser
    is_own: bool
    is_active: bool
    replaced: ApiToken | None = None

    @property
    def name(self) -> str:
        return self.row.name or "Unnamed"

    @property
    def masked(self) -> str:
        return secret.masked(self.row.token_prefix)

    @property
    def whence(self) -> str:
        """The network and the client of the last use, as far as they are known."""
        network = f"from {self.row.last_used_from}" if self.row.last_used_from else ""
        return ", ".join(filter(None, (network, self.row.last_used_by)))

    @property
    def path(self) -> str:
        return token_path(self.owner, self.row.id)

    @property
    def successor_path(self) -> str:
        return token_path(self.owner, self.row.successor_id) if self.row.successor_id else ""

    @property
    def replaced_path(self) -> str:
        return token_path(self.owner, self.replaced.id) if self.replaced else ""


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


def replaced_by(token: ApiToken) -> ApiToken | None:
    """Return what a token took the place of, if nobody deleted it."""
    found: ApiToken | None = ApiToken.objects.filter(successor=token.id).external().first()
    return found


def active_count(owner: TenantUser, now: datetime) -> int:
    rows = ApiToken.objects.filter(owner=owner).active(now)
    return int(rows.count())


def active_counts(owners: Iterable[TenantUser], now: datetime) -> dict[UUID, int]:
    """Return how many active tokens each of `owners` has, by the owner's id."""
    rows = ApiToken.objects.filter(owner__in=owners).active(now)
    counts = dict(rows.order_by().values_list("owner").annotate(count=Count("id")))
    return {owner.id: counts.get(owner.id, 0) for owner in owners}


def owners_of(owner: TenantUser) -> list[TenantUser]:
    """Return whose tokens a settings page shows: the owner, then their agents by name."""
    agents = agents_of(owner.user_id) if owner.user.is_human else []
    return [owner, *sorted(agents, key=lambda each: (each.display_name.lower(), each.handle))]


def listed(access: Access, owner: TenantUser) -> list[ListedToken]:
    """Return the tokens of a settings page: one's own, then those of one's agents by name."""
    return listed_of(access, owners_of(owner))


def listed_of(access: Access, owners: list[TenantUser]) -> list[ListedToken]:
    """Return the tokens of several owners, owner by owner, newest first."""
    rows = ApiToken.objects.filter(owner__in=owners).external().order_by("-created_at", "-id")
    found = list(rows[:SHOWN])
    replaced = {row.successor_id: row for row in found if row.successor_id}
    known = {owner.id: owner for owner in owners}
    places = {owner_id: place for place, owner_id in enumerate(known)}
    return [
        _listed(access, row, known[row.owner_id], replaced.get(row.id))
        for row in sorted(found, key=lambda row: places[row.owner_id])
    ]


def listed_one(access: Access, token: ApiToken) -> ListedToken:
    """Return a token as the list has it."""
    return _listed(access, token, token.owner, replaced_by(token))


def _listed(
    access: Access, row: ApiToken, owner: TenantUser, replaced: ApiToken | None
) -> ListedToken:
    is_own = owner.user_id == access.user.user_id
    return ListedToken(row, owner, is_own, row.is_active(access.now), replaced)
