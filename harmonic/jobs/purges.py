"""Regular work on the database: deleting rows that are no longer needed, and its statistics."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_tasks import TaskResultStatus as Status
from django_tasks_db.models import DBTaskResult

from accounts.models import StoredBytes
from api.models import KeyedRequest
from collectives.models import Invite
from harmonic.agent_log.models import Entry
from harmonic.jobs.models import Job
from harmonic.kernel.database.statistics import update_statistics
from harmonic.kernel.operations.jobs import do_regularly
from harmonic.runner.models import TaskRun
from harmonic.runner.rules import run_settings

# Rows deleted in one transaction, so that other writes do not wait.
BATCH = 500


def delete_in_batches(rows: QuerySet[Any]) -> None:
    """Delete the rows of a query, a batch in each transaction."""
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.filter(pk__in=batch).order_by().delete()


def delete_finished_jobs() -> None:
    """Delete jobs that succeeded, later those that failed, and tasks of deleted tenants."""
    now = timezone.now()
    succeeded = Q(status=Status.SUCCESSFUL, finished_at__lt=now - Job.KEPT)
    failed = Q(status=Status.FAILED, finished_at__lt=now - Job.FAILED_KEPT)
    delete_in_batches(DBTaskResult.objects.filter(succeeded | failed | Q(job=None)))


def delete_old_agent_logs() -> None:
    """Delete old entries of the logs of agents."""
    too_old = timezone.now() - Entry.KEPT
    delete_in_batches(Entry.unscoped.filter(called_at__lt=too_old))


def delete_old_runs() -> None:
    """Delete runs of agents that ended long ago, with their steps."""
    too_old = timezone.now() - timedelta(days=run_settings().kept_days)
    delete_in_batches(TaskRun.unscoped.filter(ended_at__lt=too_old))


def delete_expired_sessions() -> None:
    """Delete expired sessions, with the forms kept in them."""
    delete_in_batches(Session.objects.filter(expire_date__lt=timezone.now()))


def delete_old_keys() -> None:
    """Delete idempotency keys and their stored responses."""
    too_old = timezone.now() - KeyedRequest.LIFETIME
    delete_in_batches(KeyedRequest.unscoped.filter(created_at__lt=too_old))


def delete_old_invites() -> None:
    """Delete invitations that stopped working long ago."""
    too_old = timezone.now() - Invite.KEPT
    delete_in_batches(Invite.unscoped.filter(expires_at__lt=too_old))


def delete_old_attempts() -> None:
    """Delete wrong passwords that no longer count, and the storage counts of past days."""
    too_old = timezone.now() - settings.AXES_COOLOFF_TIME
    delete_in_batches(AccessAttempt.objects.filter(attempt_time__lt=too_old))
    delete_in_batches(StoredBytes.objects.filter(day__lt=timezone.now().date()))


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def register() -> None:
    """Register the regular work."""
    do_regularly("delete finished jobs", HOUR, delete_finished_jobs)
    do_regularly("delete old entries of agent logs", DAY, delete_old_agent_logs)
    do_regularly("delete old runs of agents", DAY, delete_old_runs)
    do_regularly("delete expired sessions", HOUR, delete_expired_sessions)
    do_regularly("delete old idempotency keys", HOUR, delete_old_keys)
    do_regularly("delete old invitations", DAY, delete_old_invites)
    do_regularly("delete old sign-in attempts and storage counts", HOUR, delete_old_attempts)
    do_regularly("update the statistics of the database", HOUR, update_statistics)
