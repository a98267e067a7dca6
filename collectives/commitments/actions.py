"""Actions of commitments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from collectives.commitments import rules
from collectives.commitments.models import Commitment
from collectives.commitments.params import CreateParams, UpdateParams, settings_of
from collectives.commitments.rules import Joined, Settings
from collectives.commitments.words import words_of
from collectives.items import rules as items
from collectives.items.actions import creation_action, done, lifecycle_actions
from collectives.items.deadlines import (
    AT,
    CRITICAL_MASS,
    NONE,
    TypedTime,
    chosen_deadline,
    resolved,
)
from collectives.queries import current_collective
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.capabilities import usual
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.refusals import Proof
from harmonic.kernel.scopes import Scope

GROUP = "Commitments"
CRITICAL_MASS_REACHED = "commitment.critical_mass"
# Pages send times as typed text, and the API as datetimes.
Time = TypedTime | datetime | None

# --- Create and update ----------------------------------------------------------------------


def create(
    access: Access,
    target: None,
    *,
    title: str,
    critical_mass: int,
    description: str = "",
    subtype: str = Commitment.DEFAULT_SUBTYPE,
    close_at_critical_mass: bool = False,
    deadline_option: str = "",
    deadline: Time = None,
    starts_at: Time = None,
    ends_at: Time = None,
    location: str = "",
    timezone: str = "",
) -> Outcome:
    """Create a commitment. An event without a deadline closes when it starts."""
    closes_at = None if deadline_option in (NONE, CRITICAL_MASS) else deadline
    option = "" if deadline_option in (NONE, CRITICAL_MASS) else deadline_option
    commitment = rules.create_commitment(
        access,
        title=title,
        description=description,
        subtype=subtype,
        critical_mass=critical_mass,
        is_limited=close_at_critical_mass or deadline_option == CRITICAL_MASS,
        deadline=chosen_deadline(access, closes_at, timezone=timezone, option=option),
        starts_at=_moment(access, starts_at, timezone),
        ends_at=_moment(access, ends_at, timezone),
        location=location,
    )
    message = f"Commitment '{commitment.title}' was successfully created."
    return done(access, commitment, message, items.created(commitment))


def _moment(access: Access, sent: Time, timezone: str) -> datetime | None:
    return None if sent is None else resolved(access, sent, timezone)


create_commitment = creation_action(
    Commitment,
    "Propose a commitment in this collective.",
    params=CreateParams,
    resources="commitments",
    group=GROUP,
    effect=create,
)


def update(
    access: Access,
    commitment: Commitment,
    *,
    title: str = "",
    description: str = "",
    critical_mass: int | None = None,
    deadline_option: str = "",
    deadline: Time = None,
    starts_at: Time = None,
    ends_at: Time = None,
    location: str = "",
    timezone: str = "",
) -> Outcome:
    sent = Settings(
        title=title,
        description=description,
        critical_mass=critical_mass,
        deadline=chosen_deadline(access, deadline, timezone=timezone, option=deadline_option),
        is_limited=_is_limited(deadline_option),
        starts_at=_moment(access, starts_at, timezone),
        ends_at=_moment(access, ends_at, timezone),
        location=location,
    )
    facts = rules.update_commitment(access, commitment, sent)
    if facts is None:
        return done(access, commitment, "The commitment already has these values.")
    return done(access, commitment, "The commitment was successfully updated.", facts)


def _is_limited(deadline_option: str) -> bool | None:
    """Return whether a form chose to close at critical mass, or None to keep the limit."""
    if deadline_option not in (NONE, CRITICAL_MASS, AT):
        return None
    return deadline_option == CRITICAL_MASS


def _current(access: Access, commitment: Commitment | None) -> Mapping[str, Any]:
    if commitment is None:
        return {}
    names = ("title", "description", "critical_mass", "location")
    values = {name: getattr(commitment, name) for name in names}
    if not commitment.is_event:
        return values
    zone = ZoneInfo(current_collective(access).timezone)
    times = {name: getattr(commitment, name) for name in ("starts_at", "ends_at")}
    return {
        **values,
        **{name: f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" for name, at in times.items()},
    }


def _settings(access: Access, commitment: Commitment | None) -> type[Params]:
    return settings_of(commitment, access.now) if commitment else UpdateParams


update_commitment_settings: Action[Commitment] = Action(
    name="update_commitment_settings",
    sentence="Change this commitment, or close it.",
    label="Save changes",
    scope=Scope("update:commitments"),
    grant=usual(GROUP),
    proof=Proof.NONE,
    changes_access=False,
    emits="commitment.updated",
    params=UpdateParams,
    policy=items.may_edit,
    effect=update,
    params_here=_settings,
    initial=_current,
)


# --- Join and leave -------------------------------------------------------------------------


def join(access: Access, commitment: Commitment) -> Outcome:
    """Join a commitment. The object of the outcome is the participant."""
    joined, words = rules.join(access, commitment), words_of(commitment)
    said = words.joined if joined.is_changed else words.already
    return _outcome(access, commitment, joined, f"You {said} '{commitment.title}'.")


def leave(access: Access, commitment: Commitment) -> Outcome:
    """Leave a commitment. The object of the outcome is the participant."""
    left = rules.leave(access, commitment)
    said = "left" if left.is_changed else "had not joined"
    return _outcome(access, commitment, left, f"You {said} '{commitment.title}'.")


def _outcome(access: Access, commitment: Commitment, joined: Joined, message: str) -> Outcome:
    count, mass = commitment.participant_count, commitment.critical_mass
    facts = {"participant_count": count, "critical_mass": mass} if joined.is_changed else None
    outcome = done(access, commitment, message, facts)
    also = (CRITICAL_MASS_REACHED,) if joined.reaches_mass else ()
    return replace(outcome, object=joined.participant, also_emits=also)


def _may_join(access: Access, commitment: Commitment | None) -> bool:
    """Return whether to offer to join."""
    if commitment is None:
        return True
    return not (commitment.is_joined or commitment.is_closed(access.now))


def _may_leave(access: Access, commitment: Commitment | None) -> bool:
    """Return whether to offer to leave."""
    if commitment is None:
        return True
    return commitment.is_joined and not commitment.is_closed(access.now)


join_commitment: Action[Commitment] = Action(
    name="join_commitment",
    sentence="Join this commitment: RSVP to an event, sign a policy.",
    label="Join",
    scope=Scope("create:commitments"),
    other_scopes=(Scope("create:commitment_participants"),),
    grant=usual(GROUP),
    proof=Proof.NONE,
    changes_access=False,
    emits="commitment.joined",
    policy=items.may_read,
    is_offered=_may_join,
    effect=join,
)

leave_commitment: Action[Commitment] = Action(
    name="leave_commitment",
    sentence="Leave this commitment. You can join again while it is open.",
    label="Leave",
    scope=Scope("create:commitments"),
    other_scopes=(Scope("create:commitment_participants"),),
    grant=usual(GROUP),
    # An agent that can join can also leave.
    capability="join_commitment",
    proof=Proof.NONE,
    changes_access=False,
    emits="commitment.left",
    policy=items.may_read,
    is_offered=_may_leave,
    effect=leave,
)


# --- Pin, unpin, delete, restore ------------------------------------------------------------

pin_commitment, unpin_commitment, delete_commitment, restore_commitment = lifecycle_actions(
    "commitment", resources="commitments", group=GROUP
)
