"""Making, renaming and deleting API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.models import TenantUser
from accounts.queries import people
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Outcome, Resource, Secret
from harmonic.kernel.fields import Choice, Line, Params, Whole
from tokens import rules, secret
from tokens.models import ApiToken

DEFAULT_DURATION = ApiToken.MAX_LIFETIME_MONTHS
DEFAULT_UNIT = "month(s)"
SHOWN_UNITS = (
    ("hour(s)", "hours"),
    ("day(s)", "days"),
    ("week(s)", "weeks"),
    ("month(s)", "months"),
)
UNIT_ALIASES = {
    alias: f"{unit}(s)" for unit in rules.UNITS for alias in (unit, f"{unit}s", f"{unit}(s)")
}


def list_path(owner: TenantUser) -> str:
    return f"/u/{owner.handle}/settings/tokens"


def token_path(owner: TenantUser, token: ApiToken) -> str:
    return f"{list_path(owner)}/{token.id}"


def resource(owner: TenantUser, token: ApiToken) -> Resource:
    return Resource("ApiToken", str(token.id), token_path(owner, token))


# --- Making one -----------------------------------------------------------------------------


class TokenParams(Params):
    name = Line(
        required=False,
        allow_blank=True,
        max_length=ApiToken.NAME_LENGTH,
        help_text="What the token is for.",
        style={"required": True, "placeholder": "deploy script"},
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
        style={
            "kind": "radios",
            "initial": "read",
            "help": "",
            "options": [
                ("read", "Read only", "Pages, notes and lists. It changes nothing."),
                ("write", "Read + write", "Also writes: whatever its owner may write."),
            ],
        },
    )
    duration = Whole(
        required=False,
        min_value=1,
        label="Lifetime, 12 months at most",
        help_text="How many units the token lives, 12 unless given; 12 months at most.",
        style={"initial": DEFAULT_DURATION, "help": ""},
    )
    duration_unit = Choice(
        [(f"{unit}(s)", f"{unit}s") for unit in rules.UNITS],
        aliases=UNIT_ALIASES,
        required=False,
        label="Unit",
        help_text="hour(s), day(s), week(s) or month(s); month(s) unless given.",
        style={"initial": DEFAULT_UNIT, "options": SHOWN_UNITS, "help": ""},
    )


def _create(access: Access, owner: TenantUser, params: dict[str, Any]) -> Outcome:
    unit = params.get("duration_unit", DEFAULT_UNIT).removesuffix("(s)")
    duration = params.get("duration", DEFAULT_DURATION)
    asked = rules.after(access.now, duration, unit)
    made = rules.create_token(
        access,
        owner,
        name=params.get("name"),
        scopes=rules.scopes_of(params.get("read_write", "read")),
        expires_at=asked,
    )
    token = made.row
    return Outcome(
        "The token is made. Copy it now: it is shown this once.",
        token_path(owner, token),
        resource(owner, token),
        token,
        secret=Secret(made.plaintext, token),
        shown_on=("tokens.show", {"handle": owner.handle, "token_id": str(token.id)}),
        notes=_cuts(duration, unit, asked, token),
    )


def _cuts(duration: int, unit: str, asked: datetime, token: ApiToken) -> tuple[str, ...]:
    """Return what the answer must say of a lifetime that was cut."""
    if token.expires_at < asked:
        return ("The lifetime was cut to that of the token that made this one.",)
    if _asked_for_more(duration, unit):
        return ("The lifetime was cut to 12 months, the longest there is.",)
    return ()


def _asked_for_more(duration: int, unit: str) -> bool:
    """Answer whether a lifetime is beyond the longest; by days, months aside."""
    days = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7}
    if unit in days:
        return duration * days[unit] > 366
    return duration * (12 if unit == "year" else 1) > ApiToken.MAX_LIFETIME_MONTHS


def _whom(access: Access, owner: TenantUser) -> Confirmation:
    return Confirmation("New API token", (("For", people([owner.user_id])[owner.user_id]),))


create_api_token = Action(
    name="create_api_token",
    sentence="Make an API token. Its text is shown once, in the answer.",
    label="Create token",
    scope="create:api_tokens",
    params=TokenParams,
    policy=rules.may_create_token,
    effect=_create,
    confirm=_whom,
    fresh="api_tokens",
    audience="private",
)


# --- Renaming and deleting ------------------------------------------------------------------


class NameParams(Params):
    name = Line(max_length=ApiToken.NAME_LENGTH, help_text="The new name. Nothing else can change.")


def _rename(access: Access, token: ApiToken, params: dict[str, Any]) -> Outcome:
    rules.rename_token(access, token, params["name"])
    owner = token.owner
    return Outcome(
        "The token has a new name.", token_path(owner, token), resource(owner, token), token
    )


def _current_name(access: Access, token: ApiToken | None) -> Mapping[str, Any]:
    return {"name": token.name or ""} if token else {}


rename_api_token = Action(
    name="rename_api_token",
    sentence="Give this token another name. Scope and expiry never change.",
    label="Rename token",
    scope="update:api_tokens",
    params=NameParams,
    policy=rules.may_manage_tokens,
    effect=_rename,
    confirm=lambda access, token: Confirmation(f"Rename “{token.name or 'Unnamed'}”"),
    initial=_current_name,
    audience="private",
)


def _delete(access: Access, token: ApiToken, params: dict[str, Any]) -> Outcome:
    rules.delete_token(access, token)
    settings = f"/u/{token.owner.handle}/settings"
    return Outcome("The token is deleted. It works no more.", settings, object=token)


def _ask_to_delete(access: Access, token: ApiToken) -> Confirmation:
    name = f"“{token.name}”" if token.name else "this unnamed token"
    return Confirmation(
        f"Delete {name}?",
        (
            ("Token", secret.masked(token.token_prefix)),
            ("For", people([token.owner.user_id])[token.owner.user_id]),
            ("Last used", token.last_used_at or "Never"),
            ("Expires", token.expires_at),
        ),
    )


delete_api_token = Action(
    name="delete_api_token",
    sentence="Delete this token. Whatever uses it is refused from the next request on.",
    label="Delete token",
    scope="delete:api_tokens",
    policy=rules.may_manage_tokens,
    effect=_delete,
    is_dangerous=True,
    confirm=_ask_to_delete,
    audience="private",
)
