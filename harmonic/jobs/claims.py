"""Claims of workers on tasks: who runs what, and how it ended.

A running task belongs to one worker. Each change of a task is conditional on that, so a worker
that was given up cannot change what another one runs since. Times are compared by the clock of
the database, because those of machines differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks import TaskResultStatus as Status
from django_tasks_db.models import DBTaskResult, get_date_max

from harmonic.jobs.models import Job, Worker
from harmonic.kernel.operations.jobs import Interrupted, Policy, policy_of

# Due tasks that a worker tries to claim before it waits for the next look.
CANDIDATES = 10
INTERRUPTED = "The worker ended while this job ran."


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that a worker runs."""

    row: DBTaskResult[Any, Any]
    worker_id: UUID
    tenant_id: UUID | None
    failures: int

    @property
    def policy(self) -> Policy:
        return policy_of(self.row.task_path)


def from_now(pause: timedelta) -> Combinable:
    """Return the time of the database plus `pause`."""
    return ExpressionWrapper(Now() + pause, output_field=DateTimeField())


# --- Claiming -------------------------------------------------------------------------------


def claim_next(worker_id: UUID, queue: str) -> Claim | None:
    """Claim the next due task of a queue, or return None if there is none.

    Raises:
        IntegrityError: the worker was given up.
    """
    due = DBTaskResult.objects.filter(
        Q(run_after=get_date_max()) | Q(run_after__lte=Now()),
        status=Status.READY,
        queue_name=queue,
        job__isnull=False,
    )
    for row in due[:CANDIDATES]:
        claimed = claim(worker_id, row)
        if claimed is not None:
            return claimed
    return None


def claim(worker_id: UUID, row: DBTaskResult[Any, Any]) -> Claim | None:
    """Claim a task that was due a moment ago, or return None if another worker has it."""
    with transaction.atomic():
        is_mine = DBTaskResult.objects.filter(id=row.id, status=Status.READY).update(
            status=Status.RUNNING, started_at=timezone.now(), worker_ids=[str(worker_id)]
        )
        if not is_mine:
            return None
        Job.unscoped.filter(id=row.id).update(worker_id=worker_id)
        job = Job.unscoped.get(id=row.id)
    return Claim(row, worker_id, job.tenant_id, job.failures)


# --- Ending ---------------------------------------------------------------------------------


def succeed(claim: Claim, value: Any) -> bool:
    """Record that a job succeeded; return False if it is no longer this worker's."""
    return _end(claim, {"reason": ""}, status=Status.SUCCESSFUL, return_value=value)


def fail(claim: Claim, reason: str, error: str = "", trace: str = "") -> bool:
    """Record that a job has finally failed; return False if it is no longer this worker's."""
    return _end(
        claim,
        _failure(reason),
        status=Status.FAILED,
        exception_class_path=error,
        traceback=trace,
    )


def retry(claim: Claim, reason: str) -> bool:
    """Queue a job that failed again, after a pause; return False if it is not this worker's."""
    pause = claim.policy.pause(claim.failures + 1)
    return _end(
        claim, _failure(reason), status=Status.READY, run_after=from_now(pause), finished_at=None
    )


def _failure(reason: str) -> dict[str, Any]:
    return {"failures": F("failures") + 1, "reason": reason[: Job.REASON_LENGTH]}


def _end(claim: Claim, of_job: dict[str, Any], **of_task: Any) -> bool:
    values: dict[str, Any] = {"finished_at": timezone.now(), **of_task}
    with transaction.atomic():
        mine = Job.unscoped.filter(id=claim.row.id, worker_id=claim.worker_id)
        if not mine.update(worker=None, **of_job):
            return False
        DBTaskResult.objects.filter(id=claim.row.id).update(**values)
    return True


def is_last_attempt(claim: Claim) -> bool:
    """Return whether the job is not tried again if it fails now."""
    return claim.failures + 1 >= claim.policy.attempts


def runs_again(claim: Claim) -> bool:
    """Return whether a job whose worker ended is tried again."""
    return claim.policy.if_interrupted is Interrupted.RETRY and not is_last_attempt(claim)


# --- Interrupted jobs -----------------------------------------------------------------------


def give_up_lost_workers() -> None:
    """Mark the workers without a heartbeat for `Worker.LOST_AFTER`."""
    late = Worker.objects.filter(beat_at__lt=from_now(-Worker.LOST_AFTER), lost_at=None)
    late.update(lost_at=Now())


def take_over(worker_id: UUID, running: Iterable[UUID]) -> list[Claim]:
    """Claim the jobs that no worker runs any more, and delete the workers that ran them.

    These are the running tasks of lost workers, those without a worker, and those of this worker
    that are not in `running`: it could not record their end.
    """
    nobodys = Q(worker=None) | Q(worker__lost_at__isnull=False) | Q(worker_id=worker_id)
    found = Job.unscoped.filter(nobodys, task__status=Status.RUNNING)
    taken = []
    for job in found.exclude(id__in=list(running)).select_related("task", "worker"):
        unchanged = Job.unscoped.filter(id=job.id, worker=job.worker, task__status=Status.RUNNING)
        if unchanged.update(worker_id=worker_id):
            taken.append(Claim(job.task, worker_id, job.tenant_id, job.failures))
    Worker.objects.filter(lost_at__isnull=False, job=None).delete()
    return taken


# --- Workers --------------------------------------------------------------------------------


def register(worker_id: UUID, host: str, pid: int) -> None:
    """Store a new worker."""
    Worker.objects.create(
        id=worker_id, host=host[:255], pid=pid, started_at=timezone.now(), beat_at=Now()
    )


def renew_heartbeat(worker_id: UUID) -> bool:
    """Renew the heartbeat of a worker; return False if it was given up."""
    return bool(Worker.objects.filter(id=worker_id, lost_at=None).update(beat_at=Now()))


def leave(worker_id: UUID) -> None:
    """Delete the row of a worker that stops."""
    Worker.objects.filter(id=worker_id).delete()
