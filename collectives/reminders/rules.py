"""Rules of reminders: scheduling, changing, cancelling and acknowledging them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from accounts.models import TenantUser
from collectives.events.models import ACKNOWLEDGED, Event
from collectives.items import rules as items
from collectives.notes import rules as notes
from collectives.notes.models import Note
from collectives.notifications.mentions import names_in
from collectives.notifications.models import (
    Channel,
    Notification,
    NotificationType,
    Recipient,
    RecipientStatus,
)
from collectives.notifications.preferences.rules import wanted_by
from collectives.notifications.rules import members_named
from collectives.reminders.models import Reminder, State
from harmonic.kernel import events
from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Denied, Invalid, NotPossible

NOT_A_REMINDER = "Not a reminder note"
NOT_EDITABLE = "This reminder can no longer be edited"
_HOUR = timedelta(hours=1)


def is_reminder(note: Note) -> bool:
    return note.subtype == Note.Subtype.REMINDER


def reminder_of(note: Note) -> Reminder:
    """Return the schedule of a note, loaded once. In a write, the note is already locked.

    Raises:
        NotPossible: the note is not a reminder.
    """
    if not is_reminder(note):
        hint = "Only notes with the subtype `reminder` are scheduled."
        raise NotPossible(NOT_A_REMINDER, hint=hint)
    reminder: Reminder = note.reminder
    return reminder


def state_of(note: Note) -> State | None:
    """Return the state of a reminder, or None for other notes."""
    return reminder_of(note).state if is_reminder(note) else None


# --- Policies -------------------------------------------------------------------------------


def may_cancel(access: Access, note: Note | None) -> Denied | None:
    """Allow the author. For a note that is not a reminder, the effect raises the refusal."""
    if denied := items.may_read(access, note):
        return denied
    if note is None or not is_reminder(note) or note.created_by_id == access.user.user_id:
        return None
    return Denied("Not authorized", "Only the author of a reminder can cancel it.")


# --- Creation -------------------------------------------------------------------------------


def create_reminder(access: Access, *, text: str, scheduled_for: datetime, title: str = "") -> Note:
    """Create a reminder note and its notification to the author and the mentioned members.

    Raises:
        Refused: a limit of the author is reached, or the time is not in the future.
    """
    _require_room(access)
    require_future(access, scheduled_for)
    note = notes.create_note(access, text=text, title=title, subtype=Note.Subtype.REMINDER)
    Reminder(
        tenant_id=note.tenant_id,
        note=note,
        scheduled_for=scheduled_for,
        notification=_notification(access, note, scheduled_for),
    ).save(force_insert=True)
    return note


def _require_room(access: Access) -> None:
    """Require that the caller can schedule another reminder.

    Raises:
        NotPossible: a limit is reached.
    """
    # The lock makes concurrent requests count one after the other.
    person = TenantUser.objects.filter(id=access.user.person_id)
    person.select_for_update(no_key=True).get()
    own = Reminder.objects.filter(note__created_by=access.user.user_id)
    scheduled = own.filter(
        scheduled_for__gt=access.now, notification__isnull=False, delivered_at=None
    )
    if scheduled.count() >= Reminder.MAX_SCHEDULED:
        hint = "Cancel one of them with `cancel_reminder`, or wait until one is delivered."
        raise _too_many(f"Maximum {Reminder.MAX_SCHEDULED} scheduled reminders allowed", hint)
    if own.filter(note__created_at__gt=access.now - _HOUR).count() >= Reminder.MAX_PER_HOUR:
        hint = "Try again later. Each new reminder counts for one hour."
        raise _too_many(f"Maximum {Reminder.MAX_PER_HOUR} reminders per hour", hint)


def _too_many(reason: str, hint: str) -> NotPossible:
    return NotPossible(f"Reminder scheduling failed: {reason}", code="limit_reached", hint=hint)


def require_future(access: Access, scheduled_for: datetime) -> None:
    """Require a time in the future.

    Raises:
        Invalid: the time is not in the future.
    """
    if scheduled_for <= access.now:
        raise Invalid.of("scheduled_for", "in_the_past")


def _notification(access: Access, note: Note, due_at: datetime) -> Notification:
    """Store the pending notification of a reminder, which has no event."""
    mentioned = members_named(access, names_in(note.text))
    wanted = wanted_by(NotificationType.REMINDER, mentioned)
    reminded = {access.user.user_id, *wanted[Channel.IN_APP], *wanted[Channel.EMAIL]}
    row = Notification(
        tenant_id=note.tenant_id,
        notification_type=NotificationType.REMINDER,
        title=note.shown_title[: Notification.TITLE_LENGTH],
        path=note.path_in(access.required_place.path),
        item=note,
        created_at=access.now,
    )
    row.save(force_insert=True)
    Recipient.objects.bulk_create(
        Recipient(
            tenant_id=note.tenant_id,
            notification=row,
            user_id=user_id,
            channel=Channel.IN_APP,
            status=RecipientStatus.PENDING,
            due_at=due_at,
        )
        for user_id in reminded
    )
    return row


# --- Change and cancel ----------------------------------------------------------------------


def require_editable(note: Note) -> None:
    """Require that a reminder is still pending; other notes pass.

    Raises:
        NotPossible: the reminder was delivered or cancelled.
    """
    if is_reminder(note) and not reminder_of(note).is_pending:
        raise NotPossible(NOT_EDITABLE, hint="Create a new reminder instead.")


def reschedule(access: Access, note: Note, scheduled_for: datetime) -> dict[str, Any] | None:
    """Reschedule a pending reminder, and return the facts of the change, or None.

    Raises:
        Invalid: the time is not in the future.
    """
    reminder = reminder_of(note)
    if scheduled_for == reminder.scheduled_for:
        return None
    require_future(access, scheduled_for)
    changed = {"scheduled_for": [reminder.scheduled_for, scheduled_for]}
    reminder.scheduled_for = scheduled_for
    reminder.save(update_fields=["scheduled_for"])
    Recipient.objects.filter(notification=reminder.notification_id).update(due_at=scheduled_for)
    _touch(access, note)
    return {"changed": changed}


def cancel(access: Access, note: Note) -> dict[str, Any]:
    """Cancel a pending reminder, and return the facts of the change.

    Raises:
        NotPossible: the reminder is not pending.
    """
    reminder = reminder_of(note)
    if not reminder.is_pending:
        raise NotPossible("No pending reminder", hint="It was already delivered or cancelled.")
    _delete_notification(reminder)
    _touch(access, note)
    return {"changed": {"reminder": [State.PENDING, State.CANCELLED]}}


def retitle(note: Note) -> None:
    """Copy the title of the note to the notification of its reminder."""
    title = note.shown_title[: Notification.TITLE_LENGTH]
    Notification.objects.filter(reminder=reminder_of(note)).update(title=title)


def cancel_with_note(event: events.Event, access: Access) -> None:
    """Cancel the pending reminder of a note that was deleted."""
    note = event.object
    if event.verb != "deleted" or not isinstance(note, Note) or not is_reminder(note):
        return
    if (reminder := reminder_of(note)).is_pending:
        _delete_notification(reminder)


def _delete_notification(reminder: Reminder) -> None:
    Notification.objects.filter(reminder=reminder).delete()
    reminder.notification = None


def _touch(access: Access, note: Note) -> None:
    """Record a change of the schedule as a change of the note."""
    note.updated_at = note.last_activity_at = access.now
    note.updated_by_id = access.user.user_id
    note.save(update_fields=["updated_at", "last_activity_at", "updated_by"])


# --- Acknowledge ----------------------------------------------------------------------------


def acknowledgements_of(note: Note) -> int:
    """Return the number of users who acknowledged a reminder."""
    rows = Event.objects.filter(item=note.pk, verb=ACKNOWLEDGED)
    return rows.values("actor").distinct().count()


def has_acknowledged(access: Access, note: Note) -> bool:
    """Return whether the caller acknowledged any version of a reminder."""
    rows = Event.objects.filter(item=note.pk, verb=ACKNOWLEDGED, actor=access.user.user_id)
    return rows.exists()


def last_acknowledgement(access: Access, note: Note) -> Event | None:
    """Return the caller's acknowledgement of the current version, or None.

    Raises:
        NotPossible: the reminder was not delivered.
    """
    if reminder_of(note).state != State.DELIVERED:
        raise NotPossible(
            "Reminder has not fired yet", hint="You can acknowledge it once it has been delivered."
        )
    rows = Event.objects.filter(item=note.pk, verb=ACKNOWLEDGED, actor=access.user.user_id)
    found: Event | None = (
        rows.filter(happened_at__gte=note.updated_at).order_by("-happened_at").first()
    )
    return found


def reminders_of(notes: Iterable[Note]) -> dict[Any, Reminder]:
    """Return the schedules of the reminders among notes, by note ID."""
    ids = [note.pk for note in notes if is_reminder(note)]
    rows: Iterable[Reminder] = Reminder.objects.filter(note__in=ids) if ids else ()
    return {row.note_id: row for row in rows}
