"""Regular work that delivers due reminders.

It can run twice or late: recipients are locked and marked before events are stored, and missed
reminders are delivered with the time for which they were scheduled.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from collectives.events.models import Event
from collectives.events.rules import keep_own
from collectives.items.models import Item
from collectives.models import Collective
from collectives.notifications.models import (
    Channel,
    Notification,
    NotificationType,
    Recipient,
    RecipientStatus,
)
from collectives.notifications.preferences.rules import wanted_by
from collectives.notifications.rules import active_members, dismiss, mail
from collectives.reminders.models import Reminder
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations.jobs import do_regularly

# The number of recipients per run. The next run, a minute later, continues.
PER_RUN = 100
EVERY = timedelta(minutes=1)
# A user gets at most this many reminders per minute; the rest are delivered later.
PER_MINUTE = 5
_MINUTE = timedelta(minutes=1)
_WAITING = (RecipientStatus.PENDING, RecipientStatus.RATE_LIMITED)
# The rows that schedule reminders. Their e-mails have rows from the time of delivery.
_IN_APP = Q(channel=Channel.IN_APP, notification__notification_type=NotificationType.REMINDER)


def register() -> None:
    """Register the regular work of reminders."""
    do_regularly("deliver reminders", EVERY, deliver_due)


def deliver_due() -> None:
    """Deliver due reminders, oldest first, in one transaction per user and time."""
    now = timezone.now()
    for tenant_id, user_id, due_at in _groups(now):
        with tenant_bound(tenant_id), transaction.atomic():
            _deliver(user_id, due_at, now)


def _groups(now: datetime) -> Iterable[tuple[UUID, UUID, datetime]]:
    """Return the distinct tenants, users and times of due recipients."""
    rows = Recipient.unscoped.filter(_IN_APP, status__in=_WAITING, due_at__lte=now)
    rows = rows.order_by("due_at", "id")
    found = rows.values_list("tenant_id", "user_id", "due_at")[:PER_RUN]
    return dict.fromkeys((tenant, user, due) for tenant, user, due in found)


def _deliver(user_id: UUID, due_at: datetime, now: datetime) -> None:
    """Deliver a user's reminders that are due at one time."""
    waiting: QuerySet[Recipient] = Recipient.objects.filter(
        _IN_APP, user=user_id, due_at=due_at, status__in=_WAITING
    )
    _lock_notes(waiting)
    room = PER_MINUTE - _delivered_lately(user_id, now)
    wanted = wanted_by(NotificationType.REMINDER, [user_id])
    delivered: list[Reminder] = []
    for recipient in waiting.order_by("id").select_for_update(no_key=True, of=("self",)):
        reminder = _reminder_of(recipient)
        if reminder is None:
            recipient.delete()
        elif len(delivered) >= room:
            recipient.status = RecipientStatus.RATE_LIMITED
            recipient.save(update_fields=["status"])
        else:
            _mark(recipient, reminder, now)
            _use_channels(recipient, reminder, wanted, now)
            delivered.append(reminder)
    if delivered:
        _record(user_id, delivered, due_at)


def _lock_notes(waiting: QuerySet[Recipient]) -> None:
    """Lock the notes of recipients before their rows, as changes of reminders do."""
    reminders = Reminder.objects.filter(notification__in=waiting.values("notification"))
    notes = Item.objects.filter(id__in=reminders.values("note")).order_by("id")
    list(notes.select_for_update(no_key=True).values_list("id"))


def _delivered_lately(user_id: UUID, now: datetime) -> int:
    return int(
        Recipient.objects.filter(_IN_APP, user=user_id, delivered_at__gt=now - _MINUTE).count()
    )


def _reminder_of(recipient: Recipient) -> Reminder | None:
    """Return the reminder of a recipient, or None if the recipient can no longer read its note."""
    rows = Reminder.objects.filter(notification=recipient.notification_id)
    reminder: Reminder | None = rows.select_related("note", "notification").first()
    if reminder is None or reminder.note.is_deleted:
        return None
    is_member = active_members(reminder.note.collective_id, {recipient.user_id})
    return reminder if is_member else None


def _mark(recipient: Recipient, reminder: Reminder, now: datetime) -> None:
    """Mark a recipient as notified; the first one adds an entry to the history of the note."""
    recipient.status, recipient.delivered_at = RecipientStatus.DELIVERED, now
    recipient.save(update_fields=["status", "delivered_at"])
    if reminder.delivered_at is not None:
        return
    reminder.delivered_at = now
    reminder.save(update_fields=["delivered_at"])
    note = reminder.note
    place = Collective.objects.select_related("identity").get(id=note.collective_id)
    keep_own(
        "note",
        "reminder",
        note,
        actor_id=place.identity.user_id if place.identity else note.created_by_id,
        happened_at=reminder.scheduled_for,
    )


def _use_channels(
    recipient: Recipient,
    reminder: Reminder,
    wanted: Mapping[Channel, frozenset[UUID]],
    now: datetime,
) -> None:
    """Send the e-mail of a reminder, and dismiss it in the app, as its recipient has chosen.

    Its author always has it in the app, because it shows the state of the reminder.
    """
    user_id = recipient.user_id
    if user_id in wanted[Channel.EMAIL] and reminder.notification:
        mail(reminder.notification, [user_id], now)
    if user_id not in wanted[Channel.IN_APP] and user_id != reminder.note.created_by_id:
        dismiss(Recipient.objects.filter(id=recipient.id), now)


def _record(user_id: UUID, reminders: list[Reminder], due_at: datetime) -> None:
    """Store the event for the reminders that a user received."""
    shown: list[dict[str, Any]] = [
        {
            "id": str(each.note_id),
            "title": _title(each.notification),
            "body": "",
            "scheduled_for": each.scheduled_for.isoformat(),
        }
        for each in reminders
    ]
    Event(
        id=uuid.uuid4(),
        tenant_id=reminders[0].tenant_id,
        subject="reminders",
        verb="delivered",
        happened_at=due_at,
        actor_id=user_id,
        metadata={"reminders": shown, "count": len(shown)},
    ).save(force_insert=True)


def _title(notification: Notification | None) -> str:
    return notification.title if notification else ""
