"""Rules of API tokens: who may create them, for which owner, with which scopes, and how many.

`docs/architecture.md` (Tokens) describes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.models import TenantUser
from accounts.rules import may_edit
from harmonic.kernel.access import Access, TokenType
from harmonic.kernel.operations import audit
from harmonic.kernel.refusals import (
    ASK_YOUR_HUMAN,
    LIFT_SUSPENSION,
    Conflict,
    Denied,
    Invalid,
    Link,
    Refused,
)
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import READ_ONLY, READ_WRITE
from tokens import secret
from tokens.lifetimes import cut_expiry, same_lifetime
from tokens.models import ApiToken, token_path
from tokens.queries import active_count

ONLY_HUMANS = "Only human accounts can create API tokens"
NOT_FOR_INTERNAL = "Internal AI agents cannot have API tokens"
RUN_BY_HARMONIC = "Harmonic manages the tokens of the agents that it runs."
CAP_REACHED = (
    f"Maximum of {ApiToken.MAX_ACTIVE} active API tokens reached."
    " Delete an existing token before creating a new one."
)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just created: its row, and the plaintext, which is stored nowhere."""

    row: ApiToken
    plaintext: str

    @property
    def facts(self) -> dict[str, Any]:
        """Return the facts for the security log and the token's event."""
        return {
            **facts_of(self.row),
            "masked": secret.masked(self.row.token_prefix),
            "scopes": list(self.row.scopes),
            "expires_at": self.row.expires_at,
        }


def facts_of(token: ApiToken) -> dict[str, Any]:
    """Return the facts that identify a token in the security log and in events."""
    return {"token_id": token.id, "owner_id": token.owner.user_id, "name": token.name}


# --- Policies -------------------------------------------------------------------------------


def may_manage_tokens(access: Access, target: TenantUser | ApiToken | None) -> Denied | None:
    """Allow a human to manage their own tokens and those of their external agents."""
    person = target.owner if isinstance(target, ApiToken) else target
    if denied := may_edit(access, person):
        return denied
    if access.actor is None or not access.actor.is_human:
        return Denied(f"{ONLY_HUMANS}.", ASK_YOUR_HUMAN)
    if person is not None and person.user.is_internal_agent:
        return Denied(f"{NOT_FOR_INTERNAL}.", RUN_BY_HARMONIC)
    return None


def may_create_token(access: Access, owner: TenantUser | None) -> Denied | None:
    if denied := may_manage_tokens(access, owner):
        return denied
    if owner is None or not owner.user.is_agent:
        return None
    if owner.user.suspended_at:
        return Denied("This agent is suspended and cannot have new tokens.", LIFT_SUSPENSION)
    if owner.archived_at:
        hint = f"Reactivate it at {path_to('agents.settings', handle=owner.handle)} first."
        return Denied("This agent is inactive and cannot have new tokens.", hint)
    return None


def may_rotate_token(access: Access, token: ApiToken | None) -> Denied | None:
    """Allow callers who may create a token for the same owner."""
    return may_create_token(access, token.owner if token else None)


# --- Scopes ---------------------------------------------------------------------------------


def scopes_of(read_write: str) -> tuple[str, ...]:
    return READ_WRITE if read_write == "write" else READ_ONLY


def refuse_wider(access: Access, scopes: Iterable[str]) -> None:
    """Pass if the caller's token holds each of `scopes`; a session holds all scopes.

    Raises:
        Refused: the token lacks some of them; the message names them.
    """
    token = access.token
    if token is None:
        return
    lacking = [scope for scope in scopes if not _holds(token.scopes, scope)]
    if lacking:
        raise Refused(
            "Cannot grant scope(s) the creating token does not have: " + ", ".join(lacking),
            code="scope_not_grantable",
            hint=f"Your token has: {', '.join(token.scopes)}. Use a token that has these scopes.",
        )


def _holds(held: tuple[str, ...], scope: str) -> bool:
    # Unknown resources are refused later, by name.
    return scope in held or f"{scope.partition(':')[0]}:all" in held


def grantable_scopes(access: Access, scopes: Iterable[str]) -> list[str]:
    """Return the `scopes` that the caller may grant to a new token.

    Raises:
        Refused: the caller may grant none of them.
    """
    token, asked = access.token, list(scopes)
    held = [scope for scope in asked if token is None or _holds(token.scopes, scope)]
    if not held:
        refuse_wider(access, asked)
    return held


# --- Creating, rotating and deleting --------------------------------------------------------


def create_token(
    access: Access,
    owner: TenantUser,
    *,
    name: str | None,
    scopes: Iterable[str],
    expires_at: datetime | None,
    note: str = "",
    token_type: TokenType = TokenType.REST,
    client_name: str = "",
) -> NewToken:
    """Create a token for `owner`, inside a transaction.

    `client_name` is the client that it is for.

    Raises:
        Invalid: no scopes are given, the name is blank, or the expiry is in the past.
        Refused: the caller lacks a scope, or the owner has 50 active tokens.
    """
    granted = list(scopes)
    refuse_wider(access, granted)
    if not granted:
        raise Invalid.of("scopes", "blank")
    check_name(name)
    check_expiry(access, expires_at)
    _refuse_beyond_cap(access, owner)
    return _made(
        access,
        owner,
        name=name,
        note=note,
        token_type=token_type,
        client_name=client_name,
        scopes=granted,
        expires_at=cut_expiry(access, expires_at),
    )


def check_name(name: str | None) -> None:
    """Require a name that is not blank; a token without a name has None.

    Raises:
        Invalid: the name is blank.
    """
    if name == "":
        raise Invalid.of("name", "blank")


def check_expiry(access: Access, expires_at: datetime | None) -> None:
    """Require an expiry in the future.

    Raises:
        Invalid: the expiry is in the past.
    """
    if expires_at is not None and expires_at <= access.now:
        raise Invalid.of("expires_at", "in_the_past")


def _refuse_beyond_cap(access: Access, owner: TenantUser) -> None:
    # Locking the owner's row makes parallel requests count one after the other.
    TenantUser.objects.select_for_update().get(id=owner.id)
    require_room(access, owner)


def require_room(access: Access, owner: TenantUser) -> None:
    """Require that `owner` has fewer active tokens than the maximum.

    Raises:
        LimitReached: the owner has the maximum.
    """
    if not has_room(access, owner):
        raise LimitReached


def has_room(access: Access, owner: TenantUser) -> bool:
    """Return whether `owner` has fewer active tokens than the maximum."""
    return active_count(owner, access.now) < ApiToken.MAX_ACTIVE


class LimitReached(Invalid):
    """Refusal: the owner already has the maximum number of active tokens."""

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
    made = NewToken(row, plaintext)
    audit.record("token_created", access, **made.facts, is_internal=row.is_internal or None)
    return made


def rotate_token(access: Access, token: ApiToken, overlap_days: int | None = None) -> NewToken:
    """Replace a token with a successor of the same name, note, scopes and lifetime.

    Runs inside a transaction. The old token keeps working for `overlap_days`; 0 deletes it
    immediately. The default is `usual_overlap`.

    Raises:
        Conflict: the token has a successor already, or has expired.
        Refused: the caller lacks a scope, or the owner has 50 active tokens.
    """
    refuse_wider(access, token.scopes)
    # Locking the owner's row makes the second of two parallel rotations see the first.
    TenantUser.objects.select_for_update().get(id=token.owner_id)
    token.refresh_from_db(fields=["successor", "expires_at", "full_expires_at", "deleted_at"])
    _refuse_second_rotation(access, token)
    if overlap_days is None:
        overlap_days = usual_overlap(access, token.owner)
    if overlap_days == 0:
        delete_token(access, token)
    _refuse_where_both_are_too_many(access, token.owner)
    lives_until = same_lifetime(token, access.now)
    made = _made(
        access,
        token.owner,
        name=token.name,
        note=token.note,
        token_type=token.token_type,
        client_name=token.client_name,
        scopes=list(token.scopes),
        expires_at=cut_expiry(access, lives_until),
        full_expires_at=lives_until,
    )
    _hand_over(access, token, made.row, timedelta(days=overlap_days))
    return made


def usual_overlap(access: Access, owner: TenantUser) -> int:
    """Return the default overlap in days: 0 if the owner has no room for both tokens."""
    return ApiToken.USUAL_OVERLAP_DAYS if has_room(access, owner) else 0


def _refuse_second_rotation(access: Access, token: ApiToken) -> None:
    if not token.is_active(access.now):
        raise Conflict(
            "This token has expired or was deleted.",
            code="token_ended",
            hint="Create a new one.",
        )
    if token.successor_id is None:
        return
    raise Conflict(
        "This token has already been rotated.",
        code="already_rotated",
        hint=(
            f"The successor's ID is {token.successor_id}. If you no longer have its plaintext,"
            " delete the successor and rotate this token again."
        ),
        links=[Link("Successor", token_path(token.owner, token.successor_id))],
        extra={"successor_id": str(token.successor_id)},
    )


def _refuse_where_both_are_too_many(access: Access, owner: TenantUser) -> None:
    try:
        _refuse_beyond_cap(access, owner)
    except LimitReached as reached:
        reached.hint = (
            "With an overlap of 0 days (overlap_days 0), the old token is deleted"
            " and makes room for the new one."
        )
        raise


def _hand_over(access: Access, token: ApiToken, successor: ApiToken, overlap: timedelta) -> None:
    token.successor = successor
    token.full_expires_at = token.full_expires_at or token.expires_at
    token.expires_at = min(token.expires_at, access.now + overlap)
    token.updated_at = access.now
    token.save(update_fields=["successor", "full_expires_at", "expires_at", "updated_at"])
    audit.record("token_rotated", access, **facts_of(token), successor_id=successor.id)


def create_internal_token(
    access: Access, owner: TenantUser, *, context: str, lifetime: timedelta = timedelta(hours=1)
) -> NewToken:
    """Create an internal token for one run of an internal agent; `context` names the run."""
    return _made(
        access,
        owner,
        name="Internal Agent Token",
        scopes=list(READ_WRITE),
        expires_at=access.now + lifetime,
        is_internal=True,
        context=context,
    )


def delete_internal_tokens(user_id: UUID, context: str, now: datetime) -> int:
    """Revoke the tokens of one run of an agent in the bound tenant, and return their number."""
    rows = ApiToken.objects.filter(owner__user_id=user_id, is_internal=True, deleted_at=None)
    return int(rows.filter(context=context).update(deleted_at=now, updated_at=now))


def delete_token(access: Access, token: ApiToken) -> bool:
    """Revoke a token immediately; return False if it was already deleted.

    The token that it replaced, if any, can then be rotated again.
    """
    if token.deleted_at is not None:
        return False
    token.deleted_at = token.updated_at = access.now
    token.save(update_fields=["deleted_at", "updated_at"])
    ApiToken.objects.filter(successor=token).update(successor=None)
    audit.record("token_deleted", access, **facts_of(token))
    return True


def revoke_tokens(access: Access, owner: TenantUser) -> int:
    """Revoke all external tokens of `owner`, and return how many there were."""
    count = (
        ApiToken.objects.filter(owner=owner)
        .external()
        .update(deleted_at=access.now, updated_at=access.now)
    )
    audit.record("tokens_ended", access, owner_id=owner.user_id, count=count)
    return int(count)


def rename_token(
    access: Access, token: ApiToken, name: str | None, note: str | None = None
) -> dict[str, Any] | None:
    """Change the name of a token, and its note unless that is None.

    Return the facts of the change, or None if nothing changed.

    Raises:
        Invalid: the name is blank.
    """
    check_name(name)
    note = token.note if note is None else note
    if (name, note) == (token.name, token.note):
        return None
    old_name, token.name, token.note = token.name, name, note
    token.updated_at = access.now
    token.save(update_fields=["name", "note", "updated_at"])
    facts = {**facts_of(token), "old_name": old_name}
    if name != old_name:
        audit.record("token_renamed", access, **facts)
    return facts
