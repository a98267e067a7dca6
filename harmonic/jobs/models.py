"""Workers and the jobs that they run. django-tasks stores the tasks themselves."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models
from django_tasks_db.models import DBTaskResult

from accounts.models import Tenant
from harmonic.kernel.database.tenancy import TenantManager


class Worker(models.Model):
    """A process that runs jobs. Its heartbeat is in the time of the database."""

    BEATS_EVERY = timedelta(seconds=5)
    # Without a heartbeat for this time, a worker counts as ended.
    LOST_AFTER = timedelta(seconds=30)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    # It was given up: its jobs are those of others, and its process ends at its next heartbeat.
    lost_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Job(models.Model):
    """The part of a task that django-tasks does not store: its tenant, worker and failures."""

    REASON_LENGTH = 300
    # After this time, finished and failed jobs are deleted.
    KEPT, FAILED_KEPT = timedelta(days=1), timedelta(days=30)

    # The ID of the task.
    id = models.UUIDField(primary_key=True, editable=False)
    task = models.OneToOneField(DBTaskResult, on_delete=models.CASCADE, related_name="job")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, db_index=False)
    # The worker that runs the task now.
    worker = models.ForeignKey(Worker, on_delete=models.SET_NULL, null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    # Why the last attempt failed, without secrets.
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager()
    unscoped = models.Manager()  # noqa: DJ012 a manager too

    class Meta:
        base_manager_name = "unscoped"
        indexes = (models.Index(fields=["tenant", "-created_at", "-id"], name="jobs_of_tenant"),)

    def __str__(self) -> str:
        return str(self.id)


class Schedule(models.Model):
    """The last time that a piece of regular work began, in the time of the database."""

    name = models.CharField(max_length=100, primary_key=True)
    began_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
