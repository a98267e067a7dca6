"""Models of the task runs of internal agents, and of their steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import User
from harmonic.kernel.database.tenancy import TenantManager, TenantModel
from harmonic.kernel.registry import path_to


class RunStatus(models.TextChoices):
    """The status of a run, as in the API.

    Harmonic's own queue has no `pending` runs.
    """

    QUEUED = "queued", "queued"
    PENDING = "pending", "pending"
    RUNNING = "running", "running"
    COMPLETED = "completed", "completed"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING)


class Ending(models.TextChoices):
    """The reasons for the end of a run."""

    FINISHED = "finished", "The agent finished."
    MAX_STEPS = "max_steps", "The agent used all of its steps."
    REPEATED = "repeated", "The agent repeated the same call three times."
    TIME = "time", "The time for the run was up."
    TOKENS = "tokens", "The run used up its model tokens."
    CANCELLED = "cancelled", "The run was cancelled."
    PAUSED = "paused", "The agent was paused."
    MODEL_UNAVAILABLE = "model_unavailable", "The model did not answer."
    INTERRUPTED = "interrupted", "The worker stopped during the run."

    @property
    def status(self) -> RunStatus:
        """The status of runs that end for this reason."""
        if self is Ending.FINISHED:
            return RunStatus.COMPLETED
        is_cancelled = self in {Ending.CANCELLED, Ending.PAUSED}
        return RunStatus.CANCELLED if is_cancelled else RunStatus.FAILED


class TaskRunQuerySet(models.QuerySet["TaskRun"]):
    def of_agent(self, user_id: Any) -> TaskRunQuerySet:
        return self.filter(agent_id=user_id)

    def active(self) -> TaskRunQuerySet:
        """Return the runs that have not ended."""
        return self.filter(status__in=ACTIVE)

    def newest(self) -> TaskRunQuerySet:
        return self.order_by("-created_at", "-id")


TaskRunManager = TenantManager.from_queryset(TaskRunQuerySet)
UnscopedTaskRunManager = models.Manager.from_queryset(TaskRunQuerySet)


class TaskRun(TenantModel):
    """A task that a person gave to their internal agent, and its execution.

    A run that has not started is `queued`. The worker that starts it sets `worker` to an ID of its
    own and `heartbeat_at` every few seconds; a run whose heartbeat stopped is interrupted
    (`docs/decisions/0040-runs-act-through-the-tools.md`).
    """

    TASK_LENGTH = 10_000
    MESSAGE_LENGTH = 10_000
    ERROR_LENGTH = 500
    MOST_STEPS = 50
    USUAL_STEPS = 30
    # Queued runs of one agent.
    MOST_QUEUED = 20
    # The lifetime of the run's token, which normally ends with the run.
    TOKEN_LIFETIME = timedelta(hours=4)

    agent = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    started_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    task = models.TextField()
    max_steps = models.PositiveSmallIntegerField(default=USUAL_STEPS)
    mode = models.CharField(max_length=16, default="task")
    # The model that the run was started for; the name that the endpoint knows.
    model = models.CharField(max_length=100, blank=True, default="")
    status = models.CharField(max_length=16, choices=RunStatus, default=RunStatus.QUEUED)
    success = models.BooleanField(null=True, blank=True)
    ended_because = models.CharField(max_length=24, choices=Ending, blank=True, default="")
    error = models.CharField(max_length=ERROR_LENGTH, blank=True, default="")
    final_message = models.TextField(blank=True, default="")
    steps_count = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    total_tokens = models.PositiveBigIntegerField(default=0)
    # In US dollars, if the endpoint reports costs.
    estimated_cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    worker = models.UUIDField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = TaskRunManager()
    unscoped: ClassVar = UnscopedTaskRunManager()

    class Meta(TenantModel.Meta):
        constraints = (
            models.CheckConstraint(
                name="run_steps", condition=Q(max_steps__gte=1, max_steps__lte=50)
            ),
            models.CheckConstraint(
                name="run_ended_with_reason",
                condition=Q(status__in=["queued", "pending", "running"], ended_because="")
                | (~Q(status__in=["queued", "pending", "running"]) & ~Q(ended_because="")),
            ),
        )
        indexes = (
            models.Index(fields=["tenant", "agent", "-created_at", "-id"], name="run_of_agent"),
            models.Index(
                fields=["tenant", "created_at", "id"],
                condition=Q(status__in=["queued", "running"]),
                name="run_active",
            ),
        )

    def __str__(self) -> str:
        return self.task[:80]

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def ending(self) -> str:
        """The sentence that says why the run ended, or ""."""
        return Ending(self.ended_because).label if self.ended_because else ""

    @property
    def token_context(self) -> str:
        """The `context` of the token that acts for this run."""
        return f"run {self.id}"


def run_path(handle: str, run: TaskRun) -> str:
    """Return the path of a run's page."""
    return path_to("runs.show", handle=handle, run_id=run.id)


class StepType(models.TextChoices):
    """The type of a step: the tool that the model called, or that it called none."""

    READ = "fetch_page", "read a page"
    ACT = "execute_action", "executed an action"
    SEARCH = "search", "searched"
    HELP = "get_help", "read the help"
    UNKNOWN = "unknown_tool", "called an unknown tool"
    INVALID = "invalid", "answered with nothing usable"


class RunStep(TenantModel):
    """One step of a run, stored before it is carried out; its result is added afterwards.

    A step without `duration_ms` is under way, or was when the worker was killed.

    `detail` has, as far as they apply: `said` (the model's words with the call), `path`, `action`,
    `params` (names only), `intention`, `query`, `topic`, `status` (of the page), `code`, `error`,
    `hint` (why it was refused), and `resource` (what the action made or changed: `type`, `id`,
    `path`). Each string has at most `TEXT_LENGTH` characters.
    """

    TEXT_LENGTH = 500
    SAID_LENGTH = 2000

    run = models.ForeignKey(TaskRun, on_delete=models.CASCADE, related_name="steps", db_index=False)
    number = models.PositiveIntegerField()
    type = models.CharField(max_length=16, choices=StepType)
    detail = models.JSONField(default=dict, blank=True)
    is_refused = models.BooleanField(default=False)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    happened_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "run", "number"], name="runstep_once"),
        )
        ordering = ("number",)

    def __str__(self) -> str:
        return f"{self.number}: {self.type}"
