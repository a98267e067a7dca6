"""Events: what each write did, kept. The history of an item is made of its events."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from collectives.models import Collective
from harmonic.kernel.database.tenancy import TenantModel

CREATED, UPDATED, CONFIRMED = "created", "updated", "confirmed"


class HistoryType(models.TextChoices):
    """The events that the history of an item shows, as the API names them."""

    CREATE = "create", "created"
    UPDATE = "update", "updated"
    READ_CONFIRMATION = "read_confirmation", "confirmed reading"


HISTORY = {
    CREATED: HistoryType.CREATE,
    UPDATED: HistoryType.UPDATE,
    CONFIRMED: HistoryType.READ_CONFIRMATION,
}


class Event(TenantModel):
    """What one write did: who did what, to which item, where, when, with which token.

    `subject` and `verb` are its type: `note` and `created`. `metadata` has no secrets, and of texts
    only the beginning. Events are deleted with their item, collective or tenant. Those that an
    item's history shows keep their actor: an account that has any cannot be deleted.
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
    # Without a constraint: an event remains when the token's owner is deleted.
    token_id = models.UUIDField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    class Meta(TenantModel.Meta):
        constraints = (
            models.CheckConstraint(
                name="event_of_history_has_actor",
                condition=Q(item__isnull=True)
                | ~Q(verb__in=list(HISTORY))
                | Q(actor__isnull=False),
            ),
        )
        indexes = (
            models.Index(
                fields=["tenant", "item", "verb", "actor"],
                condition=Q(item__isnull=False),
                name="event_of_item",
            ),
        )

    def __str__(self) -> str:
        return f"{self.subject}.{self.verb}"

    @property
    def done(self) -> str:
        """What the history of an item says was done to it."""
        return HISTORY[self.verb].label
