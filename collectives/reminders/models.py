"""The schedules of reminder notes."""

from __future__ import annotations

from django.db import models

from collectives.notes.models import Note
from collectives.notifications.models import Notification
from harmonic.kernel.database.tenancy import TenantModel


class State(models.TextChoices):
    """The states of a reminder, derived from its columns."""

    PENDING = "pending"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class Reminder(TenantModel):
    """The schedule of a reminder note.

    A cancelled reminder has no notification, but keeps its time.
    """

    MAX_SCHEDULED = 50
    MAX_PER_HOUR = 10

    note = models.OneToOneField(Note, on_delete=models.CASCADE, related_name="reminder")
    scheduled_for = models.DateTimeField()
    notification = models.OneToOneField(
        Notification, on_delete=models.SET_NULL, null=True, blank=True, related_name="reminder"
    )
    # The time of delivery to the first recipient.
    delivered_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.note_id)

    @property
    def state(self) -> State:
        if self.delivered_at is not None:
            return State.DELIVERED
        return State.CANCELLED if self.notification_id is None else State.PENDING

    @property
    def is_pending(self) -> bool:
        return self.state == State.PENDING
