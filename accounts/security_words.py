"""What an event of the security log says, in plain words and without who did it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.queries import People
from harmonic.kernel.registry import actions

# The events there are, as a filter offers them.
NAMES = {
    "login_success": "Sign-ins",
    "login_failure": "Wrong passwords",
    "logout": "Sign-outs",
    "suspended_login_attempt": "Sign-ins while suspended",
    "user_suspended": "Suspensions",
    "user_unsuspended": "Lifted suspensions",
    "reverification_success": "Confirmations with the password",
    "reverification_failure": "Failed confirmations",
    "token_created": "Tokens made",
    "token_renamed": "Tokens renamed",
    "token_rotated": "Tokens rotated",
    "token_deleted": "Tokens deleted",
    "tokens_ended": "All tokens of somebody deleted",
    "api_flag_changed": "API switches",
    "admin_action": "Roles, removals and settings",
    "user_action": "Agents, memberships, invitations and profiles",
    "content_deleted": "Deletions by others",
    "permission_denied": "Refused writes",
    "rate_limited": "Limits reached",
}
PLAIN = {
    "login_success": "Signed in",
    "suspended_login_attempt": "Tried to sign in while suspended",
    "content_deleted": "Deleted a note of somebody else",
}
SIGNED_OUT = {
    "session_absolute_timeout": "Was signed out: the session was a day old",
    "session_idle_timeout": "Was signed out after a time of inactivity",
    "sessions_revoked": "Was signed out: all sessions were ended",
    "user_suspended": "Was signed out: the account is suspended",
}
ELSEWHERE = "a collective that you are not in"
SCOPES = {"api_tokens": "API tokens", "admin": "the administration"}


def sentence(entry: LogEntry) -> str:
    """Return what happened."""
    sentence_of = WORDED.get(entry.event)
    if sentence_of is not None:
        return sentence_of(entry.data, entry)
    return PLAIN.get(entry.event) or _words(entry.event).capitalize()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event, with what its sentence needs beside its own data.

    `places` has the names of collectives that the reader may know.
    """

    event: str
    data: Mapping[str, Any]
    user_id: UUID | None
    subject_id: UUID | None
    known: People
    places: Mapping[UUID, str]

    def named(self, user_id: UUID | None) -> str:
        return self.known[user_id].name if user_id else "somebody"

    @property
    def subject(self) -> str:
        """The name of whom it is about."""
        return self.named(self.subject_id)

    @property
    def is_own(self) -> bool:
        return self.subject_id == self.user_id

    @property
    def of_another(self) -> str:
        return "" if self.is_own else f" of {self.subject}"

    def place(self, without: str) -> str:
        """The name of the collective it happened in; `without` where it was in none."""
        collective = self.data.get("collective_id")
        if collective is None:
            return without
        return self.places.get(UUID(collective), ELSEWHERE)

    @property
    def where(self) -> str:
        """The name of the collective it happened in, which may be the main one."""
        return self.place("the main collective")

    @property
    def changes(self) -> str:
        """What changed, from what to what, as it follows a sentence; "" if nothing is known."""
        said = [_change(name, values) for name, values in self.data.get("changed", {}).items()]
        if self.data.get("granted"):
            said.append(f"may now {listed(self.data['granted'])}")
        if self.data.get("withdrawn"):
            said.append(f"may no longer {listed(self.data['withdrawn'])}")
        return f": {'; '.join(said)}" if said else ""


Data = Mapping[str, Any]
Worded = Callable[[Data, LogEntry], str]


def _words(name: str) -> str:
    return name.replace("_", " ")


def day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%-d %b %Y}"


# --- Signing in, and being refused ----------------------------------------------------------


def _logout(data: Data, entry: LogEntry) -> str:
    return SIGNED_OUT.get(data.get("reason", ""), "Signed out")


def _suspension(data: Data, entry: LogEntry) -> str:
    if entry.event == "user_unsuspended":
        return f"The suspension of {entry.subject} was lifted"
    return f"{entry.subject} was suspended: {data.get('reason')}"


def _login_failure(data: Data, entry: LogEntry) -> str:
    whose = f"for {entry.subject}" if entry.subject_id else "for an unknown account"
    return f"A wrong password was given {whose}"


def _reverification(data: Data, entry: LogEntry) -> str:
    scope = SCOPES.get(data.get("scope", ""), "a step with consequences")
    if entry.event == "reverification_success":
        return f"Gave the password again, for {scope}"
    return f"Gave a wrong password when asked again, for {scope}"


def _refused(data: Data, entry: LogEntry) -> str:
    what = f"the action “{data['action']}”" if "action" in data else "a write"
    return f"Was refused {what}: {_words(data.get('code', 'forbidden'))}"


def _limited(data: Data, entry: LogEntry) -> str:
    if "limit" not in data:
        return "Sign-in was closed for a while after too many wrong passwords"
    return f"Was asked to wait: the limit of {_words(data['limit'])} was reached"


# --- Tokens and switches --------------------------------------------------------------------

TOKENS_DONE = {"token_created": "made", "token_deleted": "deleted", "token_rotated": "rotated"}


def _token(data: Data, entry: LogEntry) -> str:
    name = data.get("name") or "Unnamed"
    if entry.event == "token_renamed":
        old = data.get("old_name") or "Unnamed"
        return f"Token “{old}”{entry.of_another} was renamed to “{name}”"
    done = TOKENS_DONE[entry.event]
    return f"Token “{name}”{entry.of_another} was {done}{_token_facts(data)}"


def _token_facts(data: Data) -> str:
    if "expires_at" not in data:
        return ""
    scopes = ", ".join(data.get("scopes", []))
    return f": {data.get('masked', '')}, {scopes}, until {day(data['expires_at'])}"


def _tokens_ended(data: Data, entry: LogEntry) -> str:
    count = data.get("count")
    counted = "" if count is None else f" ({count})"
    return f"All tokens{entry.of_another} were deleted{counted}"


def _api_flag(data: Data, entry: LogEntry) -> str:
    where = entry.place("")
    where = f"in {where}" if where else "for the whole tenant"
    return f"The API was turned {'on' if data.get('is_on') else 'off'} {where}"


# --- Actions --------------------------------------------------------------------------------

# How many capabilities a sentence names.
LISTED = 10
SETTINGS = {
    "all_members_can_invite": "every member can invite",
    "any_member_can_represent": "any member can represent it",
    "allow_public_writes": "may write where the whole tenant reads",
    "is_ai_agents_enabled": "internal AI agents",
}


def _change(name: str, values: list[Any]) -> str:
    label = SETTINGS.get(name, _words(name))
    if not values:
        return label
    old, new = values
    if isinstance(new, bool):
        return f"“{label}” {'on' if new else 'off'}"
    return f"{label} from “{old}” to “{new}”" if old is not None else f"{label} “{new}”"


def listed(names: Sequence[str]) -> str:
    """Return names of capabilities as a sentence has them, the first ten if there are more."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(_words, names[:LISTED])) + more


def _pruned(data: Data, entry: LogEntry) -> str:
    return f"{data.get('count')} events from before {day(data['before'])} were deleted"


OF_COMMANDS: Mapping[str, Worded] = {"prune_security_log": _pruned}


def _action(data: Data, entry: LogEntry) -> str:
    """Return the sentence that the action itself declares, or its name if none has it now."""
    # The first admin of a tenant, by the command; and what older versions wrote.
    unnamed = "remove_from_tenant" if data.get("removed") else "update_tenant_roles"
    name = data.get("action", unnamed)
    if name in OF_COMMANDS:
        return OF_COMMANDS[name](data, entry)
    action = actions().get(name)
    if action is None or action.logged is None:
        return _words(name).capitalize()
    return action.logged.sentence(entry)


WORDED: Mapping[str, Worded] = {
    "user_suspended": _suspension,
    "user_unsuspended": _suspension,
    "logout": _logout,
    "login_failure": _login_failure,
    "reverification_success": _reverification,
    "reverification_failure": _reverification,
    "permission_denied": _refused,
    "rate_limited": _limited,
    "token_created": _token,
    "token_renamed": _token,
    "token_rotated": _token,
    "token_deleted": _token,
    "tokens_ended": _tokens_ended,
    "api_flag_changed": _api_flag,
    "admin_action": _action,
    "user_action": _action,
}
