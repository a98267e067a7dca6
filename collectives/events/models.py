"""Stored events of writes. The history of an item consists of its events."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from collectives.models import Collective
from harmonic.kernel.database.tenancy import TenantModel

CREATED, UPDATED, CONFIRMED = "created", "updated", "confirmed"
# A reminder was delivered, or acknowledged by a reader.
REMINDED, ACKNOWLEDGED = "reminder", "acknowledged"
# The verbs of events that state that their actor read an item.
READINGS = (CONFIRMED, ACKNOWLEDGED)


class HistoryType(models.TextChoices):
    """Types of events in an item's history, as the API names them."""

    CREATE = "create", "created this note"
    UPDATE = "update", "updated this note"
    READ_CONFIRMATION = "read_confirmation", "confirmed reading this note"
    REMINDER = "reminder", "reminder fired"
    REMINDER_ACKNOWLEDGED = "reminder_acknowledged", "acknowledged this reminder"


HISTORY = {
    CREATED: HistoryType.CREATE,
    UPDATED: HistoryType.UPDATE,
    CONFIRMED: HistoryType.READ_CONFIRMATION,
    REMINDED: HistoryType.REMINDER,
    ACKNOWLEDGED: HistoryType.REMINDER_ACKNOWLEDGED,
}
# Events that have an actor, by constraint.
_WITH_ACTOR = [CREATED, UPDATED, CONFIRMED]


class Event(TenantModel):
    """A write: its type, actor, item, collective, time and token.

    `subject` and `verb` are its type, for example `note` and `created`. `metadata` has no secrets
    and only the beginning of texts. Events are deleted with their item, collective or tenant.
    Events in an item's history need their actor, so an account with such events cannot be deleted.
    """

    subject = models.CharField(max_length=24)
    verb = models.CharField(max_length=24)
    happened_at = models.DateTimeField()
    collective = models.ForeignKey(
        Collective, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    item = models.ForeignKey(
        "items.Item", on_delete=models.CASCADE, null=True, blank=True, related_name="events"
    )
    actor = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # No foreign key, because an event outlives the owner of the token.
    token_id = models.UUIDField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta(TenantModel.Meta):
        constraints = (
            models.CheckConstraint(
                name="event_of_history_has_actor",
                condition=Q(item__isnull=True) | ~Q(verb__in=_WITH_ACTOR) | Q(actor__isnull=False),
            ),
        )
        indexes = (
            models.Index(
                fields=["tenant", "item", "verb", "actor"],
                condition=Q(item__isnull=False),
                name="event_of_item",
            ),
            models.Index(
                fields=["tenant", "collective", "-happened_at", "-id", "item"],
                condition=Q(verb=REMINDED),
                name="event_reminder",
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject}.{self.verb}"

    @property
    def done(self) -> str:
        """The words for what the actor did, in an item's history."""
        return HISTORY[self.verb].label
