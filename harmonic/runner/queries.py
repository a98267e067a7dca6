"""Reads of runs, for the parent of their agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, When

from accounts.agents.pages import require_human
from accounts.models import TenantUser, User
from accounts.queries import person_at
from accounts.rules import may_manage_agent
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import NO_ID, parse_uuid
from harmonic.kernel.http import cursors
from harmonic.kernel.refusals import NotFound
from harmonic.runner.models import ACTIVE, RunStatus, TaskRun
from harmonic.runner.rules import AgentRun

# Runs on a page of the list.
PAGE: Final = 50
NEWEST: Final = cursors.Order("created_at")
# The list of agents shows no older runs that ended.
LATEST_WITHIN: Final = timedelta(days=30)


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


# --- Lists ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of an agent's runs, and the cursor of the next one, or ""."""

    rows: Sequence[TaskRun]
    older: str
    is_first: bool


def runs_page(access: Access, agent: TenantUser) -> RunPage:
    """Return the runs of an agent after the cursor in the query string, newest first.

    An invalid cursor gives the first page.
    """
    bound = f"runs:{agent.user_id}"
    position = _position(access.query.get("cursor", ""), bound)
    rows = TaskRun.objects.of_agent(agent.user_id).newest()
    if position is not None:
        rows = rows.filter(NEWEST.beyond(position))
    found = list(rows[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    older = cursors.encode((last.created_at, last.id), bound) if last else ""
    return RunPage(found[:PAGE], older, position is None)


def _position(cursor: str, bound: str) -> cursors.Position | None:
    try:
        return cursors.decode(cursor, bound) if cursor else None
    except cursors.BadCursor:
        return None


class QueriesForAgentPages:
    """The queries of runs that the pages of agents use (`accounts.agents.latest_runs`)."""

    def sorted_by_runs(self, agents: QuerySet[TenantUser]) -> QuerySet[TenantUser]:
        runs = TaskRun.objects.filter(agent=OuterRef("user_id")).newest()
        newest = Subquery(runs.values("created_at")[:1])
        return agents.annotate(newest_run_at=newest).order_by(
            F("newest_run_at").desc(nulls_last=True), "-created_at", "-id"
        )

    def latest(self, agents: Iterable[TenantUser], now: datetime) -> Mapping[UUID, TaskRun]:
        """Return a run of each agent from the last 30 days, or an older one that is active."""
        rank = Case(
            When(status=RunStatus.RUNNING, then=0), When(status=RunStatus.QUEUED, then=1), default=2
        )
        recent = Q(created_at__gte=now - LATEST_WITHIN) | Q(status__in=ACTIVE)
        runs = TaskRun.objects.filter(recent, agent=OuterRef("pk"))
        ids = User.objects.filter(id__in=[agent.user_id for agent in agents]).values_list(
            Subquery(runs.order_by(rank, "-created_at", "-id").values("id")[:1]), flat=True
        )
        return {run.agent_id: run for run in TaskRun.objects.filter(id__in=list(ids))}

    def newest(self, agent: TenantUser, count: int) -> Sequence[TaskRun]:
        return list(TaskRun.objects.of_agent(agent.user_id).newest()[:count])
