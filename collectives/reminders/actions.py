"""Actions of reminder notes."""

from __future__ import annotations

from dataclasses import replace

from collectives.items import rules as items
from collectives.items.actions import creation_action, done
from collectives.items.deadlines import TypedTime, resolved
from collectives.notes.models import Note
from collectives.reminders import rules
from collectives.reminders.models import State
from collectives.reminders.params import ReminderParams
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.capabilities import usual
from harmonic.kernel.refusals import Proof
from harmonic.kernel.scopes import Scope

GROUP = "Reading and reminders"


def create(
    access: Access,
    target: object,
    *,
    text: str,
    scheduled_for: TypedTime,
    title: str = "",
    timezone: str = "",
) -> Outcome:
    """Create a reminder note."""
    moment = resolved(access, scheduled_for, timezone)
    note = rules.create_reminder(access, text=text, scheduled_for=moment, title=title)
    message = f"Reminder note created for {moment:%Y-%m-%d %H:%M} UTC."
    return done(access, note, message, items.created(note))


create_reminder_note: Action[object] = replace(
    creation_action(
        Note,
        "Create a note that reminds you and the members it mentions at a set time.",
        params=ReminderParams,
        resources="notes",
        group=GROUP,
        effect=create,
    ),
    name="create_reminder_note",
    label="Create reminder",
)


def _cancel(access: Access, note: Note) -> Outcome:
    return done(access, note, "Reminder cancelled", rules.cancel(access, note))


cancel_reminder: Action[Note] = Action(
    name="cancel_reminder",
    sentence="Cancel this reminder. The note is kept.",
    label="Cancel reminder",
    scope=Scope("update:notes"),
    grant=usual(GROUP),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.updated",
    policy=rules.may_cancel,
    is_offered=lambda access, note: note is None or rules.state_of(note) == State.PENDING,
    effect=_cancel,
    confirm="Cancel this reminder?",
)


def _acknowledge(access: Access, note: Note) -> Outcome:
    """Acknowledge a delivered reminder, unless the caller has acknowledged its current version."""
    last = rules.last_acknowledgement(access, note)
    message = "You already acknowledged this reminder." if last else "Reminder acknowledged."
    outcome = done(access, note, message, None if last else {})
    is_new = 0 if last or rules.has_acknowledged(access, note) else 1
    count = rules.acknowledgements_of(note) + is_new
    return replace(
        outcome,
        object=last or note,
        json={"success": True, "reminder_acknowledgments": count},
    )


def _is_to_acknowledge(access: Access, note: Note | None) -> bool:
    if note is None:
        return True
    if rules.state_of(note) != State.DELIVERED or note.is_deleted:
        return False
    return rules.last_acknowledgement(access, note) is None


acknowledge_reminder: Action[Note] = Action(
    name="acknowledge_reminder",
    sentence="Acknowledge this reminder to show others that you have seen it.",
    label="Acknowledge",
    scope=Scope("create:confirmations"),
    other_scopes=(Scope("create:notes"),),
    grant=usual(GROUP),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.acknowledged",
    policy=items.may_read,
    is_offered=_is_to_acknowledge,
    effect=_acknowledge,
)
