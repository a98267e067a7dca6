"""The action on a job that failed: retry it."""

from __future__ import annotations

from django.db.models.functions import Now
from django_tasks import TaskResultStatus as Status
from django_tasks_db.models import DBTaskResult

from accounts.rules import TENANT_ADMINS_CAN, is_tenant_admin
from accounts.security_words import LogEntry
from harmonic.jobs.models import Job
from harmonic.jobs.queries import JobLine
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Logged, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.refusals import Denied, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope

NOT_RETRYABLE = "Jobs of this kind cannot be retried."


def may_retry(access: Access, job: Job | None) -> Denied | None:
    """Allow tenant admins, for jobs that declare that they can be retried."""
    if denied := is_tenant_admin(access, job):
        return denied
    if job is not None and not JobLine(job).policy.is_retryable:
        return Denied(NOT_RETRYABLE, "Repeat what started the job instead.")
    return None


def _is_failed(access: Access, job: Job | None) -> bool:
    return job is None or JobLine(job).is_failed


def _retry(access: Access, job: Job) -> Outcome:
    """Queue a failed job again, with all its attempts. Another one stays as it is."""
    path = path_to("jobs.show", job_id=str(job.id))
    label = JobLine(job).label
    is_queued = DBTaskResult.objects.filter(id=job.id, status=Status.FAILED).update(
        status=Status.READY, run_after=Now(), started_at=None, finished_at=None
    )
    if not is_queued:
        return Outcome(f"“{label}” has not failed, so it is not retried.", path, facts=None)
    Job.objects.filter(id=job.id).update(failures=0, reason="")
    return Outcome(f"“{label}” is queued again.", path, facts={"job": label, "job_id": str(job.id)})


def _retried(entry: LogEntry) -> str:
    return f"The failed job “{entry.data.get('job', '')}” was retried"


retry_sidekiq_job: Action[Job] = Action(
    name="retry_sidekiq_job",
    sentence="Queue a failed job again, with all its attempts.",
    label="Retry job",
    scope=Scope("update:all"),
    grant=NEVER,
    for_agents=lambda access: TENANT_ADMINS_CAN,
    proof=Proof.ADMIN,
    changes_access=False,
    emits="job.retried",
    policy=may_retry,
    is_offered=_is_failed,
    effect=_retry,
    logged=Logged(audit.ADMIN_ACTION, _retried),
    audience="public",
)
