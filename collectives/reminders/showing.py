"""A reminder on the page of its note."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.queries import Person, people
from collectives.notes.models import Note
from collectives.notifications.models import Channel, Recipient
from collectives.reminders import rules
from collectives.reminders.models import Reminder, State

# The number of people who are named; the others are only counted.
NAMED = 50


@dataclass(frozen=True, slots=True)
class ReminderView:
    """The schedule of a reminder, and the people that it reminds."""

    reminder: Reminder
    people: tuple[Person, ...]
    more: int
    acknowledgements: int

    @property
    def is_pending(self) -> bool:
        return self.reminder.state == State.PENDING

    @property
    def is_delivered(self) -> bool:
        return self.reminder.state == State.DELIVERED


def reminder_view(note: Note) -> ReminderView | None:
    """Return the schedule of a note, or None if the note is deleted or has none."""
    if not rules.is_reminder(note) or note.is_deleted:
        return None
    reminder = rules.reminder_of(note)
    rows = Recipient.objects.filter(
        notification=reminder.notification_id, channel=Channel.IN_APP
    ).order_by("id")
    user_ids = list(rows.values_list("user", flat=True)) if reminder.notification_id else []
    known = people(user_ids[:NAMED])
    is_delivered = reminder.state == State.DELIVERED
    return ReminderView(
        reminder,
        tuple(known[user_id] for user_id in user_ids[:NAMED]),
        max(len(user_ids) - NAMED, 0),
        rules.acknowledgements_of(note) if is_delivered else 0,
    )
