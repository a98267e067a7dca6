"""Helpers that start runs in tests and read their results."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import TenantUser
from harmonic.access.access_as import access_as
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.runner import rules
from harmonic.runner.engine.loop import run_next_of
from harmonic.runner.models import RunStep, TaskRun
from tokens.models import ApiToken

TASK = "Write a short note for the kitchen."


class Runs:
    """Runs of internal agents, by default of steward."""

    def agent(self, handle: str = "steward") -> TenantUser:
        rows = TenantUser.unscoped.select_related("user__agent", "user__parent", "tenant")
        return rows.get(handle=handle, tenant__subdomain="garden")

    def queue(self, handle: str = "steward", task: str = TASK, **values: Any) -> TaskRun:
        """Queue a run as the agent's parent."""
        agent = self.agent(handle)
        access = access_as("garden", "alice", now=timezone.now())
        with tenant_bound(agent.tenant_id), transaction.atomic():
            return rules.start_run(access, agent, task=task, **values)

    def work(self) -> None:
        """Carry out the next run, as a worker does."""
        run_next_of(self.agent().tenant_id)

    def carry_out(self, **values: Any) -> TaskRun:
        """Queue a run, carry it out, and return it as it ended."""
        run = self.queue(**values)
        self.work()
        return self.again(run)

    def again(self, run: TaskRun) -> TaskRun:
        return TaskRun.unscoped.get(id=run.id)

    def steps(self, run: TaskRun) -> list[RunStep]:
        return list(RunStep.unscoped.filter(run=run).order_by("number"))

    def token(self, run: TaskRun) -> ApiToken:
        return ApiToken.unscoped.get(context=run.token_context)

    def is_token_live(self, run: TaskRun) -> bool:
        return ApiToken.unscoped.live().filter(context=run.token_context).exists()
