"""The security log: storing events as rows, pruning them, and reading pages of them.

`docs/operations.md` (Security log) lists what is stored. `accounts/security_words.py` has the
sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q

from accounts.append_only import deletion_allowed
from accounts.models import SecurityEvent, Tenant
from accounts.queries import People, Person, people
from accounts.security_words import LogEntry, sentence
from harmonic.kernel.access import Access, UserType
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.events import Event
from harmonic.kernel.http import cursors
from harmonic.kernel.http.methods import SAFE
from harmonic.kernel.operations import audit
from harmonic.kernel.operations.redaction import as_json, without_tokens
from harmonic.kernel.rendering.text import folded

# The data of an event that its row stores: no text written by people except names.
KEPT = frozenset(
    "reason scope token_id name old_name is_on collective_id code action method limit note_id"
    " successor_id count masked scopes expires_at with by_token by_token_id role grant changed"
    " granted withdrawn mode invite_id inviter_id is_api_on archived deleted is_admin"
    " before job job_id status report_id".split()
)
# A sender can cause any number of these; one row a minute is stored.
SAMPLED = frozenset({"permission_denied", "rate_limited"})
SAMPLED_EVERY = timedelta(minutes=1)
PAGE = 50

# The column of the API switch, whose changes are an event of their own.
API_SWITCH = "is_api_enabled"


# --- Recording writes -----------------------------------------------------------------------


def record_write(event: Event, access: Access) -> None:
    """Record the write of a logged action, in the transaction of the write."""
    logged = event.action.logged
    if logged is None:
        return
    facts = dict(event.facts)
    if API_SWITCH in facts.get("changed", {}):
        facts["changed"] = dict(facts["changed"])
        _, is_on = facts["changed"].pop(API_SWITCH)
        audit.record("api_flag_changed", access, is_on=is_on, collective_id=event.collective_id)
        if not facts["changed"]:
            return
    place = access.place
    is_shared = place is not None and not (place.is_main or place.is_workspace)
    where = {"collective_id": place.id if place is not None and is_shared else None}
    audit.record(logged.event, access, **{"action": event.action.name, **where, **facts})


# --- Storing --------------------------------------------------------------------------------


def store(event: audit.AuditEvent) -> None:
    """Store an event of a tenant in a row."""
    if event.tenant_id is None or event.data.get("is_internal"):
        return
    with tenant_bound(event.tenant_id):
        if _is_skipped(event):
            return
        with transaction.atomic():
            _row(event, event.tenant_id).save(force_insert=True)


def _is_skipped(event: audit.AuditEvent) -> bool:
    """Return whether a refusal gets no row: that of a read, or one soon after another."""
    if event.name == "permission_denied" and event.data.get("method") in SAFE:
        return True
    if event.name not in SAMPLED:
        return False
    token = event.data.get("by_token_id")
    sender = (event.tenant_id, event.name, event.user_id, event.ip, token)
    since = event.at - SAMPLED_EVERY
    if sender in _sampled and _sampled[sender] > since:
        return True
    latest = _latest_row(event, token, since)
    if latest is None:
        return False
    if len(_sampled) >= SENDERS_KNOWN:
        _sampled.clear()
    _sampled[sender] = latest
    return True


# The time of each sender's latest row, which saves a query for each of many refusals.
_sampled: dict[tuple[Any, ...], datetime] = {}
SENDERS_KNOWN = 2000


def _latest_row(event: audit.AuditEvent, token: object, since: datetime) -> datetime | None:
    rows = SecurityEvent.objects.filter(
        user=event.user_id, event=event.name, ip=event.ip, at__gt=since
    )
    latest = (
        rows.filter(by_token=str(token) if token else None)
        .order_by("-at", "-id")
        .values_list("at", flat=True)
    )
    return latest.first()


def _row(event: audit.AuditEvent, tenant_id: UUID) -> SecurityEvent:
    about = event.data.get("owner_id") or event.data.get("person_id") or event.user_id
    parts = {"user": event.user_id, "subject": about, "inviter": event.data.get("inviter_id")}
    data = {key: as_json(value) for key, value in event.data.items() if key in KEPT}
    names = _names(event, parts)
    return SecurityEvent(
        tenant_id=tenant_id,
        at=event.at,
        event=event.name,
        severity="warning" if event.is_warning else "info",
        user_id=event.user_id,
        subject_id=about,
        ip=event.ip,
        request_id=event.request_id,
        data={**data, "people": names},
        token=event.data.get("token_id"),
        successor=event.data.get("successor_id"),
        by_token=event.data.get("by_token_id"),
        user_handle=_folded_handle(names, "user"),
        subject_handle=_folded_handle(names, "subject"),
    )


def _folded_handle(names: Mapping[str, Mapping[str, str]], part: str) -> str | None:
    return folded(names[part]["handle"]) if part in names else None


def _names(event: audit.AuditEvent, parts: Mapping[str, UUID | None]) -> dict[str, dict[str, str]]:
    """Return the current names of the people involved, for when their accounts are deleted."""
    known = {each.user_id: (each.handle, each.name) for each in event.people}
    unknown = people(user_id for user_id in parts.values() if user_id not in known)
    known |= {user_id: (person.handle, person.name) for user_id, person in unknown.items()}
    return {
        part: {"handle": known[user_id][0], "name": without_tokens(known[user_id][1])}
        for part, user_id in parts.items()
        if user_id in known
    }


# --- Pruning --------------------------------------------------------------------------------


def prune(tenant: Tenant, before: datetime) -> int:
    """Delete a tenant's events from before a moment, and return their number.

    The deletion is recorded as an event.
    """
    with tenant_bound(tenant.id), deletion_allowed():
        rows = SecurityEvent.objects.filter(at__lt=before)
        # The queryset overrides `delete` to raise.
        count, _ = models.QuerySet.delete(rows)
        if count:
            audit.record(
                audit.ADMIN_ACTION,
                tenant_id=tenant.id,
                action="prune_security_log",
                before=before,
                count=count,
            )
    return count


# --- Reading --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownToken:
    """A token that an event names. The path is "" if the reader may not open its page."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class LogRow:
    """An event for a page.

    `token` is the token that it is about. `with_` is the kind of credentials the actor used,
    `by_token` the token, if it was one.
    """

    at: datetime
    event: str
    sentence: str
    who: Person | None
    ip: str
    is_warning: bool
    token: ShownToken | None
    with_: str
    by_token: ShownToken | None


@dataclass(frozen=True, slots=True)
class LogPage:
    lines: list[LogRow]
    older: str
    is_first: bool


@dataclass(frozen=True, slots=True)
class LogQuery:
    """The filters of a page of the log, which is the log of `reader`.

    `about` limits it to events about these accounts. `former_handle` is a handle that no account
    has any more.
    """

    about: frozenset[UUID] | None = None
    reader: UUID | None = None
    event: str = ""
    who: UUID | None = None
    former_handle: str = ""
    token: UUID | None = None

    @property
    def bound(self) -> str:
        """The name of the list, to which its cursors are bound.

        It contains the reader and not the agents, so a new agent does not invalidate cursors.
        """
        whose = str(self.reader) if self.about is not None else "all"
        filters = (self.event, self.who or self.former_handle, self.token or "")
        return f"security:{whose}:{':'.join(map(str, filters))}"


@dataclass(frozen=True, slots=True)
class Reading:
    """The reader of the log, and whether it is their own log or the tenant's."""

    access: Access
    is_own: bool


# Returns texts by row id for rows of a later application: names of collectives or paths of token
# pages. Rows that the reader may not see are left out.
RowTexts = Callable[[Reading, Iterable[UUID]], Mapping[UUID, str]]
_row_texts: dict[str, RowTexts] = {}


def show_with(kind: Literal["places", "token_pages"], row_texts: RowTexts) -> None:
    """Register the function that returns the texts for collectives or tokens."""
    _row_texts[kind] = row_texts


def events(wanted: LogQuery, cursor: str, reading: Reading) -> LogPage:
    """Return a page of events, newest first. An invalid cursor returns the first page."""
    position = _position(cursor, wanted.bound)
    rows = list(_rows(wanted, position)[: PAGE + 1])
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    older = cursors.encode((rows[-1].at, rows[-1].id), wanted.bound) if more else ""
    known = people(user_id for row in rows for user_id in _people_of(row).values())
    places = _row_texts["places"](reading, _ids(rows, "collective_id"))
    pages = _row_texts["token_pages"](
        reading, _ids(rows, "token_id", "successor_id", "by_token_id")
    )
    lines = [_line(row, wanted, known, places, pages) for row in rows]
    return LogPage(lines, older, position is None)


def deleted_agents_of(user_id: UUID) -> frozenset[UUID]:
    """Return the ids of agents that a person deleted, whose events they can still read."""
    rows = SecurityEvent.objects.filter(user=user_id, event=audit.USER_ACTION, data__deleted=True)
    return frozenset(rows.values_list("subject_id", flat=True))


def _people_of(row: SecurityEvent) -> dict[str, UUID]:
    """Return the ids of the people in an event, by their part in it."""
    inviter = row.data.get("inviter_id")
    parts = {"user": row.user_id, "subject": row.subject_id}
    parts["inviter"] = UUID(inviter) if inviter else None
    return {part: user_id for part, user_id in parts.items() if user_id}


def _ids(rows: Iterable[SecurityEvent], *names: str) -> set[UUID]:
    return {UUID(row.data[name]) for row in rows for name in names if name in row.data}


def _rows(wanted: LogQuery, position: cursors.Position | None) -> Any:
    rows = SecurityEvent.objects.order_by("-at", "-id")
    if wanted.about is not None:
        rows = rows.filter(subject__in=wanted.about)
    if wanted.event:
        rows = rows.filter(event=wanted.event)
    if wanted.who is not None:
        rows = rows.filter(Q(user=wanted.who) | Q(subject=wanted.who))
    if wanted.former_handle:
        rows = _with_any(rows, ("user_handle", "subject_handle"), folded(wanted.former_handle))
    if wanted.token is not None:
        rows = _with_any(rows, ("token", "successor", "by_token"), wanted.token)
    if position is not None:
        at, row_id = position
        rows = rows.filter(Q(at__lt=at) | Q(at=at, id__lt=row_id))
    return rows


def _with_any(rows: Any, columns: Iterable[str], value: Any) -> Any:
    """Filter rows that have a value in one of `columns`, with an index lookup for each."""
    first, *others = (
        SecurityEvent.objects.filter(**{column: value}).order_by().values("id")
        for column in columns
    )
    return rows.filter(id__in=first.union(*others, all=True))


def _position(cursor: str, bound: str) -> cursors.Position | None:
    try:
        return cursors.decode(cursor, bound) if cursor else None
    except cursors.BadCursor:
        return None


def _line(
    row: SecurityEvent,
    wanted: LogQuery,
    known: People,
    places: Mapping[UUID, str],
    pages: Mapping[UUID, str],
) -> LogRow:
    # A reader sees what others did to their account, but not from where and with which token.
    is_shown = wanted.about is None or row.user_id is None or row.user_id in wanted.about
    there = People(
        (user_id, _person(row, known, part, user_id)) for part, user_id in _people_of(row).items()
    )
    by_token = row.data.get("by_token_id") if is_shown else None
    return LogRow(
        at=row.at,
        event=row.event,
        sentence=sentence(
            LogEntry(row.event, row.data, row.user_id, row.subject_id, there, places)
        ),
        who=there[row.user_id] if row.user_id else None,
        ip=row.ip if is_shown else "",
        is_warning=row.severity == "warning",
        token=_about_token(row, pages),
        with_=row.data.get("with", "") if is_shown else "",
        by_token=_token(row.data.get("by_token"), by_token, pages) if by_token else None,
    )


def _person(row: SecurityEvent, known: People, part: str, user_id: UUID) -> Person:
    """Return a person with their current name, or with that of the event if they are deleted."""
    was = row.data.get("people", {}).get(part)
    if user_id in known or was is None:
        return known[user_id]
    return Person(user_id, "", f"{was['name']} (@{was['handle']}, deleted)", UserType.HUMAN)


def _about_token(row: SecurityEvent, pages: Mapping[UUID, str]) -> ShownToken | None:
    """Return the token to link to: for a rotated token, its successor."""
    token_id = row.data.get("successor_id") or row.data.get("token_id")
    return _token("its page", token_id, pages) if token_id and UUID(token_id) in pages else None


def _token(label: str | None, token_id: str, pages: Mapping[UUID, str]) -> ShownToken:
    return ShownToken(label or "Unnamed", pages.get(UUID(token_id), ""))
