"""The rules of API tokens: who may make one, for whom, with what, and how many.

`docs/architecture.md` (Tokens) states them in words.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts.models import TenantUser
from accounts.rules import may_edit
from harmonic.kernel import audit
from harmonic.kernel.access import Access, Denied, Invalid, Refused
from tokens import secret
from tokens.models import ApiToken

VERBS = ("create", "read", "update", "delete")
RESOURCES = (
    "all",
    "notes",
    "confirmations",
    "decisions",
    "options",
    "votes",
    "decision_participants",
    "commitments",
    "commitment_participants",
    "cycles",
    "users",
    "api_tokens",
)
READ_ONLY = ("read:all",)
READ_WRITE = ("read:all", "create:all", "update:all", "delete:all")
UNITS = ("minute", "hour", "day", "week", "month", "year")
ONLY_HUMANS = "Only human accounts can create API tokens"
NOT_FOR_INTERNAL = "Internal AI agents cannot have API tokens"
CAP_REACHED = (
    f"Maximum of {ApiToken.MAX_ACTIVE} active API tokens reached."
    " Delete an existing token before creating a new one."
)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made: its row, and the plaintext that exists nowhere else."""

    row: ApiToken
    plaintext: str


# --- Policies -------------------------------------------------------------------------------


def may_manage_tokens(access: Access, owner: Any) -> Denied | None:
    """A human, for themselves or for an external agent they manage."""
    person = getattr(owner, "owner", owner)
    if denied := may_edit(access, person):
        return denied
    if access.actor is None or not access.actor.is_human:
        return Denied(f"{ONLY_HUMANS}.")
    if person is not None and person.user.is_internal_agent:
        return Denied(f"{NOT_FOR_INTERNAL}.")
    return None


def may_create_token(access: Access, owner: TenantUser | None) -> Denied | None:
    if denied := may_manage_tokens(access, owner):
        return denied
    if owner is None or not owner.user.is_agent:
        return None
    if owner.archived_at or owner.user.suspended_at:
        return Denied("This agent is inactive and gets no new tokens.")
    return None


# --- Scopes ---------------------------------------------------------------------------------


def scopes_of(read_write: str) -> tuple[str, ...]:
    return READ_WRITE if read_write == "write" else READ_ONLY


def is_scope(scope: str) -> bool:
    verb, _, resource = scope.partition(":")
    return verb in VERBS and resource in RESOURCES


def refuse_wider(access: Access, scopes: Iterable[str]) -> None:
    """Pass if the caller's token holds each scope itself; sessions hold all.

    Raises:
        Refused: naming the scopes that the token lacks.
    """
    token = access.token
    if token is None:
        return
    lacking = [scope for scope in scopes if not _holds(token.scopes, scope)]
    if lacking:
        raise Refused(
            "Cannot grant scope(s) the creating token does not have: " + ", ".join(lacking),
            code="scope_not_grantable",
        )


def _holds(held: tuple[str, ...], scope: str) -> bool:
    verb = scope.partition(":")[0]
    return scope in held or (verb in VERBS and f"{verb}:all" in held)


def held_by(access: Access, scopes: Iterable[str]) -> list[str]:
    """Return those of `scopes` that the caller may pass on."""
    token = access.token
    return [scope for scope in scopes if token is None or _holds(token.scopes, scope)]


# --- Expiry ---------------------------------------------------------------------------------


def after(now: datetime, duration: int, unit: str) -> datetime:
    """Return the moment `duration` units after `now`; months are calendar months.

    What lies beyond the longest lifetime is cut to it.
    """
    latest = add_months(now, ApiToken.MAX_LIFETIME_MONTHS)
    if unit in {"month", "year"}:
        months = duration * (12 if unit == "year" else 1)
        return min(add_months(now, min(months, ApiToken.MAX_LIFETIME_MONTHS)), latest)
    longest = {"minute": 60 * 24 * 366, "hour": 24 * 366, "day": 366, "week": 53}[unit]
    return min(now + timedelta(**{f"{unit}s": min(duration, longest)}), latest)


def add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))


def cut_expiry(access: Access, asked: datetime | None) -> datetime:
    """Return the expiry that a new token gets: within 12 months, and never later than that
    of the token that makes it."""
    latest = add_months(access.now, ApiToken.MAX_LIFETIME_MONTHS)
    expiry = min(asked, latest) if asked else latest
    return min(expiry, access.token.expires_at) if access.token else expiry


# --- Making and ending tokens ---------------------------------------------------------------


def create_token(
    access: Access,
    owner: TenantUser,
    *,
    name: str | None,
    scopes: Iterable[str],
    expires_at: datetime | None,
) -> NewToken:
    """Make a token of `owner`, inside a transaction.

    Raises:
        Invalid: the name is blank, or the expiry is past.
        Refused: scopes wider than the caller's, or 50 active tokens already.
    """
    granted = list(scopes)
    refuse_wider(access, granted)
    if name == "":
        raise Invalid.of("name", "blank")
    if expires_at is not None and expires_at <= access.now:
        raise Invalid.of("expires_at", "in_the_past")
    _refuse_beyond_cap(access, owner)
    return _made(
        access,
        owner,
        name=name,
        scopes=granted,
        expires_at=cut_expiry(access, expires_at),
    )


def _refuse_beyond_cap(access: Access, owner: TenantUser) -> None:
    # The owner's row is the lock: parallel requests count one after the other.
    TenantUser.objects.select_for_update().get(id=owner.id)
    active = ApiToken.objects.filter(owner=owner).active(access.now)
    if active.count() >= ApiToken.MAX_ACTIVE:
        raise LimitReached


class LimitReached(Invalid):
    """The owner has as many active tokens as anybody may have."""

    code = "limit_reached"
    message = CAP_REACHED

    def __init__(self) -> None:
        super().__init__(rest_message=CAP_REACHED)


def _made(access: Access, owner: TenantUser, **values: Any) -> NewToken:
    plaintext = secret.new()
    row = ApiToken.objects.create(
        tenant_id=access.tenant.id,
        owner=owner,
        token_hash=secret.digest(plaintext),
        token_prefix=secret.visible_prefix(plaintext),
        created_at=access.now,
        updated_at=access.now,
        **values,
    )
    audit.record(
        "token_created",
        access,
        token_id=row.id,
        owner_id=owner.user_id,
        name=row.name,
        is_internal=row.is_internal or None,
    )
    return NewToken(row, plaintext)


def create_internal_token(
    access: Access, owner: TenantUser, *, context: str, lifetime: timedelta = timedelta(hours=1)
) -> NewToken:
    """Make the system's own token for one run of an internal agent, named by `context`."""
    return _made(
        access,
        owner,
        name="Internal Agent Token",
        scopes=list(READ_WRITE),
        expires_at=access.now + lifetime,
        is_internal=True,
        context=context,
    )


def delete_token(access: Access, token: ApiToken) -> None:
    """End a token at once; deleting it again changes nothing."""
    if token.deleted_at is None:
        token.deleted_at = token.updated_at = access.now
        token.save(update_fields=["deleted_at", "updated_at"])
        audit.record(
            "token_deleted",
            access,
            token_id=token.id,
            owner_id=token.owner.user_id,
            name=token.name,
        )


def end_tokens(access: Access, owner: TenantUser) -> int:
    """End all live external tokens of somebody at once, and return how many there were."""
    ended = (
        ApiToken.objects.filter(owner=owner)
        .external()
        .update(deleted_at=access.now, updated_at=access.now)
    )
    audit.record("tokens_ended", access, owner_id=owner.user_id, count=ended)
    return int(ended)


def rename_token(access: Access, token: ApiToken, name: str | None) -> None:
    if name == "":
        raise Invalid.of("name", "blank")
    old_name, token.name = token.name, name
    token.updated_at = access.now
    token.save(update_fields=["name", "updated_at"])
    audit.record(
        "token_renamed",
        access,
        token_id=token.id,
        owner_id=token.owner.user_id,
        name=name,
        old_name=old_name,
    )
