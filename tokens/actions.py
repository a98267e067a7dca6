"""Making, renaming, rotating and deleting API tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.models import TenantUser
from accounts.queries import people
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Outcome, ResourceRef, Secret
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.parameters.fields import Choice, Integer, Line, Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope
from tokens import rules, secret
from tokens.lifetimes import LONGEST, UNITS, after, cut_expiry, is_too_long, same_lifetime
from tokens.models import ApiToken, token_path
from tokens.reach import about_new

DEFAULT_DURATION = ApiToken.MAX_LIFETIME_MONTHS
DEFAULT_UNIT = "month(s)"
SHOWN_UNITS = (
    ("hour(s)", "hours"),
    ("day(s)", "days"),
    ("week(s)", "weeks"),
    ("month(s)", "months"),
)
UNIT_ALIASES = {alias: f"{unit}(s)" for unit in UNITS for alias in (unit, f"{unit}s", f"{unit}(s)")}


def resource(owner: TenantUser, token: ApiToken) -> ResourceRef:
    return ResourceRef("ApiToken", str(token.id), token_path(owner, token.id))


def secret_of(access: Access, made: rules.NewToken) -> Secret:
    """Return a token just made as its answer shows it."""
    return Secret(
        made.plaintext, made.row, about_new(access, made.row), template="tokens/_made.html"
    )


# --- Making one -----------------------------------------------------------------------------


class TokenParams(Params):
    name = Line(
        required=False,
        allow_blank=True,
        max_length=ApiToken.NAME_LENGTH,
        help_text="What the token is for.",
        widget=Widget(is_required=True, placeholder="deploy script"),
    )
    read_write = Choice(
        [("read", "Read only"), ("write", "Read and write")],
        aliases={
            "true": "write",
            "read_write": "write",
            "false": "read",
            "1": "write",
            "0": "read",
        },
        required=False,
        label="What it may do",
        help_text="read for a read-only token, write for read and write. read unless given.",
        widget=Widget(
            kind="radios",
            initial="read",
            help="",
            options=[
                ("read", "Read only", "Pages, notes and lists. It changes nothing."),
                ("write", "Read + write", "Also writes: whatever its owner may write."),
            ],
        ),
    )
    duration = Integer(
        required=False,
        min_value=1,
        label=f"Expires after ({LONGEST} maximum)",
        help_text=(
            f"How many units the token lives, {DEFAULT_DURATION} unless given; {LONGEST} at most."
        ),
        widget=Widget(initial=DEFAULT_DURATION, help="", is_half=True),
    )
    duration_unit = Choice(
        [(f"{unit}(s)", f"{unit}s") for unit in UNITS],
        aliases=UNIT_ALIASES,
        required=False,
        label="Unit",
        help_text="hour(s), day(s), week(s) or month(s); month(s) unless given.",
        widget=Widget(
            initial=DEFAULT_UNIT,
            options=SHOWN_UNITS,
            help="",
            is_half=True,
            below="tokens/_lifetime.html",
        ),
    )


def _create(
    access: Access,
    owner: TenantUser,
    *,
    name: str | None = None,
    read_write: str = "read",
    duration: int = DEFAULT_DURATION,
    duration_unit: str = DEFAULT_UNIT,
) -> Outcome:
    """Create a token with one of two lists of scopes and a duration, as pages offer them."""
    unit = duration_unit.removesuffix("(s)")
    return create_token(
        access,
        owner,
        name=name,
        scopes=rules.scopes_of(read_write),
        expires_at=after(access.now, duration, unit),
        is_cut=is_too_long(access.now, duration, unit),
    )


def create_token(
    access: Access,
    owner: TenantUser,
    *,
    name: str | None,
    scopes: Sequence[str],
    expires_at: datetime | None,
    is_cut: bool = False,
) -> Outcome:
    """Create a token; `is_cut` if its lifetime was already cut to the maximum."""
    made = rules.create_token(access, owner, name=name, scopes=scopes, expires_at=expires_at)
    token = made.row
    return Outcome(
        "The token is made. Copy it now: it is shown this once.",
        token_path(owner, token.id),
        resource(owner, token),
        token,
        secret=secret_of(access, made),
        shown_on=("tokens.show", {"handle": owner.handle, "token_id": str(token.id)}),
        notes=_cuts(expires_at, token, is_cut=is_cut),
        facts=made.facts,
    )


def _cuts(asked: datetime | None, token: ApiToken, *, is_cut: bool) -> tuple[str, ...]:
    """Return what the answer must say of a lifetime that was cut; `is_cut` if it was before."""
    if asked is not None and token.expires_at < asked:
        return ("The lifetime was cut to that of the token that made this one.",)
    if is_cut:
        return (f"The lifetime was cut to {LONGEST}, the longest there is.",)
    return ()


def _whom(access: Access, owner: TenantUser) -> Confirmation:
    return Confirmation("New API token", (("For", people([owner.user_id])[owner.user_id]),))


create_api_token: Action[TenantUser] = Action(
    name="create_api_token",
    sentence="Make an API token. Its text is shown once, in the answer.",
    label="Create token",
    scope=Scope("create:api_tokens"),
    grant=NEVER,
    proof=Proof.API_TOKENS,
    changes_access=False,
    emits="token.created",
    params=TokenParams,
    policy=rules.may_create_token,
    effect=_create,
    confirm=_whom,
    audience="private",
)


# --- Renaming -------------------------------------------------------------------------------


class TokenNameParams(Params):
    name = Line(max_length=ApiToken.NAME_LENGTH, help_text="The new name. Nothing else can change.")


def _rename(access: Access, token: ApiToken, *, name: str) -> Outcome:
    return rename_token(access, token, name)


def rename_token(access: Access, token: ApiToken, name: str | None) -> Outcome:
    """Rename a token, or remove its name, as only the API can."""
    facts = rules.rename_token(access, token, name)
    owner = token.owner
    return Outcome(
        "The token has a new name.",
        token_path(owner, token.id),
        resource(owner, token),
        token,
        facts=facts,
    )


def _current_name(access: Access, token: ApiToken | None) -> Mapping[str, Any]:
    return {"name": token.name or ""} if token else {}


rename_api_token: Action[ApiToken] = Action(
    name="rename_api_token",
    sentence="Give this token another name. Scope and expiry never change.",
    label="Rename token",
    scope=Scope("update:api_tokens"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=False,
    emits="token.updated",
    params=TokenNameParams,
    policy=rules.may_manage_tokens,
    effect=_rename,
    confirm=lambda access, token: Confirmation(f"Rename “{token.name or 'Unnamed'}”"),
    initial=_current_name,
    audience="private",
)


# --- Rotating -------------------------------------------------------------------------------


class RotateParams(Params):
    overlap_days = Integer(
        required=False,
        min_value=0,
        max_value=ApiToken.MAX_OVERLAP_DAYS,
        label="Days that both work",
        help_text=(
            f"0 to {ApiToken.MAX_OVERLAP_DAYS}: how many days the old token works on."
            f" 0 deletes it at once; {ApiToken.USUAL_OVERLAP_DAYS} unless given."
        ),
        widget=Widget(initial=ApiToken.USUAL_OVERLAP_DAYS),
    )


class RotateAtCapParams(Params):
    overlap_days = Integer(
        required=False,
        min_value=0,
        max_value=0,
        label="Days that both work",
        help_text=(
            f"0 alone: all {ApiToken.MAX_ACTIVE} active tokens are in use, so the old one is"
            " deleted at once and makes room for the new one."
        ),
        widget=Widget(initial=0, is_readonly=True),
    )


def _rotation(access: Access, token: ApiToken | None) -> type[Params]:
    """Return how a token can be rotated now: where no place is left, without an overlap."""
    has_room = token is None or rules.has_room(access, token.owner)
    return RotateParams if has_room else RotateAtCapParams


def _rotate(access: Access, token: ApiToken, *, overlap_days: int | None = None) -> Outcome:
    made = rules.rotate_token(access, token, overlap_days)
    owner, successor = token.owner, made.row
    return Outcome(
        "The token has a successor. Copy it now: it is shown this once.",
        token_path(owner, successor.id),
        resource(owner, successor),
        successor,
        secret=secret_of(access, made),
        shown_on=("tokens.show", {"handle": owner.handle, "token_id": str(successor.id)}),
        notes=(_what_becomes_of(token, access.now),),
        facts={**rules.facts_of(token), "successor_id": successor.id},
    )


def _what_becomes_of(token: ApiToken, now: datetime) -> str:
    """Return what a rotation did to the old token; its page has the exact moment."""
    if token.deleted_at:
        return "The old token is deleted."
    left = token.expires_at - now
    shown = f"{left.days} day{'s' if left.days > 1 else ''}" if left.days else "less than a day"
    return f"The old token works for {shown} more."


def _ask_to_rotate(access: Access, token: ApiToken) -> Confirmation:
    return Confirmation(
        f"Rotate {_in_quotes(token)}",
        (
            ("Token", secret.masked(token.token_prefix)),
            ("For", people([token.owner.user_id])[token.owner.user_id]),
            *last_use(token),
            ("Expires", token.expires_at),
            (
                "The new one expires",
                cut_expiry(access, same_lifetime(token, access.now)),
            ),
        ),
    )


def _is_to_rotate(access: Access, token: ApiToken | None) -> bool:
    return token is None or (token.successor_id is None and token.is_active(access.now))


rotate_api_token: Action[ApiToken] = Action(
    name="rotate_api_token",
    sentence=(
        "Replace this token by a new one with the same name, scope and lifetime. Its text is"
        " shown once, in the answer; the old one works on for the days you choose."
    ),
    label="Rotate token",
    scope=Scope("create:api_tokens"),
    grant=NEVER,
    proof=Proof.API_TOKENS,
    changes_access=True,
    emits="token.rotated",
    params=RotateParams,
    policy=rules.may_rotate_token,
    is_offered=_is_to_rotate,
    params_here=_rotation,
    effect=_rotate,
    confirm=_ask_to_rotate,
    audience="private",
)


# --- Deleting -------------------------------------------------------------------------------


def _in_quotes(token: ApiToken) -> str:
    return f"“{token.name}”" if token.name else "this unnamed token"


def last_use(token: ApiToken | None) -> tuple[tuple[str, Any], ...]:
    """Return what a confirm page says of the program that a token serves."""
    if token is None or token.last_used_at is None:
        return (("Last used", "Never"),)
    whence = ", by ".join(filter(None, (token.last_used_from, token.last_used_by)))
    return (("Last used", token.last_used_at), ("From", whence or "Unknown"))


def _delete(access: Access, token: ApiToken) -> Outcome:
    facts = rules.facts_of(token) if rules.delete_token(access, token) else None
    settings = path_to("people.settings", handle=token.owner.handle)
    return Outcome("The token is deleted. It works no more.", settings, object=token, facts=facts)


def _ask_to_delete(access: Access, token: ApiToken) -> Confirmation:
    return Confirmation(
        f"Delete {_in_quotes(token)}?",
        (
            ("Token", secret.masked(token.token_prefix)),
            ("For", people([token.owner.user_id])[token.owner.user_id]),
            *last_use(token),
            ("Expires", token.expires_at),
            ("What stops", _stops(access, token)),
        ),
    )


def _stops(access: Access, token: ApiToken) -> str:
    if not token.is_active(access.now):
        return "Nothing: it has ended."
    if token.last_used_at is None:
        return "Nothing that ran so far: it was never used."
    client = token.last_used_by or "Whatever uses it"
    return f"{client}, from its next request on."


delete_api_token: Action[ApiToken] = Action(
    name="delete_api_token",
    sentence="Delete this token. Whatever uses it is refused from the next request on.",
    label="Delete token",
    scope=Scope("delete:api_tokens"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="token.deleted",
    policy=rules.may_manage_tokens,
    effect=_delete,
    is_dangerous=True,
    confirm=_ask_to_delete,
    audience="private",
)
