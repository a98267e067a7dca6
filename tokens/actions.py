"""Actions that create, rename, rotate and delete API tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from accounts.models import TenantUser
from accounts.queries import people
from accounts.rules import editable_person
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Outcome, ResourceRef, Secret
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.refusals import Forbidden, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.rendering.text import folded
from harmonic.kernel.scopes import Scope
from tokens import rules, secret
from tokens.lifetimes import LONGEST, after, cut_expiry, is_too_long, same_lifetime
from tokens.models import ApiToken, token_path
from tokens.params import (
    DEFAULT_DURATION,
    DEFAULT_UNIT,
    RotateAtCapParams,
    RotateParams,
    TokenNameParams,
    TokenParams,
)
from tokens.reach import about_new


def resource(owner: TenantUser, token: ApiToken) -> ResourceRef:
    return ResourceRef("ApiToken", str(token.id), token_path(owner, token.id))


def secret_of(access: Access, made: rules.NewToken) -> Secret:
    """Return the plaintext of a new token, with the facts that the response shows beside it."""
    return Secret(
        made.plaintext,
        made.row,
        about_new(access, made.row, made.plaintext),
        template="tokens/_made.html",
    )


# --- Creating -------------------------------------------------------------------------------


def _create(
    access: Access,
    target: TenantUser,
    *,
    name: str | None = None,
    owner: str = "",
    read_write: str = "read",
    duration: int = DEFAULT_DURATION,
    duration_unit: str = DEFAULT_UNIT,
    note: str = "",
) -> Outcome:
    """Create a token with the scopes and the duration that pages offer."""
    unit = duration_unit.removesuffix("(s)")
    return create_token(
        access,
        _chosen_owner(access, target, owner),
        name=name,
        scopes=rules.scopes_of(read_write),
        expires_at=after(access.now, duration, unit),
        is_cut=is_too_long(access.now, duration, unit),
        note=note,
    )


def _chosen_owner(access: Access, target: TenantUser, handle: str) -> TenantUser:
    """Return the account with `handle`, or `target` if no other is chosen.

    Raises:
        NotFound: the account does not exist.
        Forbidden: the caller may not create tokens for it.
    """
    if folded(handle) in {"", target.handle_key}:
        return target
    owner = editable_person(access, handle)
    if denied := rules.may_create_token(access, owner):
        raise Forbidden.because(denied)
    return owner


def _check_room(access: Access, target: TenantUser, params: Mapping[str, Any]) -> None:
    rules.require_room(access, _chosen_owner(access, target, params.get("owner", "")))


def create_token(
    access: Access,
    owner: TenantUser,
    *,
    name: str | None,
    scopes: Sequence[str],
    expires_at: datetime | None,
    is_cut: bool = False,
    note: str = "",
) -> Outcome:
    """Create a token; `is_cut` states that its lifetime was already cut to the maximum."""
    made = rules.create_token(
        access, owner, name=name, scopes=scopes, expires_at=expires_at, note=note
    )
    token = made.row
    return Outcome(
        "Token created. Copy it now: it is shown only once.",
        token_path(owner, token.id),
        resource(owner, token),
        token,
        secret=secret_of(access, made),
        shown_on=("tokens.show", {"handle": owner.handle, "token_id": str(token.id)}),
        notes=_cut_notes(expires_at, token, is_cut=is_cut),
        facts=made.facts,
    )


def _cut_notes(asked: datetime | None, token: ApiToken, *, is_cut: bool) -> tuple[str, ...]:
    """Return a note if the lifetime that was asked for is not the one granted."""
    if asked is not None and token.expires_at < asked:
        return ("The lifetime was cut to that of the token that created this one.",)
    if is_cut:
        return (f"The lifetime was cut to {LONGEST}, the maximum.",)
    return ()


def _confirm_owner(access: Access, owner: TenantUser) -> Confirmation:
    return Confirmation("New API token", (("Owner", people([owner.user_id])[owner.user_id]),))


create_api_token: Action[TenantUser] = Action(
    name="create_api_token",
    sentence="Create an API token. The response shows its plaintext once.",
    label="Create token",
    scope=Scope("create:api_tokens"),
    grant=NEVER,
    proof=Proof.API_TOKENS,
    changes_access=False,
    emits="token.created",
    params=TokenParams,
    policy=rules.may_create_token,
    effect=_create,
    checks={
        "name": lambda access, owner, sent: rules.check_name(sent),
        "expires_at": lambda access, owner, sent: rules.check_expiry(access, sent),
    },
    limit_check=_check_room,
    confirm=_confirm_owner,
    audience="private",
)


# --- Renaming -------------------------------------------------------------------------------


def _rename(access: Access, token: ApiToken, *, name: str, note: str | None = None) -> Outcome:
    return rename_token(access, token, name, note)


def rename_token(
    access: Access, token: ApiToken, name: str | None, note: str | None = None
) -> Outcome:
    """Change a token's name and note. Only the API can remove the name."""
    facts = rules.rename_token(access, token, name, note)
    owner = token.owner
    return Outcome(
        "Name and note saved.",
        token_path(owner, token.id),
        resource(owner, token),
        token,
        facts=facts,
    )


def _current_values(access: Access, token: ApiToken | None) -> Mapping[str, Any]:
    return {"name": token.name or "", "note": token.note} if token else {}


rename_api_token: Action[ApiToken] = Action(
    name="rename_api_token",
    sentence="Change this token's name and note. Its access and expiry never change.",
    label="Save name and note",
    scope=Scope("update:api_tokens"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=False,
    emits="token.updated",
    params=TokenNameParams,
    policy=rules.may_manage_tokens,
    effect=_rename,
    checks={"name": lambda access, token, sent: rules.check_name(sent)},
    confirm=lambda access, token: Confirmation(f"Rename {_in_quotes(token)}"),
    initial=_current_values,
    audience="private",
)


# --- Rotating -------------------------------------------------------------------------------


def _rotate_params(access: Access, token: ApiToken | None) -> type[Params]:
    """Return the parameters of a rotation: an owner at the limit cannot have an overlap."""
    has_room = token is None or rules.has_room(access, token.owner)
    return RotateParams if has_room else RotateAtCapParams


def _rotate(access: Access, token: ApiToken, *, overlap_days: int | None = None) -> Outcome:
    made = rules.rotate_token(access, token, overlap_days)
    owner, successor = token.owner, made.row
    return Outcome(
        "Token rotated. Copy the new one now: it is shown only once.",
        token_path(owner, successor.id),
        resource(owner, successor),
        successor,
        secret=secret_of(access, made),
        shown_on=("tokens.show", {"handle": owner.handle, "token_id": str(successor.id)}),
        notes=(_old_token_note(token, access.now),),
        facts={**rules.facts_of(token), "successor_id": successor.id},
    )


def _old_token_note(token: ApiToken, now: datetime) -> str:
    """Return a note on how long the old token works; its page has the exact time."""
    if token.deleted_at:
        return "The old token is deleted."
    left = token.expires_at - now
    shown = f"{left.days} day{'s' if left.days > 1 else ''}" if left.days else "less than a day"
    return f"The old token expires in {shown}."


def _confirm_rotation(access: Access, token: ApiToken) -> Confirmation:
    return Confirmation(
        f"Rotate {_in_quotes(token)}",
        (
            ("Token", secret.masked(token.token_prefix)),
            ("Owner", people([token.owner.user_id])[token.owner.user_id]),
            *last_use(token),
            ("Expires", token.expires_at),
            (
                "New token expires",
                cut_expiry(access, same_lifetime(token, access.now)),
            ),
        ),
    )


def _can_be_rotated(access: Access, token: ApiToken | None) -> bool:
    return token is None or (token.successor_id is None and token.is_active(access.now))


rotate_api_token: Action[ApiToken] = Action(
    name="rotate_api_token",
    sentence=(
        "Replace this token with a new one that has the same name, access and lifetime. The new"
        " plaintext is shown once, in the answer; the old token keeps working for the overlap."
    ),
    label="Rotate token",
    scope=Scope("create:api_tokens"),
    grant=NEVER,
    proof=Proof.API_TOKENS,
    changes_access=True,
    emits="token.rotated",
    params=RotateParams,
    policy=rules.may_rotate_token,
    is_offered=_can_be_rotated,
    params_here=_rotate_params,
    effect=_rotate,
    confirm=_confirm_rotation,
    audience="private",
)


# --- Deleting -------------------------------------------------------------------------------


def _in_quotes(token: ApiToken) -> str:
    return f"“{token.name}”" if token.name else "this unnamed token"


def last_use(token: ApiToken | None) -> tuple[tuple[str, Any], ...]:
    """Return the facts about a token's last use for a confirm page."""
    if token is None or token.last_used_at is None:
        return (("Last used", "Never"),)
    client = ", by ".join(filter(None, (token.last_used_from, token.last_used_by)))
    return (("Last used", token.last_used_at), ("Last used from", client or "Unknown"))


def _delete(access: Access, token: ApiToken) -> Outcome:
    return _deleted(access, token, path_to("tokens.list", handle=access.user.handle))


def _delete_to_settings(access: Access, token: ApiToken) -> Outcome:
    return _deleted(access, token, path_to("people.settings", handle=token.owner.handle))


def _deleted(access: Access, token: ApiToken, next_path: str) -> Outcome:
    facts = rules.facts_of(token) if rules.delete_token(access, token) else None
    return Outcome(
        f"Deleted {_in_quotes(token)}. Requests with this token are now refused.",
        next_path,
        object=token,
        facts=facts,
    )


def _confirm_deletion(access: Access, token: ApiToken) -> Confirmation:
    return Confirmation(
        f"Delete {_in_quotes(token)}?",
        (
            ("Token", secret.masked(token.token_prefix)),
            ("Owner", people([token.owner.user_id])[token.owner.user_id]),
            *last_use(token),
            ("Expires", token.expires_at),
            ("Effect", _effect_of_deletion(access, token)),
        ),
    )


def _effect_of_deletion(access: Access, token: ApiToken) -> str:
    if not token.is_active(access.now):
        return "None: the token has expired."
    if token.last_used_at is None:
        return "No known client is affected: the token was never used."
    client = token.last_used_by or "Its client"
    return f"{client} is refused from its next request on."


delete_api_token: Action[ApiToken] = Action(
    name="delete_api_token",
    sentence="Delete this token, which revokes it immediately: requests with it are refused.",
    label="Delete token",
    scope=Scope("delete:api_tokens"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="token.deleted",
    policy=rules.may_manage_tokens,
    effect=_delete,
    is_dangerous=True,
    confirm=_confirm_deletion,
    audience="private",
)

# The contract of `DELETE {token page}` names the settings as the next page.
delete_by_method = replace(delete_api_token, effect=_delete_to_settings)
