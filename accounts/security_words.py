"""What an event of the security log says, in plain words and without who did it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.queries import People
from harmonic.kernel import capabilities

# The events there are, as a filter offers them.
NAMES = {
    "login_success": "Sign-ins",
    "login_failure": "Wrong passwords",
    "logout": "Sign-outs",
    "suspended_login_attempt": "Sign-ins while suspended",
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


def sentence(happened: Happened) -> str:
    """Return what happened."""
    worded = WORDED.get(happened.event)
    if worded is not None:
        return worded(happened.data, happened)
    return PLAIN.get(happened.event) or _words(happened.event).capitalize()


@dataclass(frozen=True, slots=True)
class Happened:
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


Data = Mapping[str, Any]
Worded = Callable[[Data, Happened], str]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%-d %b %Y}"


# --- Signing in, and being refused ----------------------------------------------------------


def _logout(data: Data, happened: Happened) -> str:
    return SIGNED_OUT.get(data.get("reason", ""), "Signed out")


def _login_failure(data: Data, happened: Happened) -> str:
    whose = f"for {happened.subject}" if happened.subject_id else "for an unknown account"
    return f"A wrong password was given {whose}"


def _reverification(data: Data, happened: Happened) -> str:
    scope = SCOPES.get(data.get("scope", ""), "a step with consequences")
    if happened.event == "reverification_success":
        return f"Gave the password again, for {scope}"
    return f"Gave a wrong password when asked again, for {scope}"


def _refused(data: Data, happened: Happened) -> str:
    what = f"the action “{data['action']}”" if "action" in data else "a write"
    return f"Was refused {what}: {_words(data.get('code', 'forbidden'))}"


def _limited(data: Data, happened: Happened) -> str:
    if "limit" not in data:
        return "Sign-in was closed for a while after too many wrong passwords"
    return f"Was asked to wait: the limit of {_words(data['limit'])} was reached"


# --- Tokens and switches --------------------------------------------------------------------

TOKENS_DONE = {"token_created": "made", "token_deleted": "deleted", "token_rotated": "rotated"}


def _token(data: Data, happened: Happened) -> str:
    name = data.get("name") or "Unnamed"
    if happened.event == "token_renamed":
        old = data.get("old_name") or "Unnamed"
        return f"Token “{old}”{happened.of_another} was renamed to “{name}”"
    done = TOKENS_DONE[happened.event]
    return f"Token “{name}”{happened.of_another} was {done}{_token_facts(data)}"


def _token_facts(data: Data) -> str:
    if "expires_at" not in data:
        return ""
    scopes = ", ".join(data.get("scopes", []))
    return f": {data.get('masked', '')}, {scopes}, until {_day(data['expires_at'])}"


def _tokens_ended(data: Data, happened: Happened) -> str:
    count = data.get("count")
    counted = "" if count is None else f" ({count})"
    return f"All tokens{happened.of_another} were deleted{counted}"


def _api_flag(data: Data, happened: Happened) -> str:
    where = happened.place("")
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


def _changes(data: Data) -> str:
    """Return what changed, from what to what."""
    said = [_change(name, values) for name, values in data.get("changed", {}).items()]
    if data.get("granted"):
        said.append(f"may now {_listed(data['granted'])}")
    if data.get("withdrawn"):
        said.append(f"may no longer {_listed(data['withdrawn'])}")
    return f": {'; '.join(said)}" if said else ""


def _change(name: str, values: list[Any]) -> str:
    label = SETTINGS.get(name, _words(name))
    if not values:
        return label
    old, new = values
    if isinstance(new, bool):
        return f"“{label}” {'on' if new else 'off'}"
    return f"{label} from “{old}” to “{new}”" if old is not None else f"{label} “{new}”"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(_words, names[:LISTED])) + more


def _settings(data: Data, happened: Happened) -> str:
    place = happened.place("the main collective")
    return f"The settings of {place} were changed{_changes(data)}"


def _tenant_settings(data: Data, happened: Happened) -> str:
    return f"The settings of the tenant were changed{_changes(data)}"


def _role(data: Data, happened: Happened) -> str:
    verb = "was made" if data.get("grant") else "is no longer"
    return (
        f"{happened.subject} {verb} {data.get('role')} of {happened.place('the main collective')}"
    )


def _tenant_role(data: Data, happened: Happened) -> str:
    is_given = data.get("grant", data.get("is_admin"))
    verb = "was made a" if is_given else "is no longer a"
    return f"{happened.subject} {verb} tenant admin"


def _left_tenant(data: Data, happened: Happened) -> str:
    return f"{happened.subject} was removed from the tenant"


def _into(data: Data, happened: Happened) -> str:
    return f"{happened.subject} was brought into {happened.place('the main collective')}"


def _out_of(data: Data, happened: Happened) -> str:
    removed = f"{happened.subject} was removed from {happened.place('the main collective')}"
    if data.get("reason") == "parent_left":
        return f"{removed}: its parent is no longer a member"
    return removed


def _made_collective(data: Data, happened: Happened) -> str:
    switch = ", with the API on" if data.get("is_api_on") else ""
    place = happened.place(ELSEWHERE)
    named = place if place == ELSEWHERE else f"the collective {place}"
    return f"Made {named}{switch}"


def _joined(data: Data, happened: Happened) -> str:
    inviter = data.get("inviter_id")
    invited = f", invited by {happened.named(UUID(inviter))}" if inviter else ""
    return f"Joined {happened.place('the main collective')}{invited}"


def _left(data: Data, happened: Happened) -> str:
    return f"Left {happened.place('the main collective')}"


def _invited(data: Data, happened: Happened) -> str:
    until = f", good until {_day(data['expires_at'])}" if "expires_at" in data else ""
    return f"Made an invitation to {happened.place('the main collective')}{until}"


def _agent_made(data: Data, happened: Happened) -> str:
    article = "internal" if data.get("mode") == "internal" else "external"
    granted = data.get("granted", [])
    may = _listed(granted) if granted else "do nothing yet"
    if granted == list(capabilities.DEFAULT):
        may = "do what is usual"
    return f"Made the {article} agent {happened.subject}; it may {may}"


def _agent_changed(data: Data, happened: Happened) -> str:
    return f"The agent {happened.subject} was changed{_changes(data)}"


def _deactivated(data: Data, happened: Happened) -> str:
    return f"The agent {happened.subject} was deactivated"


def _reactivated(data: Data, happened: Happened) -> str:
    return f"The agent {happened.subject} was reactivated"


def _profile(data: Data, happened: Happened) -> str:
    if data.get("deleted"):
        return f"The agent {happened.subject} was deleted"
    said = []
    if "changed" in data:
        whose = "The profile" if happened.is_own else f"The profile of {happened.subject}"
        said.append(f"{whose} was changed{_changes(data)}")
    if "archived" in data:
        done = _deactivated if data["archived"] else _reactivated
        said.append(done(data, happened))
    return ". ".join(said)


def _pruned(data: Data, happened: Happened) -> str:
    return f"{data.get('count')} events from before {_day(data['before'])} were deleted"


ACTIONS: Mapping[str, Worded] = {
    "update_tenant_settings": _tenant_settings,
    "update_tenant_roles": _tenant_role,
    "remove_from_tenant": _left_tenant,
    "update_collective_settings": _settings,
    "update_member_roles": _role,
    "remove_member": _out_of,
    "add_ai_agent_to_collective": _into,
    "remove_ai_agent_from_collective": _out_of,
    "create_collective": _made_collective,
    "join_collective": _joined,
    "leave_collective": _left,
    "create_invite": _invited,
    "create_ai_agent": _agent_made,
    "update_ai_agent": _agent_changed,
    "deactivate_ai_agent": _deactivated,
    "reactivate_ai_agent": _reactivated,
    "update_profile": _profile,
    "prune_security_log": _pruned,
}


def _action(data: Data, happened: Happened) -> str:
    if "action" not in data:
        # The first admin of a tenant, by the command; and what older versions wrote.
        return (_left_tenant if data.get("removed") else _tenant_role)(data, happened)
    worded = ACTIONS.get(data["action"])
    return worded(data, happened) if worded else _words(data["action"]).capitalize()


WORDED: Mapping[str, Worded] = {
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
