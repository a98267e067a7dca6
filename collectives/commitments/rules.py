"""Rules of commitments: creating, changing, joining and leaving them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collectives.commitments.models import Commitment, CommitmentParticipant
from collectives.items import rules as items
from collectives.items.deadlines import no_deadline
from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Invalid, NotPossible, Problem
from harmonic.kernel.rendering.text import is_blank

CLOSED = "This commitment is closed."
NOT_LOWERED = "Cannot lower critical mass after participants have joined"


# --- Creating -------------------------------------------------------------------------------


def create_commitment(
    access: Access,
    *,
    critical_mass: int,
    deadline: datetime | None = None,
    is_limited: bool = False,
    subtype: str = Commitment.DEFAULT_SUBTYPE,
    **values: Any,
) -> Commitment:
    """Create a commitment in the collective of the request.

    In a private workspace the critical mass is always 1. If `is_limited`, the commitment closes
    when it reaches critical mass. Without a deadline, a calendar event closes when it starts, and
    other commitments are closed manually.

    Raises:
        Invalid: the times do not fit the subtype.
    """
    starts_at, ends_at = values.get("starts_at"), values.get("ends_at")
    require_times(subtype, starts_at, ends_at, values.get("location", ""))
    mass = 1 if access.required_place.is_workspace else critical_mass
    commitment = items.create(
        access,
        Commitment,
        subtype=subtype,
        critical_mass=mass,
        limit=mass if is_limited else None,
        deadline=deadline or starts_at or no_deadline(access.now),
        **values,
    )
    # A query of the commitment would set these annotations.
    commitment.participant_count, commitment.joined_at = 0, None
    return commitment


def require_times(
    subtype: str, starts_at: datetime | None, ends_at: datetime | None, location: str
) -> None:
    """Require a start and a later end of calendar events, and of no other commitments.

    Raises:
        Invalid: a time is missing, invalid or not allowed; it has a problem per parameter.
    """
    sent = {"starts_at": starts_at, "ends_at": ends_at, "location": location}
    if subtype != Commitment.Subtype.CALENDAR_EVENT:
        given = [name for name, value in sent.items() if value]
        if given:
            raise Invalid(*(Problem(name, "applies only to calendar events") for name in given))
        return
    missing = [Problem(name, "blank") for name in ("starts_at", "ends_at") if not sent[name]]
    if missing:
        raise Invalid(*missing)
    if starts_at and ends_at and ends_at <= starts_at:
        raise Invalid(Problem("ends_at", "must be after starts_at"))


# --- Changing -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a commitment in a request. None and blank keep the current value."""

    title: str = ""
    description: str = ""
    critical_mass: int | None = None
    deadline: datetime | None = None
    # Whether it closes at critical mass.
    is_limited: bool | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    location: str = ""

    @property
    def texts(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "description": "" if is_blank(self.description) else self.description,
            "location": self.location,
        }

    @property
    def times(self) -> dict[str, Any]:
        return {"starts_at": self.starts_at, "ends_at": self.ends_at}


def update_commitment(
    access: Access, commitment: Commitment, sent: Settings
) -> dict[str, Any] | None:
    """Change the settings that were sent.

    Returns the facts of the event, or None if nothing changed.

    Raises:
        Invalid: the times do not fit.
        NotPossible: the commitment is closed, or a member has joined and critical mass is lowered.
    """
    _recount(commitment)
    wanted = _Change(access, commitment, sent).wanted()
    changed = {name: value for name, value in wanted.items() if value != getattr(commitment, name)}
    if not changed:
        return None
    facts = items.changed(commitment, changed)
    for name, value in changed.items():
        setattr(commitment, name, value)
    commitment.updated_at = commitment.last_activity_at = access.now
    commitment.updated_by_id = access.user.user_id
    commitment.save(update_fields=[*changed, "updated_at", "last_activity_at", "updated_by"])
    return facts


@dataclass(slots=True)
class _Change:
    """The new values of a commitment's columns, from the settings in a request."""

    access: Access
    commitment: Commitment
    sent: Settings
    is_closed: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_closed = self.commitment.is_closed(self.access.now)

    def wanted(self) -> dict[str, Any]:
        given = {**self.sent.texts, **self.sent.times}
        wanted = {name: value for name, value in given.items() if value}
        self._require_times(wanted)
        return {**wanted, **self._mass(), **self._deadline(wanted)}

    def _require_times(self, wanted: dict[str, Any]) -> None:
        names = ("starts_at", "ends_at", "location")
        values = {name: wanted.get(name, getattr(self.commitment, name)) for name in names}
        require_times(self.commitment.subtype, **values)

    def _mass(self) -> dict[str, Any]:
        """Return the new critical mass. A limit equal to the old one changes with it."""
        old, new = self.commitment.critical_mass, self.sent.critical_mass
        if new is None or new == old or self.access.required_place.is_workspace:
            return {}
        if self.is_closed:
            raise NotPossible("Cannot change critical mass on a closed commitment", code="closed")
        if new < old and self.commitment.participant_count:
            raise NotPossible(NOT_LOWERED)
        follows = self.commitment.limit == old
        return {"critical_mass": new, **({"limit": new} if follows else {})}

    def _deadline(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Return the new deadline. An event's deadline that equals its start moves with it."""
        deadline, is_limited = self.sent.deadline, self.sent.is_limited
        if self.is_closed:
            if deadline is not None or is_limited is not None:
                raise NotPossible("Cannot change deadline on a closed commitment", code="closed")
            return {}
        if deadline is None and self.commitment.deadline == self.commitment.starts_at:
            deadline = wanted.get("starts_at")
        limit = self._mass().get("critical_mass", self.commitment.critical_mass)
        if is_limited and self.commitment.participant_count >= limit:
            deadline = self.access.now
        chosen = {} if is_limited is None else {"limit": limit if is_limited else None}
        return {**({"deadline": deadline} if deadline else {}), **chosen}


# --- Joining and leaving --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Joined:
    """The result of joining or leaving: the participant, whether it changed, and the effect."""

    participant: CommitmentParticipant
    is_changed: bool
    reaches_mass: bool = False


def join(access: Access, commitment: Commitment) -> Joined:
    """Join a commitment whose row is locked. Joining again changes nothing.

    It closes if its limit is reached.

    Raises:
        NotPossible: the commitment is closed.
    """
    row = _row(access, commitment)
    if row.committed_at is not None:
        return Joined(row, is_changed=False)
    require_open(access, commitment)
    _recount(commitment)
    row.committed_at = access.now
    row.save()
    commitment.participant_count += 1
    commitment.joined_at = access.now
    if commitment.limit is not None and commitment.participant_count >= commitment.limit:
        commitment.deadline = access.now
    _save_activity(access, commitment)
    reaches = commitment.participant_count == commitment.critical_mass
    return Joined(row, is_changed=True, reaches_mass=reaches)


def leave(access: Access, commitment: Commitment) -> Joined:
    """Leave a commitment whose row is locked. The row of the participant stays.

    Raises:
        NotPossible: the commitment is closed.
    """
    require_open(access, commitment)
    row = _row(access, commitment)
    if row.committed_at is None:
        row.save()
        return Joined(row, is_changed=False)
    row.committed_at = commitment.joined_at = None
    row.save()
    _recount(commitment)
    _save_activity(access, commitment)
    return Joined(row, is_changed=True)


def require_open(access: Access, commitment: Commitment) -> None:
    """Raise `NotPossible` if the commitment is closed."""
    if commitment.is_closed(access.now):
        raise NotPossible(CLOSED, code="closed")


def _recount(commitment: Commitment) -> None:
    """Count the participants again, now that the row is locked.

    After waiting for a lock, PostgreSQL rereads the row but not the subqueries of the statement.
    """
    rows = CommitmentParticipant.objects.filter(commitment=commitment.id)
    commitment.participant_count = rows.filter(committed_at__isnull=False).count()


def _row(access: Access, commitment: Commitment) -> CommitmentParticipant:
    """Return the caller's participant, or a new one that is not stored yet."""
    mine = {"commitment_id": commitment.id, "user_id": access.user.user_id}
    found = CommitmentParticipant.objects.filter(**mine).first()
    return found or CommitmentParticipant(tenant_id=access.tenant.id, **mine)


def _save_activity(access: Access, commitment: Commitment) -> None:
    """Store the deadline and the time of the activity: lists show the number of participants."""
    commitment.last_activity_at = access.now
    commitment.save(update_fields=["deadline", "last_activity_at"])
