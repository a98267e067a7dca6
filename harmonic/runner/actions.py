"""The actions of an internal agent's parent: give the agent a task, and cancel its run."""

from __future__ import annotations

from accounts.models import TenantUser
from accounts.rules import person_reference
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Outcome, ResourceRef
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.parameters.fields import Block, Integer, Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import Proof
from harmonic.kernel.scopes import Scope
from harmonic.runner.models import TaskRun, run_path
from harmonic.runner.rules import AgentRun, cancel_run, may_cancel_run, may_run_agent, start_run

PEOPLE_ONLY = "Only people can run agents."


class RunParams(Params):
    task = Block(
        max_length=TaskRun.TASK_LENGTH,
        help_text="What the agent should do.",
        widget=Widget(rows=6),
        example="Welcome the newest member of the kitchen in a short note.",
    )
    max_steps = Integer(
        required=False,
        min_value=1,
        max_value=TaskRun.MOST_STEPS,
        label="Steps",
        help_text=(
            f"The most steps of the run, 1 to {TaskRun.MOST_STEPS}. Default:"
            f" {TaskRun.USUAL_STEPS}. A step is one page read or one action."
        ),
        widget=Widget(initial=str(TaskRun.USUAL_STEPS)),
    )


def run_resource(agent: TenantUser, run: TaskRun) -> ResourceRef:
    """Return the resource that the actions of a run make or change."""
    return ResourceRef("Task Run", str(run.id), run_path(agent.handle, run))


def _start(
    access: Access, agent: TenantUser, *, task: str, max_steps: int = TaskRun.USUAL_STEPS
) -> Outcome:
    run = start_run(access, agent, task=task, max_steps=max_steps)
    return Outcome(
        f"{agent.display_name} has the task.",
        run_path(agent.handle, run),
        run_resource(agent, run),
        AgentRun(agent, run),
        facts={"about": person_reference(agent), "run_id": run.id},
        json={"id": str(run.id), "status": str(run.status)},
    )


run_ai_agent: Action[TenantUser] = Action(
    name="run_ai_agent",
    sentence="Give this agent a task. Harmonic runs the agent, which acts under its own name.",
    label="Run task",
    scope=Scope("create:users"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=False,
    emits="run.created",
    params=RunParams,
    policy=may_run_agent,
    effect=_start,
    people_only=PEOPLE_ONLY,
    audience="private",
)


def _cancel(access: Access, run: AgentRun) -> Outcome:
    is_cancelled = cancel_run(access, run.row)
    return Outcome(
        "The run is cancelled." if is_cancelled else "This run has already ended.",
        run_path(run.agent.handle, run.row),
        run_resource(run.agent, run.row),
        run,
        facts={"about": person_reference(run.agent), "run_id": run.row.id}
        if is_cancelled
        else None,
        json={"status": str(run.row.status)},
    )


def _ask_to_cancel(access: Access, run: AgentRun) -> Confirmation:
    return Confirmation(
        "Cancel this run?",
        (("Task", run.row.task[:200]), ("Steps so far", run.row.steps_count)),
        "The agent stops at once and writes nothing more. What it has written stays.",
    )


cancel_ai_agent_run: Action[AgentRun] = Action(
    name="cancel_ai_agent_run",
    sentence="Cancel this run. The agent writes nothing more, and what it has written stays.",
    label="Cancel run",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="run.cancelled",
    policy=may_cancel_run,
    is_offered=lambda access, run: run is None or run.row.is_active,
    effect=_cancel,
    is_dangerous=True,
    confirm=_ask_to_cancel,
    people_only="Only people can cancel runs.",
    audience="private",
)
