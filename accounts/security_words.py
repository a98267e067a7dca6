"""Sentences for events of the security log, without the actor, which the page shows beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.queries import People
from harmonic.kernel.registry import actions

# The kinds of events, with their labels in the filter.
NAMES = {
    "login_success": "Sign-ins",
    "login_failure": "Wrong passwords",
    "logout": "Sign-outs",
    "suspended_login_attempt": "Sign-ins while suspended",
    "user_suspended": "Suspensions",
    "user_unsuspended": "Suspensions lifted",
    "reverification_success": "Password confirmations",
    "reverification_failure": "Failed password confirmations",
    "token_created": "Tokens created",
    "token_renamed": "Tokens renamed",
    "token_rotated": "Tokens rotated",
    "token_deleted": "Tokens deleted",
    "tokens_ended": "All tokens of an account revoked",
    "api_flag_changed": "API switches",
    "admin_action": "Roles, removals and settings",
    "user_action": "Agents, memberships, invitations and profiles",
    "content_deleted": "Notes deleted by others",
    "permission_denied": "Refused writes",
    "rate_limited": "Limits reached",
}
PLAIN = {
    "login_success": "Signed in",
    "suspended_login_attempt": "Tried to sign in while suspended",
    "content_deleted": "Deleted another member's note",
}
SIGNED_OUT = {
    "session_absolute_timeout": "Signed out: the session reached its maximum age",
    "session_idle_timeout": "Signed out after being inactive",
    "sessions_revoked": "Signed out: all sessions were revoked",
    "user_suspended": "Signed out: the account is suspended",
}
# The codes of refused writes, in words.
REASONS = {
    "agent_paused": "the agent is paused",
    "api_disabled_collective": "the API is disabled in the collective",
    "api_disabled_tenant": "the API is disabled",
    "capability_denied": "the agent's capabilities do not include it",
    "collective_archived": "the collective is archived",
    "forbidden": "no permission",
    "insufficient_scope": "the token lacks a scope",
    "mcp_only": "the token works over MCP only",
    "not_a_member": "not a member of the collective",
}
ELSEWHERE = "a collective that you are not a member of"
SCOPES = {"api_tokens": "API tokens", "admin": "the administration"}


def sentence(entry: LogEntry) -> str:
    """Return the sentence of an event."""
    sentence_of = SENTENCES.get(entry.event)
    if sentence_of is not None:
        return sentence_of(entry.data, entry)
    return PLAIN.get(entry.event) or _words(entry.event).capitalize()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event with the names for its sentence.

    `places` has the names of the collectives that the reader may see.
    """

    event: str
    data: Mapping[str, Any]
    user_id: UUID | None
    subject_id: UUID | None
    known: People
    places: Mapping[UUID, str]

    def named(self, user_id: UUID | None) -> str:
        return self.known[user_id].name if user_id else "an unknown person"

    @property
    def subject(self) -> str:
        """The name of the account that the event is about."""
        return self.named(self.subject_id)

    @property
    def is_own(self) -> bool:
        return self.subject_id == self.user_id

    @property
    def of_another(self) -> str:
        return "" if self.is_own else f" of {self.subject}"

    def place(self, without: str) -> str:
        """Return the name of the event's collective, or `without` if it has none."""
        collective = self.data.get("collective_id")
        if collective is None:
            return without
        return self.places.get(UUID(collective), ELSEWHERE)

    @property
    def where(self) -> str:
        """The name of the event's collective, which may be the main one."""
        return self.place("the main collective")

    @property
    def changes(self) -> str:
        """The changes, with old and new values, to follow a sentence; "" if none are recorded."""
        said = [_change(name, values) for name, values in self.data.get("changed", {}).items()]
        if self.data.get("granted"):
            said.append(f"granted {listed(self.data['granted'])}")
        if self.data.get("withdrawn"):
            said.append(f"withdrew {listed(self.data['withdrawn'])}")
        return f": {'; '.join(said)}" if said else ""


Data = Mapping[str, Any]
Sentence = Callable[[Data, LogEntry], str]


def _words(name: str) -> str:
    return name.replace("_", " ")


def day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%-d %b %Y}"


# --- Sign-in and refusals -------------------------------------------------------------------


def _logout(data: Data, entry: LogEntry) -> str:
    return SIGNED_OUT.get(data.get("reason", ""), "Signed out")


def _suspension(data: Data, entry: LogEntry) -> str:
    if entry.event == "user_unsuspended":
        return f"The suspension of {entry.subject} was lifted"
    return f"{entry.subject} was suspended: {data.get('reason')}"


def _login_failure(data: Data, entry: LogEntry) -> str:
    whose = f"for {entry.subject}" if entry.subject_id else "for an unknown account"
    return f"A wrong password was entered {whose}"


def _reverification(data: Data, entry: LogEntry) -> str:
    scope = SCOPES.get(data.get("scope", ""), "a sensitive step")
    if entry.event == "reverification_success":
        return f"Confirmed the password for {scope}"
    return f"Entered a wrong password to confirm {scope}"


def _refused(data: Data, entry: LogEntry) -> str:
    what = f"The action “{data['action']}”" if "action" in data else "A write"
    code = data.get("code", "forbidden")
    return f"{what} was refused: {REASONS.get(code) or _words(code)}"


def _limited(data: Data, entry: LogEntry) -> str:
    if "limit" not in data:
        return "Sign-in was blocked temporarily after too many wrong passwords"
    return f"A request was refused: the limit of {_words(data['limit'])} was reached"


# --- Tokens and switches --------------------------------------------------------------------

TOKENS_DONE = {"token_created": "created", "token_deleted": "deleted", "token_rotated": "rotated"}


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
    return f"All tokens{entry.of_another} were revoked{counted}"


def _api_flag(data: Data, entry: LogEntry) -> str:
    where = entry.place("")
    where = f"in {where}" if where else "for the whole tenant"
    return f"The API was {'enabled' if data.get('is_on') else 'disabled'} {where}"


# --- Actions --------------------------------------------------------------------------------

# The number of capabilities that a sentence names.
LISTED = 10
SETTINGS = {
    "all_members_can_invite": "every member can invite",
    "any_member_can_represent": "any member can represent it",
    "allow_public_writes": "posts in the main collective",
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
    """Return names of capabilities for a sentence: the first ten, and the number of others."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(_words, names[:LISTED])) + more


def _pruned(data: Data, entry: LogEntry) -> str:
    return f"{data.get('count')} events from before {day(data['before'])} were deleted"


COMMAND_SENTENCES: Mapping[str, Sentence] = {"prune_security_log": _pruned}


def _action(data: Data, entry: LogEntry) -> str:
    """Return the sentence that the action declares, or the name of an action that is gone."""
    # Events of commands and of older versions do not name their action.
    unnamed = "remove_from_tenant" if data.get("removed") else "update_tenant_roles"
    name = data.get("action", unnamed)
    if name in COMMAND_SENTENCES:
        return COMMAND_SENTENCES[name](data, entry)
    action = actions().get(name)
    if action is None or action.logged is None:
        return _words(name).capitalize()
    return action.logged.sentence(entry)


SENTENCES: Mapping[str, Sentence] = {
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
