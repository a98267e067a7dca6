"""Reads of runs, for the parent of their agent."""

from __future__ import annotations

from accounts.agents.pages import require_human
from accounts.models import TenantUser
from accounts.queries import person_at
from accounts.rules import may_manage_agent
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import NO_ID, parse_uuid
from harmonic.kernel.refusals import NotFound
from harmonic.runner.models import TaskRun
from harmonic.runner.rules import AgentRun


def agent_with_runs(access: Access, handle: str) -> TenantUser:
    """Return the caller's agent with this handle.

    Raises:
        Unauthorized: the caller is an agent.
        NotFound: no agent has it, or the agent has another parent.
    """
    require_human(access)
    agent = person_at(access, handle)
    if not agent.user.is_agent or may_manage_agent(access, agent):
        raise NotFound
    return agent


def run_of_agent(access: Access, handle: str, run_id: str) -> AgentRun:
    """Return a run of the caller's agent.

    Raises:
        Unauthorized: the caller is an agent.
        NotFound: the agent has no such run, or another parent.
    """
    agent = agent_with_runs(access, handle)
    runs = TaskRun.objects.of_agent(agent.user_id)
    row = runs.filter(id=parse_uuid(run_id) or NO_ID).first()
    if row is None:
        raise NotFound
    return AgentRun(agent, row)
