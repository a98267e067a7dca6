"""The query behind every access decision: tenant, caller, token, collective and membership.

It returns one row of plain values, for a token, a session or an anonymous request. By design, it is
the only code that reads across tenants.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import Exists, F, FilteredRelation, Q, QuerySet

from accounts.models import Tenant
from harmonic.kernel.access import (
    Actor,
    CollectiveKind,
    Membership,
    Place,
    TenantFacts,
    TokenFacts,
    UserType,
)
from harmonic.kernel.capabilities import Capabilities
from harmonic.kernel.database.prepared import Prepared, QueryValue
from harmonic.kernel.database.tenancy import NO_ID, parse_uuid
from tokens.models import ApiToken


@dataclass(frozen=True, slots=True)
class LookupResult:
    """The result of the lookup; `actor` is None for anonymous callers and former members."""

    tenant: TenantFacts
    is_tenant_archived: bool
    is_tenant_suspended: bool
    actor: Actor | None
    token: TokenFacts | None
    place: Place | None
    membership: Membership | None
    is_user_suspended: bool = False
    is_agent_paused: bool = False
    sessions_revoked_at: datetime | None = None
    is_session_alive: bool = True


_TENANT = (
    "id",
    "subdomain",
    "name",
    "timezone",
    "is_api_enabled",
    "access_version",
    "archived_at",
    "suspended_at",
)
_PERSON = ("id", "handle", "display_name", "is_admin", "archived_at")
_USER = (
    "id",
    "user_type",
    "parent_id",
    "suspended_at",
    "sessions_revoked_at",
)
_AGENT = ("capability_names", "may_write_publicly", "paused_at")
_PLACE = (
    "id",
    "handle",
    "name",
    "kind",
    "is_main",
    "is_api_enabled",
    "all_members_can_invite",
    "invite_only",
    "archived_at",
)
_MEMBER = ("id", "is_admin", "is_representative")
_TOKEN = (
    "id",
    "name",
    "scopes",
    "expires_at",
    "last_used_at",
    "is_internal",
    "context",
    "token_type",
)


def _under(prefix: str, names: Iterable[str]) -> list[str]:
    return [f"{prefix}__{name}" if prefix else name for name in names]


def _at_place(relation: str, place: str | UUID) -> Q:
    if isinstance(place, UUID):
        return Q(**{f"{relation}__id": place})
    if place:
        return Q(**{f"{relation}__handle": place})
    return Q(**{f"{relation}__is_main": True})


def by_session(
    subdomain: str, user_id: UUID, place: str | UUID = "", session_key: str = ""
) -> QuerySet[Any, tuple[Any, ...]]:
    """Return the query for a signed-in user or an anonymous request.

    With `session_key`, the query also returns whether that session still exists.
    """
    columns: list[Any] = [
        *_under("", _TENANT),
        *_under("person", _PERSON),
        *_under("account", _USER),
        *_under("account__agent", _AGENT),
        *_under("place", _PLACE),
        *_under("member", _MEMBER),
    ]
    if session_key:
        columns.append(Exists(Session.objects.filter(session_key=session_key)))
    return (
        Tenant.objects.filter(subdomain=subdomain)
        .annotate(
            person=FilteredRelation("tenantusers", condition=Q(tenantusers__user_id=user_id)),
            place=FilteredRelation("collectives", condition=_at_place("collectives", place)),
        )
        .annotate(
            # Declared, so that its join follows that of the person.
            account=FilteredRelation("person__user"),
            member=FilteredRelation(
                "place__members",
                condition=Q(
                    place__members__person=F("person__id"), place__members__archived_at=None
                ),
            ),
        )
        .values_list(*columns)
    )


def by_token(subdomain: str, digest: str, place: str | UUID = "") -> QuerySet[Any, tuple[Any, ...]]:
    """Return the query for a live token of this tenant."""
    columns = [
        *_under("tenant", _TENANT),
        *_under("owner", _PERSON),
        *_under("owner__user", _USER),
        *_under("owner__user__agent", _AGENT),
        *_under("place", _PLACE),
        *_under("member", _MEMBER),
        *_under("", _TOKEN),
        "owner__user__parent__suspended_at",
    ]
    return (
        ApiToken.unscoped.live()
        .filter(token_hash=digest, tenant__subdomain=subdomain)
        .annotate(
            place=FilteredRelation(
                "tenant__collectives", condition=_at_place("tenant__collectives", place)
            )
        )
        .annotate(
            member=FilteredRelation(
                "place__members",
                condition=Q(place__members__person=F("owner"), place__members__archived_at=None),
            )
        )
        .values_list(*columns)
    )


def find_by_session(
    subdomain: str, user_id: UUID | None, place: str, *, session_key: str = ""
) -> LookupResult | None:
    """Return the lookup of a session's user or of an anonymous request; None without a tenant.

    `place` is the handle or ID of a collective, or "" for the main one. With `session_key`, the
    tenant's row is locked in share mode, and the session must still exist.
    """
    who: dict[str, QueryValue] = {"subdomain": subdomain, "user_id": user_id or NO_ID}
    if session_key:
        return _BY_SESSION_AGAIN.first(**who, **_named(place), session_key=session_key)
    return _BY_SESSION.first(**who, **_named(place))


def find_by_token(
    subdomain: str, digest: str, place: str, *, is_locking: bool = False
) -> LookupResult | None:
    """Return the lookup of a token, or None if the tenant has no live token with this digest.

    With `is_locking`, the tenant's row is locked in share mode.
    """
    query = _BY_TOKEN_AGAIN if is_locking else _BY_TOKEN
    return query.first(subdomain=subdomain, digest=digest, **_named(place))


def _named(place: str) -> dict[str, QueryValue]:
    return {"place": parse_uuid(place) or place} if place else {}


class _RowReader:
    """The values of a row, consumed group by group."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values = list(values)

    def take(self, names: Iterable[str]) -> dict[str, Any]:
        return {name: self.values.pop(0) for name in names}


def _found(values: tuple[Any, ...]) -> LookupResult:
    row = _RowReader(values)
    tenant, person, user = row.take(_TENANT), row.take(_PERSON), row.take(_USER)
    agent = row.take(_AGENT)
    place, member = row.take(_PLACE), row.take(_MEMBER)
    token = row.take(_TOKEN) if len(row.values) > len(_TOKEN) else None
    # An agent is suspended with its parent, even if its own row is not.
    suspensions = [user["suspended_at"], row.values.pop() if token else None]
    return LookupResult(
        tenant=TenantFacts(
            tenant["id"],
            tenant["subdomain"],
            tenant["name"],
            tenant["timezone"],
            tenant["is_api_enabled"],
            tenant["access_version"],
        ),
        is_tenant_archived=tenant["archived_at"] is not None,
        is_tenant_suspended=tenant["suspended_at"] is not None,
        actor=_actor(person, user, agent),
        token=TokenFacts(**{**token, "scopes": tuple(token["scopes"])}) if token else None,
        place=_place(place),
        membership=_membership(member, place),
        is_user_suspended=any(suspensions),
        is_agent_paused=agent["paused_at"] is not None,
        sessions_revoked_at=user["sessions_revoked_at"],
        is_session_alive=bool(row.values.pop()) if row.values else True,
    )


def _actor(person: dict[str, Any], user: dict[str, Any], agent: dict[str, Any]) -> Actor | None:
    if person["id"] is None or person["archived_at"] is not None:
        return None
    return Actor(
        user_id=user["id"],
        person_id=person["id"],
        handle=person["handle"],
        name=person["display_name"],
        user_type=UserType(user["user_type"]),
        is_tenant_admin=person["is_admin"],
        parent_id=user["parent_id"],
        # People have no agent row and no capabilities to grant.
        capabilities=Capabilities.of(
            agent["capability_names"] or (),
            may_write_publicly=bool(agent["may_write_publicly"]),
        ),
    )


def _place(place: dict[str, Any]) -> Place | None:
    if place["id"] is None:
        return None
    return Place(
        id=place["id"],
        handle=place["handle"],
        name=place["name"],
        kind=CollectiveKind(place["kind"]),
        is_main=place["is_main"],
        is_api_enabled=place["is_api_enabled"],
        is_archived=place["archived_at"] is not None,
    )


def _membership(member: dict[str, Any], place: dict[str, Any]) -> Membership | None:
    if member["id"] is None:
        return None
    everyone = place["all_members_can_invite"] or not place["invite_only"]
    is_invitable = place["kind"] == CollectiveKind.STANDARD and not place["is_main"]
    return Membership(
        is_admin=member["is_admin"],
        is_representative=member["is_representative"],
        may_invite=is_invitable and (member["is_admin"] or everyone),
    )


_LOCK = f'FOR SHARE OF "{Tenant._meta.db_table}"'
_BY_SESSION = Prepared(by_session, _found)
_BY_SESSION_AGAIN = Prepared(by_session, _found, _LOCK)
_BY_TOKEN = Prepared(by_token, _found)
_BY_TOKEN_AGAIN = Prepared(by_token, _found, _LOCK)
