"""Rules of runs: who may start and cancel them, and how they end.

A run acts with an internal token. Ending a run revokes that token in the same transaction, under
the lock of the tenant, so no write of the run is committed after its end
(`docs/architecture.md`, Deciding).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.agents.models import path_of
from accounts.models import Tenant, TenantUser
from accounts.rules import inactive, may_manage_agent
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.events import Event
from harmonic.kernel.refusals import LIFT_SUSPENSION, Conflict, Denied, Link
from harmonic.kernel.registry import path_to
from harmonic.runner.environment import RunSettings
from harmonic.runner.models import Ending, RunStatus, TaskRun
from harmonic.runner.tasks import wake_worker
from tokens.rules import delete_internal_tokens

NOT_ENABLED = "AI Agents feature is not enabled for this tenant"
# The model that a new agent has: the first one of the settings.
DEFAULT_MODEL = "default"
# The name of the scripted model of local machines without an endpoint.
DEMO_MODEL = "demo"
CANCELLED = "Cancelled by user"
NO_ACCESS = "The token of this run was revoked."
PAUSED = "This agent is paused."


@dataclass(frozen=True, slots=True)
class AgentRun:
    """A run with its agent: the target of the actions on a run."""

    agent: TenantUser
    row: TaskRun


# --- Models ---------------------------------------------------------------------------------


def run_settings() -> RunSettings:
    known = settings.RUNS
    assert isinstance(known, RunSettings)
    return known


def is_demo() -> bool:
    """Return whether runs use the demo model: on a local machine without an endpoint."""
    return not run_settings().url and not settings.IS_PRODUCTION


def model_of(agent: TenantUser) -> str:
    """Return the name of the model that runs of an agent use, or "" if it is not available."""
    if is_demo():
        return DEMO_MODEL
    offered, wanted = run_settings().models, agent.user.agent.model
    if wanted in {"", DEFAULT_MODEL}:
        return offered[0] if offered else ""
    return wanted if wanted in offered else ""


def no_model(agent: TenantUser) -> Denied | None:
    """Return why there is no model for the runs of an agent, and who can change it."""
    if model_of(agent):
        return None
    offered = run_settings().models
    if not offered:
        return Denied(
            "Harmonic has no model that agents can run on.",
            "The operator of this site sets HARMONIC_LLM_URL, HARMONIC_LLM_KEY and"
            " HARMONIC_LLM_MODELS.",
            "model_unavailable",
        )
    path = path_to("agents.settings", handle=agent.handle)
    return Denied(
        f"The model {agent.user.agent.model} is not available.",
        f"Choose another one at {path}: {', '.join((DEFAULT_MODEL, *offered))}.",
        "model_unavailable",
        links=(Link("The agent's settings", path),),
    )


# --- Policies -------------------------------------------------------------------------------


def may_run_agent(access: Access, agent: TenantUser | None) -> Denied | None:
    """Allow the parent of an internal agent that can act."""
    if denied := may_manage_agent(access, agent):
        return denied
    if agent is None:
        return None
    if not agent.user.is_internal_agent:
        return Denied(
            "Harmonic does not run external agents.",
            "Connect the agent to your own program instead, with a token.",
        )
    return cannot_act(agent) or no_model(agent)


def cannot_act(agent: TenantUser) -> Denied | None:
    """Return why no run of an internal agent can act now."""
    if not Tenant.objects.filter(id=agent.tenant_id, is_ai_agents_enabled=True).exists():
        return Denied(
            NOT_ENABLED, "A tenant admin can enable internal AI agents at /tenant-admin/settings."
        )
    parent = agent.user.parent
    if agent.user.suspended_at or (parent is not None and parent.suspended_at):
        return Denied("This agent is suspended.", LIFT_SUSPENSION)
    if agent.archived_at:
        return inactive(agent)
    if agent.user.agent.paused_at:
        path = path_of(agent)
        hint = f"The person who manages it can resume it at {path}."
        return Denied(PAUSED, hint, "agent_paused", links=(Link("The agent", path),))
    return None


def may_cancel_run(access: Access, run: AgentRun | None) -> Denied | None:
    """Allow the agent's parent."""
    return may_manage_agent(access, run.agent if run else None)


# --- Starting -------------------------------------------------------------------------------


def start_run(
    access: Access, agent: TenantUser, *, task: str, max_steps: int = TaskRun.USUAL_STEPS
) -> TaskRun:
    """Queue a run of an agent, inside a transaction. The worker starts it.

    Raises:
        Conflict: too many runs of the agent are queued.
    """
    # Locking the agent's row makes parallel requests count one after the other.
    TenantUser.objects.select_for_update(no_key=True).get(id=agent.id)
    queued = TaskRun.objects.of_agent(agent.user_id).filter(status=RunStatus.QUEUED)
    if queued.count() >= TaskRun.MOST_QUEUED:
        raise Conflict(
            f"{agent.display_name} already has {TaskRun.MOST_QUEUED} queued runs.",
            code="limit_reached",
            hint="Wait until some of them have run, or cancel them.",
        )
    run = TaskRun.objects.create(
        tenant_id=access.tenant.id,
        agent=agent.user,
        started_by_id=access.user.user_id,
        task=task,
        max_steps=max_steps,
        model=model_of(agent),
        created_at=access.now,
    )
    wake_worker(access.tenant.id)
    return run


# --- Ending ---------------------------------------------------------------------------------


def cancel_run(access: Access, run: TaskRun) -> bool:
    """Cancel a run, and return whether it had not ended."""
    return end_run(run, Ending.CANCELLED, now=access.now, error=CANCELLED)


@transaction.atomic
def end_run(run: TaskRun, because: Ending, *, now: datetime, error: str = "", **more: Any) -> bool:
    """End a run, revoke its token, and return whether it had not ended.

    `more` are further columns of the run, such as `final_message`.
    """
    values = {
        "status": because.status,
        "success": because is Ending.FINISHED,
        "ended_because": because,
        "error": error[: TaskRun.ERROR_LENGTH],
        "ended_at": now,
        **more,
    }
    with tenant_bound(run.tenant_id):
        Tenant.objects.filter(id=run.tenant_id).change_access()
        is_ended = bool(TaskRun.objects.filter(id=run.id).active().update(**values))
        delete_internal_tokens(run.agent_id, run.token_context, now)
        is_next = TaskRun.objects.filter(status=RunStatus.QUEUED).exists()
    if is_ended:
        for name, value in values.items():
            setattr(run, name, value)
        if is_next:
            wake_worker(run.tenant_id)
    return is_ended


def end_with_reason(run: TaskRun, agent: TenantUser, *, now: datetime) -> bool:
    """End a run whose agent can no longer act, and return whether it had not ended."""
    denied = cannot_act(agent)
    because = Ending.PAUSED if denied and denied.code == "agent_paused" else Ending.CANCELLED
    return end_run(run, because, now=now, error=denied.reason if denied else NO_ACCESS)


def end_runs_of(user_id: UUID, because: Ending, *, now: datetime, error: str = "") -> int:
    """End all runs of an agent in the bound tenant, and return their number."""
    runs = TaskRun.objects.of_agent(user_id).active()
    return sum(end_run(run, because, now=now, error=error) for run in runs.order_by("id"))


# How runs end with a change of their agent, by the verb of its event.
_ENDINGS = {
    "paused": (Ending.PAUSED, PAUSED),
    "stopped": (Ending.CANCELLED, "The agent was stopped."),
    "deactivated": (Ending.CANCELLED, "The agent was deactivated."),
}


def end_with_the_agent(event: Event, access: Access) -> None:
    """End the runs of an agent that was paused, stopped or deactivated, in the same transaction."""
    verb = "deactivated" if event.facts.get("archived") is True else event.verb
    about = event.facts.get("about")
    if event.subject not in {"agent", "user"} or verb not in _ENDINGS or about is None:
        return
    because, error = _ENDINGS[verb]
    end_runs_of(about.user_id, because, now=access.now, error=error)
