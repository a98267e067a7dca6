"""Runs that end by being cancelled or with their agent. Nothing is written afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.agents.actions.pausing import pause_ai_agent
from accounts.agents.actions.settings import deactivate_ai_agent
from accounts.models import Tenant
from accounts.suspension import suspend
from collectives.items.models import Item
from harmonic.access.access_as import access_as
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.pipeline import Call, perform
from harmonic.runner import queue, rules
from harmonic.runner.engine.conversation import Conversation
from harmonic.runner.engine.openai_chat import OpenAiChat
from harmonic.runner.engine.steps import Step
from harmonic.runner.engine.watch import RunEnds, Watch
from harmonic.runner.models import Ending
from harmonic.runner.rules import end_run
from tests.fixtures.rows import KITCHEN, change
from tests.runner.model_server import MODEL, acts, calls, says
from tests.runner.runs import Runs
from tokens.owners.actions import stop_ai_agent

pytestmark = pytest.mark.postgres
SECOND = 1.0


@contextmanager
def worker(runs: Runs) -> Iterator[threading.Thread]:
    """Carry out the next run in a thread."""

    def work() -> None:
        try:
            runs.work()
        finally:
            connection.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield thread
    thread.join(10)
    assert not thread.is_alive()


def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.01)


def cancel(runs: Runs, run: Any) -> bool:
    with tenant_bound(run.tenant_id), transaction.atomic():
        return rules.cancel_run(access_as("garden", "alice", now=timezone.now()), run)


def written() -> int:
    return Item.unscoped.count()


@pytest.mark.rule("runs.cancelled")
@pytest.mark.parametrize("number", range(20))
def test_a_run_is_cancelled_within_a_second(transactional_world, model, runs, number):
    """Half of the runs wait for their model, the others are in the middle of their calls."""
    if number % 2:
        model.script = lambda asked, sent: model.hang()
    else:
        model.script = lambda asked, sent: calls(
            *(
                acts(f"{KITCHEN}/note", "create_note", {"text": f"{asked}-{each}"})
                for each in range(8)
            )
        )
    run = runs.queue(max_steps=50)

    with worker(runs) as thread:
        until(lambda: model.requests)
        if not number % 2:
            until(lambda: len(runs.steps(run)) > number // 2)
        cancel(runs, run)
        began, count = monotonic(), written()
        until(lambda: not thread.is_alive())
        took = monotonic() - began

    assert took < SECOND
    assert written() == count
    ended = runs.again(run)
    assert (ended.status, ended.success, ended.error) == ("cancelled", False, "Cancelled by user")
    assert ended.ended_because == "cancelled"
    assert not runs.is_token_live(run)


# --- With the agent -------------------------------------------------------------------------


def deactivate(runs: Runs) -> None:
    agent = runs.agent()
    access = access_as("garden", "alice", now=timezone.now())
    with tenant_bound(agent.tenant_id):
        perform(Call(action=deactivate_ai_agent, find=lambda access: agent), access)


def pause(runs: Runs) -> None:
    agent = runs.agent()
    access = access_as("garden", "alice", now=timezone.now())
    with tenant_bound(agent.tenant_id):
        perform(Call(action=pause_ai_agent, find=lambda access: agent), access)


def stop(runs: Runs) -> None:
    agent = runs.agent()
    access = access_as("garden", "alice", now=timezone.now())
    with tenant_bound(agent.tenant_id):
        perform(Call(action=stop_ai_agent, find=lambda access: agent), access)


def set_paused(runs: Runs) -> None:
    """Pause an agent without the event of the action."""
    change(runs.agent().user.agent, paused_at=timezone.now())


def suspend_agent(runs: Runs) -> None:
    suspend(runs.agent().user, now=timezone.now())


def suspend_parent(runs: Runs) -> None:
    suspend(runs.agent("alice").user, now=timezone.now())


def reset_parent(runs: Runs) -> None:
    runs.agent("alice").user.security_reset(timezone.now())


def switch_off(runs: Runs) -> None:
    Tenant.objects.filter(subdomain="garden").update(is_ai_agents_enabled=False)


ENDINGS = {
    "paused": (pause, rules.PAUSED),
    "paused without an event": (set_paused, rules.PAUSED),
    "stopped": (stop, "The agent was stopped."),
    "deactivated": (deactivate, "The agent was deactivated."),
    "suspended": (suspend_agent, "This agent is suspended."),
    "parent suspended": (suspend_parent, "This agent is suspended."),
    "security reset": (reset_parent, "The token of this run was revoked."),
    "switched off": (switch_off, rules.NOT_ENABLED),
}


@pytest.mark.rule("runs.ends-with-agent")
@pytest.mark.parametrize("name", ENDINGS)
def test_a_run_ends_with_its_agent_within_a_second(transactional_world, model, runs, name):
    end, error = ENDINGS[name]
    model.script = lambda asked, sent: model.hang()
    run = runs.queue()

    with worker(runs) as thread:
        until(lambda: model.requests)
        end(runs)
        began, count = monotonic(), written()
        until(lambda: not thread.is_alive())

    assert monotonic() - began < SECOND
    assert written() == count
    ended = runs.again(run)
    because = "paused" if name.startswith("paused") else "cancelled"
    assert (ended.status, ended.ended_because, ended.error) == ("cancelled", because, error)
    assert not runs.is_token_live(run)


# The switch for internal agents ends runs, and does not decide what agents may do.
REFUSING = ["cancelled", *(name for name in ENDINGS if name != "switched off")]


@pytest.mark.rule("runs.nothing-after-end")
@pytest.mark.parametrize("name", REFUSING)
def test_a_write_of_an_ended_run_is_refused_where_access_is_decided(
    world, model, runs, name, monkeypatch
):
    """Even if the worker does not look at the run before the call."""
    monkeypatch.setattr(Watch, "check", lambda watch: None)
    monkeypatch.setattr(queue, "begin_step", lambda run, step, now: True)
    monkeypatch.setattr(Step, "end", lambda step, result: None)
    model.plays(calls(acts(f"{KITCHEN}/note", "create_note", {"text": "Late"})), says("Done."))
    run = runs.queue()
    started = queue.claim_next(run.tenant_id, run.id, timezone.now())
    assert started is not None
    if name == "cancelled":
        end_run(run, Ending.CANCELLED, now=timezone.now())
    else:
        ENDINGS[name][0](runs)
    count = written()
    conversation = Conversation(started, OpenAiChat(rules.run_settings(), MODEL), Watch(run, 60))

    with suppress(RunEnds):
        conversation.final_message()

    assert written() == count
