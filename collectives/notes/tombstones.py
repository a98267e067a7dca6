"""Erasing a deleted note. Its row remains as a tombstone, so that what refers to it resolves.

The copies in reports and in the log are kept on purpose. Idempotency keys and the cache of rendered
texts keep a text for at most as long as a deleted note can be restored.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from collectives.events.models import Event
from collectives.notes.models import Note
from collectives.notifications.models import Mention, Notification, Recipient
from collectives.reminders.models import Reminder
from collectives.tables.models import TableData


def erase(note: Note, now: datetime) -> None:
    """Erase the content of a note, with the copies in its history and in notifications.

    Saving it without text removes its links and its entry in searches.
    """
    _erase_delivery(note)
    note.title, note.text, note.tombstoned_at = "", "", now
    note.save(update_fields=["title", "text", "tombstoned_at"])
    TableData.objects.filter(note=note).delete()
    Mention.objects.filter(item=note).delete()
    Notification.objects.filter(item=note).delete()
    Event.objects.filter(item=note).update(metadata={})


def _erase_delivery(note: Note) -> None:
    """Erase the title of a reminder in the events of its delivery, which name no item."""
    reminder = Reminder.objects.filter(note=note).first()
    if reminder is None or reminder.delivered_at is None:
        return
    users = Recipient.objects.filter(notification=reminder.notification_id).values("user")
    rows: Iterable[Event] = Event.objects.filter(
        subject="reminders",
        verb="delivered",
        happened_at=reminder.scheduled_for,
        actor__in=users,
    )
    for row in rows:
        row.metadata = {**row.metadata, "reminders": _untitled(row.metadata, note.pk)}
        row.save(update_fields=["metadata"])


def _untitled(metadata: dict[str, Any], note_id: UUID) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = metadata["reminders"]
    return [{**each, "title": ""} if each["id"] == str(note_id) else each for each in shown]
