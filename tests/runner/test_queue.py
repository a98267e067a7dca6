"""The queue: which run starts next, how many run at a time, and what a killed worker leaves."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.agents.actions.creating import create_ai_agent
from harmonic.access.access_as import access_as
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations.jobs import regular_work
from harmonic.kernel.parameters.decoding import RawParams
from harmonic.kernel.pipeline import Call, no_target, perform
from harmonic.kernel.refusals import Conflict
from harmonic.runner import queue
from harmonic.runner.models import Ending, TaskRun
from harmonic.runner.rules import end_run
from tests.runner.model_server import says
from tests.runner.runs import Runs

INTERRUPTED = ("failed", "interrupted")


def jobs():
    return DBTaskResult.objects.filter(task_path="harmonic.runner.tasks.run_next")


def claim(runs: Runs, now=None):
    started = queue.claim_next(runs.agent().tenant_id, uuid.uuid4(), now or timezone.now())
    return started and started.run


def new_agent(name: str) -> str:
    """Create another internal agent of alice, and return its handle."""
    access = access_as("garden", "alice", now=timezone.now())
    raw = RawParams({"name": name, "mode": "internal"})
    with tenant_bound(access.tenant.id):
        outcome = perform(Call(action=create_ai_agent, find=no_target, raw=raw), access)
    assert outcome.resource is not None
    return outcome.resource.id


# --- Starting -------------------------------------------------------------------------------


def test_a_queued_run_has_a_job(world, runs):
    run = runs.queue()

    (job,) = jobs()
    assert job.queue_name == "long"
    assert job.args_kwargs["kwargs"] == {"tenant_id": str(run.tenant_id)}


def test_the_end_of_a_run_wakes_a_worker_for_the_next(world, runs):
    first = runs.queue()
    second = runs.queue()
    end_run(first, Ending.CANCELLED, now=timezone.now())
    assert jobs().count() == 3

    end_run(second, Ending.CANCELLED, now=timezone.now())
    assert jobs().count() == 3


@pytest.mark.rule("runs.in-order")
def test_the_oldest_run_starts_first(world, runs):
    first, second = runs.queue(), runs.queue()

    assert [claim(runs), claim(runs)] == [first, second]
    assert claim(runs) is None


@pytest.mark.rule("runs.started-once")
def test_a_run_starts_once(world, model, runs):
    model.plays(says("Done."))
    runs.queue()

    runs.work()
    runs.work()

    assert len(model.requests) == 1


@pytest.mark.meets("runs of an agent at a time")
@pytest.mark.rule("runs.at-a-time")
def test_an_agent_has_two_runs_at_a_time_and_others_are_not_held_up(world, runs):
    twin = new_agent("Twin")
    first, second, third = runs.queue(), runs.queue(), runs.queue()
    other = runs.queue(twin)

    assert [claim(runs), claim(runs), claim(runs), claim(runs)] == [first, second, other, None]
    end_run(first, Ending.CANCELLED, now=timezone.now())
    assert claim(runs) == third


@pytest.mark.meets("runs of a tenant at a time")
@pytest.mark.rule("runs.at-a-time")
def test_a_tenant_has_ten_runs_at_a_time(world, runs):
    handles = [new_agent(f"Agent {number}") for number in range(6)]
    queued = [runs.queue(handle) for handle in handles for _ in range(2)]

    claimed = [claim(runs) for _ in queued]

    assert claimed == [*queued[:10], None, None]
    end_run(queued[3], Ending.CANCELLED, now=timezone.now())
    assert claim(runs) == queued[10]


@pytest.mark.postgres
def test_concurrent_workers_keep_the_limit_and_the_order(transactional_world, runs, limit_runs):
    limit_runs(per_agent=3)
    queued = [runs.queue() for _ in range(6)]
    claimed: list[TaskRun | None] = []

    def work() -> None:
        try:
            claimed.append(claim(runs))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    started = [run for run in claimed if run is not None]
    assert sorted(run.id for run in started) == sorted(run.id for run in queued[:3])


@pytest.mark.meets("queued runs of an agent")
@pytest.mark.rule("runs.queued")
def test_an_agent_has_at_most_twenty_queued_runs(world, runs):
    for _ in range(TaskRun.MOST_QUEUED):
        runs.queue()

    with pytest.raises(Conflict) as refused:
        runs.queue()

    assert refused.value.code == "limit_reached"
    assert TaskRun.unscoped.count() == TaskRun.MOST_QUEUED


@pytest.mark.rule("runs.ends-with-agent")
def test_a_run_whose_agent_cannot_act_any_more_never_starts(world, model, runs):
    run = runs.queue()
    runs.agent().user.suspend(timezone.now(), "Spam")

    runs.work()

    ended = runs.again(run)
    assert (ended.status, ended.error) == ("cancelled", "This agent is suspended.")
    assert (ended.started_at, ended.steps_count, model.requests) == (None, 0, [])


# --- The token of a run ---------------------------------------------------------------------


@pytest.mark.meets("life of a run's token")
@pytest.mark.rule("runs.own-token")
def test_the_token_of_a_run_is_internal_and_lives_for_four_hours(world, runs):
    run, now = runs.queue(), timezone.now()
    claim(runs, now)

    token = runs.token(run)
    assert (token.is_internal, token.name) == (True, "Internal Agent Token")
    assert token.context == f"run {run.id}"
    assert token.expires_at == now + timedelta(hours=4)
    assert token.owner == world.person("steward")


def test_each_run_has_a_token_of_its_own(world, runs):
    first, second = runs.queue(), runs.queue()
    claim(runs), claim(runs)

    end_run(first, Ending.CANCELLED, now=timezone.now())

    assert not runs.is_token_live(first)
    assert runs.is_token_live(second)


# --- Killed workers -------------------------------------------------------------------------


@pytest.mark.meets("a run without a heartbeat from its worker")
@pytest.mark.rule("runs.killed-worker")
def test_the_run_of_a_killed_worker_is_interrupted(world, runs):
    run = runs.queue()
    claim(runs)
    later = timezone.now() + queue.HEARTBEAT_AGE + timedelta(seconds=1)

    assert queue.recover_interrupted_runs(later) == 1

    ended = runs.again(run)
    assert (ended.status, ended.ended_because) == INTERRUPTED
    assert ended.error == queue.INTERRUPTED
    assert not runs.is_token_live(run)
    assert claim(runs) is None


def test_a_run_with_a_heartbeat_goes_on(world, runs):
    run = runs.queue()
    claim(runs)
    later = timezone.now() + queue.HEARTBEAT_AGE + timedelta(seconds=1)
    queue.keep_alive(runs.again(run), later)

    assert queue.recover_interrupted_runs(later) == 0
    assert runs.again(run).status == "running"


def test_a_worker_whose_run_was_interrupted_writes_nothing_more(world, runs):
    run = runs.queue()
    started = claim(runs)
    assert started is not None
    end_run(run, Ending.INTERRUPTED, now=timezone.now())

    assert not queue.may_go_on(started)
    queue.keep_alive(started, timezone.now())
    queue.count_tokens(started, 5, 5, None)
    assert runs.again(run).total_tokens == 0


def test_a_queued_run_whose_job_was_lost_gets_another(world, runs):
    run = runs.queue()
    jobs().delete()

    queue.recover_interrupted_runs(timezone.now() + queue.WAKE_AFTER + timedelta(seconds=1))

    (job,) = jobs()
    assert job.args_kwargs["kwargs"] == {"tenant_id": str(run.tenant_id)}
    assert runs.again(run).status == "queued"


def test_killed_workers_are_looked_for_regularly():
    work = regular_work()["interrupted runs"]
    assert work.function is queue.recover_interrupted_runs
    assert work.every + queue.HEARTBEAT_AGE < timedelta(minutes=1)


def test_a_worker_that_stops_ends_its_runs(world, model, runs, monkeypatch):
    monkeypatch.setattr("harmonic.runner.engine.watch.is_stopping", lambda: True)

    run = runs.carry_out()

    assert (run.status, run.ended_because) == INTERRUPTED
    assert model.requests == []
    assert not runs.is_token_live(run)
