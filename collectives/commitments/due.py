"""The regular job of commitments: events for deadlines that have passed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from collectives.commitments.models import Commitment
from collectives.events.rules import keep_own
from collectives.items.models import ItemQuerySet
from harmonic.kernel.database.tenancy import tenant_bound

# The number of commitments in one run. The next run, a minute later, continues.
PER_RUN = 100
DEADLINE_REACHED = ("commitment", "deadline_reached")


def record_passed_deadlines() -> None:
    """Record the deadlines that have passed, oldest first, each once, including closings."""
    now = timezone.now()
    due = _due(now).order_by("deadline", "id").values_list("id", "tenant_id")[:PER_RUN]
    for commitment_id, tenant_id in list(due):
        with tenant_bound(tenant_id), transaction.atomic():
            _record(commitment_id, now)


def _due(now: datetime) -> ItemQuerySet[Commitment]:
    rows: ItemQuerySet[Commitment] = Commitment.unscoped.filter(
        deadline_event_fired_at=None, deadline__lte=now
    )
    return rows.alive()


def _record(commitment_id: UUID, now: datetime) -> None:
    """Mark a commitment, then record the event with the time of its deadline."""
    rows = _due(now).filter(id=commitment_id)
    commitment = rows.select_for_update(no_key=True).first()
    if commitment is None:
        return
    commitment.deadline_event_fired_at = now
    commitment.save(update_fields=["deadline_event_fired_at"])
    actor_id = commitment.created_by_id
    keep_own(*DEADLINE_REACHED, commitment, actor_id=actor_id, happened_at=commitment.deadline)
