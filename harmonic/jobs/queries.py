"""Reading the jobs of a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django_tasks import TaskResultStatus as Status
from django_tasks_db.models import get_date_max

from harmonic.jobs.models import Job
from harmonic.kernel.http import cursors
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.operations.jobs import Policy, policy_of
from harmonic.kernel.operations.redaction import without_tokens

PAGE = 50
# Characters of an argument that are shown.
SHOWN_LENGTH = 100
NEWEST_FIRST = Order("created_at")
# The words for the statuses of django-tasks. Finished jobs are not listed.
STATUSES = {"due": Status.READY, "running": Status.RUNNING, "failed": Status.FAILED}
WORDS = {**{status: word for word, status in STATUSES.items()}, Status.SUCCESSFUL: "finished"}


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job as pages show it: without arguments that may be secret, and without a traceback."""

    row: Job

    @property
    def policy(self) -> Policy:
        return policy_of(self.row.task.task_path)

    @property
    def status(self) -> str:
        return WORDS[Status(self.row.task.status)]

    @property
    def is_failed(self) -> bool:
        return self.row.task.status == Status.FAILED

    @property
    def label(self) -> str:
        return self.policy.label

    @property
    def shown(self) -> str:
        """The arguments that may be shown, as `name: value`."""
        sent = self.row.task.args_kwargs["kwargs"]
        parts = [f"{name}: {sent[name]}" for name in self.policy.shown if name in sent]
        return ", ".join(without_tokens(each)[:SHOWN_LENGTH] for each in parts)

    @property
    def at(self) -> datetime:
        """The time when the job becomes due, began to run, or ended."""
        task = self.row.task
        if task.status == Status.READY:
            is_pausing = task.run_after != get_date_max()
            return task.run_after if is_pausing else self.row.created_at
        return (
            task.started_at if task.status == Status.RUNNING else task.finished_at
        ) or self.row.created_at

    @property
    def attempts(self) -> str:
        """The number of attempts, this one included, of those that the job has."""
        is_under_way = self.row.task.status in {Status.RUNNING, Status.SUCCESSFUL}
        return f"{self.row.failures + is_under_way} of {self.policy.attempts}"


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of jobs, with the cursor of the next one."""

    lines: list[JobLine]
    older: str
    is_first: bool


def jobs_of_tenant() -> QuerySet[Job]:
    """Return the jobs of the bound tenant, without the texts that are never shown."""
    return Job.objects.select_related("task").defer("task__traceback", "task__return_value")


def listed(status: str, cursor: str) -> JobPage:
    """Return a page of due, running and failed jobs, or those of one status, newest first.

    An invalid cursor returns the first page.
    """
    wanted = [STATUSES[status]] if status else list(STATUSES.values())
    bound = f"jobs:{status}"
    rows = jobs_of_tenant().filter(task__status__in=wanted)
    position = _position(cursor, bound)
    if position is not None:
        rows = rows.filter(NEWEST_FIRST.beyond(position))
    found = list(rows.order_by(*NEWEST_FIRST.columns)[: PAGE + 1])
    kept = found[:PAGE]
    has_more = len(found) > PAGE
    older = cursors.encode((kept[-1].created_at, kept[-1].id), bound) if has_more else ""
    return JobPage([JobLine(row) for row in kept], older, position is None)


def counts() -> dict[str, int]:
    """Return the numbers of due, running and failed jobs."""
    rows = Job.objects.values_list("task__status").annotate(count=Count("id"))
    found: dict[Any, int] = dict(rows)
    return {word: found.get(status.value, 0) for word, status in STATUSES.items()}


def job_with(job_id: UUID) -> Job | None:
    """Return a job of the bound tenant."""
    return jobs_of_tenant().filter(id=job_id).first()


def _position(cursor: str, bound: str) -> cursors.Position | None:
    try:
        return cursors.decode(cursor, bound) if cursor else None
    except cursors.BadCursor:
        return None
