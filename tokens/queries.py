"""Reading tokens, as their owners and their owners' parents see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Case, Count, Value, When

from accounts.models import TenantUser
from accounts.queries import agents_of
from accounts.rules import may_edit
from accounts.security import Reading
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.refusals import NotFound
from tokens import secret
from tokens.models import ApiToken, ApiTokenQuerySet, token_path

SHOWN = 100


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


def tokens_of(owner: TenantUser) -> ApiTokenQuerySet:
    """Return somebody's tokens that nobody deleted; internal ones never."""
    rows: ApiTokenQuerySet = ApiToken.objects.filter(owner=owner).external()
    return rows


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


def rows_of(owners: Sequence[TenantUser]) -> ApiTokenQuerySet:
    """Return the tokens of several owners, owner by owner, newest first."""
    places = [When(owner=owner, then=Value(place)) for place, owner in enumerate(owners)]
    place = Case(*places, default=Value(len(owners)))
    rows: ApiTokenQuerySet = ApiToken.objects.filter(owner__in=owners).external()
    return rows.order_by(place, "-created_at", "-id")


def listed(
    access: Access, owners: Iterable[TenantUser], rows: Iterable[ApiToken]
) -> list[ListedToken]:
    """Return tokens of some owners as the list has them."""
    found = list(rows)
    known = {owner.id: owner for owner in owners}
    replaced = {
        row.successor_id: row
        for row in ApiToken.objects.filter(successor__in=[row.id for row in found]).external()
    }
    return [_listed(access, row, known[row.owner_id], replaced.get(row.id)) for row in found]


def first_listed(access: Access, owners: Sequence[TenantUser]) -> list[ListedToken]:
    """Return as many tokens of some owners as a page has; the list has the others."""
    return listed(access, owners, rows_of(owners)[:SHOWN])


def listed_one(access: Access, token: ApiToken) -> ListedToken:
    """Return a token as the list has it."""
    return _listed(access, token, token.owner, replaced_by(token))


def _listed(
    access: Access, row: ApiToken, owner: TenantUser, replaced: ApiToken | None
) -> ListedToken:
    is_own = owner.user_id == access.user.user_id
    return ListedToken(row, owner, is_own, row.is_active(access.now), replaced)


def pages_in_log(reading: Reading, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the pages of tokens that a reader of the security log may open."""
    rows = ApiToken.objects.filter(id__in=list(ids)).external().with_owner()
    return {
        row.id: token_path(row.owner, row.id)
        for row in rows
        if may_edit(reading.access, row.owner) is None
    }
