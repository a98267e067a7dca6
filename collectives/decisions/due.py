"""The jobs of decisions: recording deadlines that passed, and draws.

Both can run twice or late: a deadline is marked before it is recorded, and a draw is stored once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from collectives.decisions import beacon
from collectives.decisions.models import Decision
from collectives.events.rules import keep_own
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations.jobs import Interrupted, JobFailed, Policy, do_regularly, job

if TYPE_CHECKING:
    from django.db.models import QuerySet

# The number of decisions that one run records.
BATCH = 100
EVERY = timedelta(minutes=1)


def register() -> None:
    """Register the regular work of decisions."""
    do_regularly("record deadlines of decisions", EVERY, record_deadlines)


def record_deadlines() -> None:
    """Record the decisions whose deadline has passed, oldest first."""
    now = timezone.now()
    due = Decision.unscoped.filter(
        deadline__lte=now, deadline_event_fired_at=None, deleted_at=None
    ).order_by("deadline", "id")
    for tenant_id, decision_id in list(due.values_list("tenant_id", "id")[:BATCH]):
        with tenant_bound(tenant_id):
            record_deadline(decision_id, now)


@transaction.atomic
def record_deadline(decision_id: UUID, now: datetime) -> bool:
    """Record that the deadline of a decision passed. Return False if it was recorded before."""
    from collectives.decisions import voting

    decision = _locked(decision_id)
    if decision is None or decision.deadline_event_fired_at or decision.deadline > now:
        return False
    decision.deadline_event_fired_at = now
    decision.save(update_fields=["deadline_event_fired_at"])
    voting.record_deadline(decision, now)
    keep_own(
        "decision",
        "deadline_reached",
        decision,
        actor_id=decision.created_by_id,
        happened_at=decision.deadline,
    )
    return True


def _locked(decision_id: UUID) -> Decision | None:
    """Return a decision that is not deleted, locked until the end of the transaction."""
    rows: QuerySet[Decision] = Decision.objects.select_for_update(no_key=True)
    return rows.filter(id=decision_id, deleted_at=None).first()


def enqueue_draw(decision: Decision) -> None:
    """Enqueue the draw of a decision, in the transaction of the caller."""
    draw.enqueue(tenant_id=str(decision.tenant_id), decision_id=str(decision.id))


@job(
    Policy(
        "Draw of a decision",
        attempts=10,
        backoff=timedelta(seconds=15),
        if_interrupted=Interrupted.RETRY,
        shown=("decision_id",),
    )
)
def draw(tenant_id: str, decision_id: str) -> None:
    """Draw the randomness of a closed decision from the beacon.

    Raises:
        JobFailed: the beacon is unavailable; the job runs again.
    """
    from collectives.decisions import voting

    decision = Decision.objects.filter(id=decision_id, deleted_at=None).first()
    if decision is None or decision.is_drawn or decision.deadline > timezone.now():
        return
    try:
        found = beacon.draw_after(decision.deadline)
    except beacon.BeaconUnavailable as error:
        raise JobFailed(str(error)) from error
    with transaction.atomic():
        locked = _locked(decision.id)
        if locked is not None and not locked.is_drawn:
            voting.store_draw(locked, found, timezone.now())
