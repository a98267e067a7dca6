"""The queue of runs: starting the next one, keeping it alive, and ending interrupted ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F
from django.utils import timezone

from accounts.models import Tenant, TenantUser
from harmonic.access.access_as import access_as
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.runner.models import Ending, RunStatus, RunStep, TaskRun, TaskRunQuerySet
from harmonic.runner.rules import cannot_act, end_run, end_with_reason, run_settings
from harmonic.runner.tasks import wake_worker
from tokens.models import ApiToken
from tokens.rules import create_internal_token

# The worker of a run writes its heartbeat this often, in seconds.
HEARTBEAT_EVERY = 5.0
# A run whose last heartbeat is older than this is interrupted. With the check, the token of a
# killed worker's run is revoked within a minute.
HEARTBEAT_AGE, CHECKED_EVERY = timedelta(seconds=25), timedelta(seconds=20)
# Queued runs that are older than this get another task, in case theirs was lost.
WAKE_AFTER = timedelta(seconds=30)
INTERRUPTED = "The worker stopped during the run. What the agent already wrote is kept."


@dataclass(frozen=True, slots=True)
class Started:
    """A run that this worker has started: its row, its agent, and the token that acts for it."""

    run: TaskRun
    agent: TenantUser
    token: str


def claim_next(tenant_id: UUID, worker: UUID, now: datetime) -> Started | None:
    """Start the oldest queued run of a tenant that has a free slot, and create its token.

    Queued runs whose agent can no longer act are ended. Return None if no run can start.
    """
    with transaction.atomic(), tenant_bound(tenant_id):
        # Concurrent workers count one after the other.
        tenant = Tenant.objects.select_for_update(no_key=True).get(id=tenant_id)
        for run in _startable():
            agent = _agent_of(run)
            if cannot_act(agent):
                end_with_reason(run, agent, now=now)
                continue
            return _started(tenant, run, agent, worker, now)
    return None


def _startable() -> Iterator[TaskRun]:
    """Yield the queued runs of the bound tenant whose agents have a free slot, oldest first."""
    limits = run_settings()
    active = TaskRun.objects.active().order_by("created_at", "id")
    runs = list(active.select_for_update())
    running = Counter(run.agent_id for run in runs if run.status == RunStatus.RUNNING)
    if running.total() >= limits.per_tenant:
        return
    for run in runs:
        if run.status == RunStatus.QUEUED and running[run.agent_id] < limits.per_agent:
            yield run


def _agent_of(run: TaskRun) -> TenantUser:
    rows = TenantUser.objects.select_related("user__agent", "user__parent", "tenant")
    return rows.get(user_id=run.agent_id)


def _started(
    tenant: Tenant, run: TaskRun, agent: TenantUser, worker: UUID, now: datetime
) -> Started:
    run.status = RunStatus.RUNNING
    run.worker = worker
    run.started_at = run.heartbeat_at = now
    run.save(update_fields=["status", "worker", "started_at", "heartbeat_at"])
    access = access_as(tenant.subdomain, agent.handle, now=now)
    made = create_internal_token(
        access, agent, context=run.token_context, lifetime=TaskRun.TOKEN_LIFETIME
    )
    return Started(run, agent, made.plaintext)


def keep_alive(run: TaskRun, now: datetime) -> None:
    """Write the heartbeat of a run."""
    _in_this_worker(run).update(heartbeat_at=now)


def may_go_on(run: TaskRun) -> bool:
    """Return whether a run is still running in this worker, and its agent can still act."""
    with tenant_bound(run.tenant_id):
        token = ApiToken.objects.live().filter(
            tenant__is_ai_agents_enabled=True,
            tenant__suspended_at=None,
            tenant__archived_at=None,
            owner__user=run.agent_id,
            owner__archived_at=None,
            owner__user__suspended_at=None,
            owner__user__agent__paused_at=None,
            owner__user__parent__suspended_at=None,
            context=run.token_context,
        )
    return _in_this_worker(run).filter(Exists(token)).exists()


def end_now(run: TaskRun, now: datetime) -> None:
    """End a run that may not go on, with the reason, unless it has ended."""
    if _in_this_worker(run).exists():
        with tenant_bound(run.tenant_id):
            end_with_reason(run, _agent_of(run), now=now)


def _in_this_worker(run: TaskRun) -> TaskRunQuerySet:
    with tenant_bound(run.tenant_id):
        rows: TaskRunQuerySet = TaskRun.objects.filter(id=run.id, status=RunStatus.RUNNING)
    return rows.filter(worker=run.worker)


# --- Steps ----------------------------------------------------------------------------------


def begin_step(run: TaskRun, step: RunStep, now: datetime) -> bool:
    """Store the next step of a run, and return False if the run has ended."""
    with transaction.atomic(), tenant_bound(run.tenant_id):
        if not _in_this_worker(run).update(steps_count=F("steps_count") + 1, heartbeat_at=now):
            return False
        run.steps_count += 1
        step.tenant_id, step.run, step.number, step.happened_at = (
            run.tenant_id,
            run,
            run.steps_count,
            now,
        )
        step.save(force_insert=True)
    return True


def count_tokens(run: TaskRun, input_tokens: int, output_tokens: int, cost: float | None) -> None:
    """Add the tokens of a response to those of the run."""
    run.input_tokens += input_tokens
    run.output_tokens += output_tokens
    run.total_tokens = run.input_tokens + run.output_tokens
    if cost is not None:
        run.estimated_cost_usd = (run.estimated_cost_usd or Decimal(0)) + Decimal(str(cost))
    columns = ("input_tokens", "output_tokens", "total_tokens", "estimated_cost_usd")
    _in_this_worker(run).update(**{name: getattr(run, name) for name in columns})


# --- Recovery -------------------------------------------------------------------------------


def recover_interrupted_runs(now: datetime | None = None) -> int:
    """End the runs of killed workers, and return their number. Wake workers for queued runs.

    A run of a killed worker is not continued, because it is unknown how far its last step got.
    """
    now = now or timezone.now()
    running = TaskRun.unscoped.filter(status=RunStatus.RUNNING)
    silent = list(running.filter(heartbeat_at__lt=now - HEARTBEAT_AGE))
    ended = sum(end_run(run, Ending.INTERRUPTED, now=now, error=INTERRUPTED) for run in silent)
    waiting = TaskRun.unscoped.filter(status=RunStatus.QUEUED, created_at__lt=now - WAKE_AFTER)
    for tenant_id in waiting.order_by().values_list("tenant_id", flat=True).distinct():
        wake_worker(tenant_id)
    return ended
