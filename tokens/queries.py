"""Queries for API tokens, as owners and the parents of owners see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Case, Count, F, OrderBy, Q, Value, When
from django.db.models.functions import Lower

from accounts.models import TenantUser
from accounts.queries import agents_of
from accounts.rules import may_edit
from accounts.security import Reading
from harmonic.kernel.access import Access, TokenType
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.refusals import NotFound
from harmonic.kernel.scopes import READ_ONLY, READ_WRITE
from tokens import secret
from tokens.models import ApiToken, ApiTokenQuerySet, token_path

SHOWN = 100


@dataclass(frozen=True, slots=True)
class RowActions:
    """The pages of the actions that a row of the list links to; "" if not permitted."""

    rotate: str = ""
    rename: str = ""
    delete: str = ""


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token as lists show it: its row, owner and state, and the token it replaces.

    `is_overlapping` is true while that one still works.
    """

    row: ApiToken
    owner: TenantUser
    is_own: bool
    is_active: bool
    is_expiring: bool
    replaced: ApiToken | None = None
    is_overlapping: bool = False
    actions: RowActions = RowActions()

    @property
    def name(self) -> str:
        return self.row.name or "Unnamed"

    @property
    def masked(self) -> str:
        return secret.masked(self.row.token_prefix)

    @property
    def short(self) -> str:
        """The visible prefix and an ellipsis: `hmn_c5PC…`."""
        return secret.short(self.row.token_prefix)

    @property
    def access(self) -> str:
        words = access_in_words(self.row.scopes)
        return f"{words}, over MCP only" if self.row.token_type == TokenType.MCP else words

    @property
    def client(self) -> str:
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
    def successor_short(self) -> str:
        return secret.short(self.row.successor.token_prefix) if self.row.successor else ""

    @property
    def replaced_path(self) -> str:
        return token_path(self.owner, self.replaced.id) if self.replaced else ""

    @property
    def replaced_short(self) -> str:
        return secret.short(self.replaced.token_prefix) if self.replaced else ""


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """The number of active tokens of an owner, and of those that expire soon."""

    active: int = 0
    expiring: int = 0


def access_in_words(scopes: Iterable[str]) -> str:
    """Return scopes in the words of the pages: `read`, `read + write`, or one by one."""
    held = set(scopes)
    if held >= set(READ_WRITE):
        return "read + write"
    return (
        "read"
        if held == set(READ_ONLY)
        else ", ".join(sorted(each.removesuffix(":all") for each in held))
    )


def tokens_of(owner: TenantUser) -> ApiTokenQuerySet:
    """Return the external tokens of `owner` that are not deleted."""
    rows: ApiTokenQuerySet = ApiToken.objects.filter(owner=owner).external()
    return rows


def token_at(owner: TenantUser, token_id: str, sentence: str = "Not found") -> ApiToken:
    """Return an external token of `owner`, which may have expired.

    Raises:
        NotFound: the ID is malformed or unknown, or the token is deleted, internal, or another
            owner's; the message is `sentence`.
    """
    parsed = parse_uuid(token_id)
    rows = ApiToken.objects.filter(owner=owner).external().with_owner()
    found: ApiToken | None = rows.filter(id=parsed).first() if parsed else None
    if found is None:
        raise NotFound(sentence)
    return found


def replaced_by(token: ApiToken) -> ApiToken | None:
    """Return the token that `token` replaces, unless that is deleted."""
    found: ApiToken | None = ApiToken.objects.filter(successor=token.id).external().first()
    return found


def active_count(owner: TenantUser, now: datetime) -> int:
    rows = ApiToken.objects.filter(owner=owner).active(now)
    return int(rows.count())


def counts_of(owners: Iterable[TenantUser], now: datetime) -> dict[UUID, TokenCounts]:
    """Return the counts of each of `owners`, by the owner's ID."""
    owners = list(owners)
    is_expiring = Q(expires_at__lte=now + ApiToken.EXPIRES_SOON)
    rows = ApiToken.objects.filter(owner__in=owners).active(now).order_by().values_list("owner")
    counted = rows.annotate(active=Count("id"), expiring=Count("id", filter=is_expiring))
    counts = {owner_id: TokenCounts(*numbers) for owner_id, *numbers in counted}
    return {owner.id: counts.get(owner.id, TokenCounts()) for owner in owners}


def owners_of(owner: TenantUser) -> list[TenantUser]:
    """Return `owner`, followed by their agents by name, whose tokens a list includes."""
    agents = agents_of(owner.user_id) if owner.user.is_human else []
    return [owner, *sorted(agents, key=lambda each: (each.display_name.lower(), each.handle))]


def rows_of(owners: Sequence[TenantUser]) -> ApiTokenQuerySet:
    """Return the tokens of several owners, unordered."""
    rows: ApiTokenQuerySet = ApiToken.objects.filter(owner__in=owners).external()
    return rows.select_related("successor")


# The orders of the list, after active tokens before expired ones.
ORDERS: Mapping[str, tuple[OrderBy | str, ...]] = {
    "owner": ("owner_place", "-created_at"),
    "name": (Lower("name").asc(nulls_last=True), "-created_at"),
    "used": (F("last_used_at").desc(nulls_last=True), "-created_at"),
    "unused": (F("last_used_at").asc(nulls_first=True), "created_at"),
    "expires": ("expires_at",),
}


def ordered(
    rows: ApiTokenQuerySet, owners: Sequence[TenantUser], now: datetime, order: str = "owner"
) -> ApiTokenQuerySet:
    """Return rows in one of `ORDERS`, expired tokens last.

    The order `owner` follows `owners`, newest tokens first.
    """
    places = [When(owner=owner, then=Value(place)) for place, owner in enumerate(owners)]
    place = Case(*places, default=Value(len(owners)))
    is_expired = Case(When(expires_at__gt=now, then=Value(0)), default=Value(1))
    placed = rows.annotate(is_expired=is_expired, owner_place=place)
    ordered_rows: ApiTokenQuerySet = placed.order_by("is_expired", *ORDERS[order], "-id")
    return ordered_rows


def matching(rows: ApiTokenQuerySet, text: str) -> ApiTokenQuerySet:
    """Return the rows whose name, note or visible prefix contains `text`, in any case."""
    found: ApiTokenQuerySet = rows.filter(
        Q(name__icontains=text) | Q(note__icontains=text) | Q(token_prefix__icontains=text)
    )
    return found


def listed(
    access: Access, owners: Iterable[TenantUser], rows: Iterable[ApiToken]
) -> list[ListedToken]:
    """Return tokens of `owners` as lists show them."""
    found = list(rows)
    known = {owner.id: owner for owner in owners}
    replaced = {
        row.successor_id: row
        for row in ApiToken.objects.filter(successor__in=[row.id for row in found]).external()
    }
    return [_listed(access, row, known[row.owner_id], replaced.get(row.id)) for row in found]


def first_listed(access: Access, owners: Sequence[TenantUser]) -> list[ListedToken]:
    """Return the first page of the tokens of `owners`."""
    return listed(access, owners, ordered(rows_of(owners), owners, access.now)[:SHOWN])


def listed_one(access: Access, token: ApiToken) -> ListedToken:
    """Return a token as lists show it."""
    return _listed(access, token, token.owner, replaced_by(token))


def _listed(
    access: Access, row: ApiToken, owner: TenantUser, replaced: ApiToken | None
) -> ListedToken:
    return ListedToken(
        row,
        owner,
        is_own=owner.user_id == access.user.user_id,
        is_active=row.is_active(access.now),
        is_expiring=row.is_expiring(access.now),
        replaced=replaced,
        is_overlapping=replaced is not None and replaced.is_active(access.now),
    )


def pages_in_log(reading: Reading, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the paths of the token pages that a reader of the security log may open."""
    rows = ApiToken.objects.filter(id__in=list(ids)).external().with_owner()
    return {
        row.id: token_path(row.owner, row.id)
        for row in rows
        if may_edit(reading.access, row.owner) is None
    }
