"""A blind agent completes each task with few more requests than the shortest path."""

from __future__ import annotations

import pytest

from tests.blind.conftest import WireFor
from tests.blind.stage import Stage
from tests.blind.surfaces import MarkdownAgent, McpAgent, RestAgent
from tests.blind.tasks import ALLOWED, TASKS, Task, do

pytestmark = pytest.mark.one_database

SURFACES = (MarkdownAgent, McpAgent, RestAgent)
RUNS = [
    pytest.param(kind, task, id=f"{kind.surface}-{task.name}")
    for kind in SURFACES
    for task in TASKS
    if task.is_for(kind.surface)
]


@pytest.mark.parametrize(("kind", "task"), RUNS)
def test_a_blind_agent_does_the_task_in_few_requests(
    kind: type[MarkdownAgent | RestAgent], task: Task, stage: Stage, wire_for: WireFor
) -> None:
    agent = kind(wire_for(task.who))

    do(task, agent, stage)

    assert agent.wire.requests <= task.shortest[kind.surface] + ALLOWED[kind.surface]
