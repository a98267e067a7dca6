"""The security log as rows: what is kept of each event, and what it says in words.

`docs/operations.md` (Security log) says what is kept and what is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import SecurityEvent
from accounts.queries import People, Person, people
from harmonic.kernel import audit, cursors
from harmonic.kernel.logs import without_tokens
from harmonic.kernel.tenancy import tenant_bound

# What a row keeps of an event's data: nothing that people wrote but the names of tokens.
KEPT = frozenset(
    "reason scope token_id name old_name is_admin removed is_on collective_id code action"
    " method limit note_id successor_id count".split()
)
# These come as often as somebody likes; a row a minute says it.
SAMPLED = frozenset({"permission_denied", "rate_limited"})
SAMPLED_EVERY = timedelta(minutes=1)
READS = frozenset({"GET", "HEAD", "OPTIONS"})
PAGE = 50


# --- Keeping --------------------------------------------------------------------------------


def keep(event: audit.Event) -> None:
    """Write an event of a tenant down, in a statement of its own."""
    if event.tenant_id is None or event.data.get("is_internal"):
        return
    with tenant_bound(event.tenant_id):
        if _is_one_of_many(event):
            return
        with transaction.atomic():
            _row(event, event.tenant_id).save(force_insert=True)


def _is_one_of_many(event: audit.Event) -> bool:
    """Answer whether a refusal goes without a row: of a read, or just after another one."""
    if event.name == "permission_denied" and event.data.get("method") in READS:
        return True
    if event.name not in SAMPLED:
        return False
    lately = SecurityEvent.objects.filter(
        user=event.user_id, event=event.name, ip=event.ip, at__gt=event.at - SAMPLED_EVERY
    )
    return lately.exists()


def _row(event: audit.Event, tenant_id: UUID) -> SecurityEvent:
    about = event.data.get("owner_id") or event.data.get("person_id") or event.user_id
    return SecurityEvent(
        tenant_id=tenant_id,
        at=event.at,
        event=event.name,
        severity="warning" if event.is_warning else "info",
        user_id=event.user_id,
        subject_id=about,
        ip=event.ip,
        request_id=event.request_id,
        data={key: _plain(value) for key, value in event.data.items() if key in KEPT},
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int) else without_tokens(str(value))


# --- Reading --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """An event as a page shows it."""

    at: datetime
    event: str
    sentence: str
    who: Person | None
    ip: str
    is_warning: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    lines: list[Line]
    older: str
    is_first: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: `about` whom alone, if given; then what a reader filters by."""

    about: frozenset[UUID] | None = None
    event: str = ""
    who: UUID | None = None

    @property
    def bound(self) -> str:
        """The name of the list, to which its cursors belong."""
        whose = ",".join(sorted(map(str, self.about))) if self.about is not None else "all"
        return f"security:{whose}:{self.event}:{self.who or ''}"


def events(
    wanted: Wanted, cursor: str, places: Callable[[Iterable[UUID]], Mapping[UUID, str]]
) -> Stretch:
    """Return a page of events, newest first; a cursor that cannot be read begins at the top.

    `places` gives the names of collectives.
    """
    position = _position(cursor, wanted.bound)
    rows = list(_rows(wanted, position)[: PAGE + 1])
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    older = cursors.encode((rows[-1].at, rows[-1].id), wanted.bound) if more else ""
    known = people(uid for row in rows for uid in (row.user_id, row.subject_id))
    names = places(UUID(row.data["collective_id"]) for row in rows if "collective_id" in row.data)
    return Stretch([_line(row, wanted, known, names) for row in rows], older, position is None)


def _rows(wanted: Wanted, position: cursors.Position | None) -> Any:
    rows = SecurityEvent.objects.order_by("-at", "-id")
    if wanted.about is not None:
        rows = rows.filter(subject__in=wanted.about)
    if wanted.event:
        rows = rows.filter(event=wanted.event)
    if wanted.who is not None:
        rows = rows.filter(Q(user=wanted.who) | Q(subject=wanted.who))
    if position is not None:
        at, row_id = position
        rows = rows.filter(Q(at__lt=at) | Q(at=at, id__lt=row_id))
    return rows


def _position(cursor: str, bound: str) -> cursors.Position | None:
    try:
        return cursors.decode(cursor, bound) if cursor else None
    except cursors.BadCursor:
        return None


def _line(row: SecurityEvent, wanted: Wanted, known: People, places: Mapping[UUID, str]) -> Line:
    # What others do to one's account is one's business; where they sit is not.
    is_shown = wanted.about is None or row.user_id is None or row.user_id in wanted.about
    return Line(
        at=row.at,
        event=row.event,
        sentence=sentence(row, known, places),
        who=known[row.user_id] if row.user_id else None,
        ip=row.ip if is_shown else "",
        is_warning=row.severity == "warning",
    )


# --- In words -------------------------------------------------------------------------------

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
    "tokens_ended": "Agents stopped",
    "api_flag_changed": "API switches",
    "admin_action": "Roles and removals",
    "user_suspended": "Suspensions",
    "user_unsuspended": "Suspensions lifted",
    "content_deleted": "Deletions by others",
    "permission_denied": "Refused writes",
    "rate_limited": "Limits reached",
}
PLAIN = {
    "login_success": "Signed in",
    "suspended_login_attempt": "Tried to sign in while suspended",
    "password_changed": "Changed the password",
    "email_changed": "Changed the e-mail address",
    "content_deleted": "Deleted a note of somebody else",
}
SIGNED_OUT = {
    "session_absolute_timeout": "Was signed out: the session was a day old",
    "session_idle_timeout": "Was signed out after a time of inactivity",
    "sessions_revoked": "Was signed out: all sessions were ended",
    "user_suspended": "Was signed out: the account is suspended",
}
SCOPES = {"api_tokens": "API tokens", "admin": "the administration"}


def sentence(row: SecurityEvent, known: People, places: Mapping[UUID, str]) -> str:
    """Return what happened, in plain words and without who did it."""
    worded = WORDED.get(row.event)
    if worded is not None:
        return worded(row.data, _Around(row, known, places))
    return PLAIN.get(row.event) or _words(row.event).capitalize()


def _words(name: str) -> str:
    return name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class _Around:
    """What a sentence needs beside the event's own data."""

    row: SecurityEvent
    known: People
    places: Mapping[UUID, str]

    @property
    def subject(self) -> str:
        """The name of whom it is about."""
        row = self.row
        return self.known[row.subject_id].name if row.subject_id else "somebody"

    @property
    def of_another(self) -> str:
        return f" of {self.subject}" if self.row.subject_id != self.row.user_id else ""

    @property
    def place(self) -> str:
        collective = self.row.data.get("collective_id")
        if collective is None:
            return "for the whole tenant"
        return f"in {self.places.get(UUID(collective), 'a collective')}"


Worded = Callable[[Mapping[str, Any], _Around], str]


def _logout(data: Mapping[str, Any], around: _Around) -> str:
    return SIGNED_OUT.get(data.get("reason", ""), "Signed out")


def _login_failure(data: Mapping[str, Any], around: _Around) -> str:
    whose = f"for {around.subject}" if around.row.subject_id else "for an unknown account"
    return f"A wrong password was given {whose}"


TOKENS_DONE = {"token_created": "made", "token_deleted": "deleted", "token_rotated": "rotated"}


def _stopped(data: Mapping[str, Any], around: _Around) -> str:
    return f"All tokens{around.of_another} were deleted"


def _token(data: Mapping[str, Any], around: _Around) -> str:
    name = data.get("name") or "Unnamed"
    if around.row.event == "token_renamed":
        old = data.get("old_name") or "Unnamed"
        return f"Token “{old}”{around.of_another} was renamed to “{name}”"
    done = TOKENS_DONE[around.row.event]
    return f"Token “{name}”{around.of_another} was {done}"


def _reverification(data: Mapping[str, Any], around: _Around) -> str:
    scope = SCOPES.get(data.get("scope", ""), "a step with consequences")
    if around.row.event == "reverification_success":
        return f"Gave the password again, for {scope}"
    return f"Gave a wrong password when asked again, for {scope}"


def _api_flag(data: Mapping[str, Any], around: _Around) -> str:
    return f"The API was turned {'on' if data.get('is_on') else 'off'} {around.place}"


def _admin_action(data: Mapping[str, Any], around: _Around) -> str:
    if data.get("removed"):
        return f"{around.subject} was removed from the tenant"
    done = "was made a tenant admin" if data.get("is_admin") else "is no longer a tenant admin"
    return f"{around.subject} {done}"


def _suspension(data: Mapping[str, Any], around: _Around) -> str:
    is_lifted = around.row.event == "user_unsuspended"
    if is_lifted:
        return f"The suspension of {around.subject} was lifted"
    return f"{around.subject} was suspended"


def _refused(data: Mapping[str, Any], around: _Around) -> str:
    what = f"the action “{data['action']}”" if "action" in data else "a write"
    return f"Was refused {what}: {_words(data.get('code', 'forbidden'))}"


def _limited(data: Mapping[str, Any], around: _Around) -> str:
    if "limit" not in data:
        return "Sign-in was closed for a while after too many wrong passwords"
    return f"Was asked to wait: the limit of {_words(data['limit'])} was reached"


WORDED: Mapping[str, Worded] = {
    "logout": _logout,
    "login_failure": _login_failure,
    "token_created": _token,
    "token_renamed": _token,
    "token_rotated": _token,
    "token_deleted": _token,
    "tokens_ended": _stopped,
    "reverification_success": _reverification,
    "reverification_failure": _reverification,
    "api_flag_changed": _api_flag,
    "admin_action": _admin_action,
    "user_suspended": _suspension,
    "user_unsuspended": _suspension,
    "permission_denied": _refused,
    "rate_limited": _limited,
}
