"""The task runs of agents, for the pages of agents. Runs are in an upper package, which registers
its queries here at startup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import TenantUser


class RunQueries(Protocol):
    """The queries of runs. Each run has `id`, `task`, `status` and `created_at`."""

    def sorted_by_runs(self, agents: QuerySet[TenantUser]) -> QuerySet[TenantUser]:
        """Return agents in the order of their newest run, those without a run last."""

    def latest(self, agents: Iterable[TenantUser], now: datetime) -> Mapping[UUID, Any]:
        """Return one run of each agent by user ID: the one that is running, queued or newest."""

    def newest(self, agent: TenantUser, count: int) -> Sequence[Any]:
        """Return the newest runs of an agent."""


_registered: list[RunQueries] = []


def register(queries: RunQueries) -> None:
    _registered[:] = [queries]


def run_queries() -> RunQueries:
    return _registered[0]
