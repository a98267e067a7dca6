"""Regular work: enqueued once per period by whichever worker is first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now

from harmonic.jobs.claims import from_now
from harmonic.jobs.models import Schedule
from harmonic.kernel.operations.jobs import Interrupted, Policy, job, regular_work

NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@job(
    Policy(
        "Regular work",
        attempts=5,
        backoff=timedelta(minutes=1),
        if_interrupted=Interrupted.RETRY,
        shown=("name",),
    )
)
def do_regular_work(name: str) -> None:
    """Do a piece of regular work, unless this release has it no more."""
    work = regular_work().get(name)
    if work is not None:
        work.function()


def enqueue_due() -> list[str]:
    """Enqueue the regular work whose period has passed; return its names."""
    known = regular_work()
    stored = set(Schedule.objects.filter(name__in=known).values_list("name", flat=True))
    if missing := set(known) - stored:
        new = [Schedule(name=name, began_at=NEVER) for name in sorted(missing)]
        Schedule.objects.bulk_create(new, ignore_conflicts=True)
    return [work.name for work in known.values() if _enqueue(work.name, work.every)]


def _enqueue(name: str, every: timedelta) -> bool:
    due = Schedule.objects.filter(name=name, began_at__lte=from_now(-every))
    if not due.exists():
        return False
    with transaction.atomic():
        if not due.update(began_at=Now()):
            return False
        do_regular_work.enqueue(name=name)
    return True
