"""The model of heartbeats."""

from __future__ import annotations

from django.db import models

from accounts.models import User
from collectives.models import Collective
from harmonic.kernel.database.tenancy import TenantModel


class Heartbeat(TenantModel):
    """A member's sign of presence in a cycle of a collective.

    The start and end of the cycle are stored, so that a change of tempo starts a new cycle.
    """

    collective = models.ForeignKey(
        Collective, on_delete=models.CASCADE, related_name="heartbeats", db_index=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    cycle_started_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "collective", "expires_at", "cycle_started_at", "user"],
                name="heartbeat_once_in_a_cycle",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} until {self.expires_at}"
