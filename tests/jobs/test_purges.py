"""Rows that are no longer needed are deleted regularly, in all tenants."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.db.models import Model, QuerySet
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import StoredBytes
from api.models import KeyedRequest
from collectives.models import Invite
from harmonic.agent_log.models import Entry
from harmonic.jobs import claims, purges, regular, running
from harmonic.jobs.models import Job, Schedule
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations import jobs
from harmonic.kernel.operations.jobs import do_regularly, regular_work
from harmonic.runner.models import Ending, RunStatus, RunStep, TaskRun
from tests.fixtures.rows import change
from tests.fixtures.world import World
from tests.jobs import kinds
from tests.jobs.rows import a_job, a_worker, backdate, claimed

pytestmark = pytest.mark.postgres

Made = Callable[[World, timedelta], Model]


def saved(row: Any) -> Any:
    with tenant_bound(row.tenant_id):
        row.save(force_insert=True)
    return row


def a_finished_job(world: World, age: timedelta) -> DBTaskResult[Any, Any]:
    result = kinds.append.enqueue(value=1)
    running.run(claimed(a_worker()))
    backdate(Job.unscoped.get(id=result.id), finished_at=age)
    return DBTaskResult.objects.get(id=result.id)


def a_failed_job(world: World, age: timedelta) -> DBTaskResult[Any, Any]:
    job = a_job(world)
    backdate(job, finished_at=age)
    return DBTaskResult.objects.get(id=job.id)


def an_entry(world: World, age: timedelta) -> Entry:
    summit = world.tenant("summit").id
    row: Entry = saved(
        Entry(tenant_id=summit, user=world.user("pilot"), called_at=timezone.now() - age)
    )
    return row


def a_run(world: World, age: timedelta) -> TaskRun:
    summit = world.tenant("summit").id
    run: TaskRun = saved(
        TaskRun(
            tenant_id=summit,
            agent=world.user("pilot"),
            task="Water the beans.",
            status=RunStatus.COMPLETED,
            ended_because=Ending.FINISHED,
            created_at=timezone.now() - 99 * DAY,
            ended_at=timezone.now() - age,
        )
    )
    saved(RunStep(tenant_id=summit, run=run, number=1, happened_at=timezone.now()))
    return run


def a_session(world: World, age: timedelta) -> Session:
    return Session.objects.create(
        session_key=uuid.uuid4().hex, session_data="", expire_date=timezone.now() - age
    )


def a_key(world: World, age: timedelta) -> KeyedRequest:
    row: KeyedRequest = saved(
        KeyedRequest(
            tenant_id=world.tenant().id,
            user=world.user("bob"),
            key_digest=uuid.uuid4().hex,
            claimed_at=timezone.now(),
            created_at=timezone.now() - age,
        )
    )
    return row


def an_invite(world: World, age: timedelta) -> Invite:
    row: Invite = saved(
        Invite(
            tenant_id=world.tenant().id,
            code=uuid.uuid4().hex[:16],
            collective=world.collective("kitchen"),
            created_by=world.user("alice"),
            expires_at=timezone.now() - age,
            created_at=timezone.now(),
        )
    )
    return row


def a_wrong_password(world: World, age: timedelta) -> AccessAttempt:
    row = AccessAttempt.objects.create(failures_since_start=1)
    AccessAttempt.objects.filter(id=row.id).update(attempt_time=timezone.now() - age)
    return row


def a_storage_count(world: World, age: timedelta) -> StoredBytes:
    day = (timezone.now() - age).date()
    row, _ = StoredBytes.objects.get_or_create(user=world.user("bob"), day=day)
    return row


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# What is deleted, when it is old enough, and when it is not.
PURGES: dict[str, tuple[Callable[[], None], Made, timedelta, timedelta]] = {
    "finished job": (purges.delete_finished_jobs, a_finished_job, 25 * HOUR, 23 * HOUR),
    "failed job": (purges.delete_finished_jobs, a_failed_job, 31 * DAY, 29 * DAY),
    "entry of an agent log": (purges.delete_old_agent_logs, an_entry, 91 * DAY, 89 * DAY),
    "run": (purges.delete_old_runs, a_run, 91 * DAY, 89 * DAY),
    "session": (purges.delete_expired_sessions, a_session, MINUTE, -MINUTE),
    "idempotency key": (purges.delete_old_keys, a_key, 25 * HOUR, 23 * HOUR),
    "invitation": (purges.delete_old_invites, an_invite, 91 * DAY, 89 * DAY),
    "wrong password": (purges.delete_old_attempts, a_wrong_password, 21 * MINUTE, 19 * MINUTE),
    "storage count": (purges.delete_old_attempts, a_storage_count, 25 * HOUR, timedelta(0)),
}


@pytest.mark.meets(
    "a finished job",
    "a failed job",
    "an invitation that ended",
    "life of an entry in an agent's log",
    "life of a run that ended",
)
@pytest.mark.parametrize("kind", PURGES)
def test_old_rows_are_deleted_and_others_kept(world: World, kind: str):
    purge, make, old, young = PURGES[kind]
    gone, kept = make(world, old), make(world, young)

    purge()

    of_kind = type(gone)._base_manager
    assert [of_kind.filter(pk=each.pk).exists() for each in (gone, kept)] == [False, True]


def test_the_steps_of_a_run_are_deleted_with_it(world: World):
    gone, kept = a_run(world, 91 * DAY), a_run(world, DAY)

    purges.delete_old_runs()

    assert set(RunStep.unscoped.values_list("run", flat=True)) & {gone.id, kept.id} == {kept.id}


def test_an_old_run_that_has_not_ended_is_kept(world: World):
    run = a_run(world, 91 * DAY)
    change(run, status=RunStatus.RUNNING, ended_because="", ended_at=None)

    purges.delete_old_runs()

    assert TaskRun.unscoped.filter(id=run.id).exists()


def test_an_installation_sets_how_long_runs_are_kept(world: World, settings: Any):
    settings.RUNS = replace(settings.RUNS, kept_days=7)
    gone, kept = a_run(world, 8 * DAY), a_run(world, 6 * DAY)

    purges.delete_old_runs()

    found = TaskRun.unscoped.filter(id__in=[gone.id, kept.id])
    assert [run.id for run in found] == [kept.id]


def test_rows_are_deleted_in_batches(
    world: World, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
):
    monkeypatch.setattr(purges, "BATCH", 2)
    for _ in range(5):
        a_session(world, MINUTE)
    Session.objects.filter(expire_date__gt=timezone.now()).delete()

    with django_assert_num_queries(7):
        purges.delete_expired_sessions()


def test_a_job_is_deleted_with_its_task(world: World):
    row = a_finished_job(world, 2 * DAY)

    purges.delete_finished_jobs()

    assert not Job.unscoped.filter(id=row.id).exists()


def test_tasks_of_a_deleted_tenant_are_deleted(world: World):
    job = a_job(world, "due")
    Job.unscoped.filter(id=job.id).delete()

    purges.delete_finished_jobs()

    assert not DBTaskResult.objects.filter(id=job.id).exists()


# --- Once per period ------------------------------------------------------------------------


@pytest.fixture
def hourly(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the regular work with one function that runs every hour."""
    done: list[str] = []
    monkeypatch.setattr(jobs, "_regular", {})
    do_regularly("hourly", HOUR, hourly_work)
    monkeypatch.setattr("tests.jobs.test_purges.HOURLY", done)
    return done


HOURLY: list[str] = []


def hourly_work() -> None:
    HOURLY.append("done")


def run_all() -> None:
    worker = a_worker()
    while (claim := claims.claim_next(worker, "default")) is not None:
        running.run(claim)


def test_regular_work_is_done_once_per_period(db: None, hourly: list[str]):
    begun = [regular.enqueue_due() for _ in range(3)]
    run_all()

    assert begun == [["hourly"], [], []]
    assert hourly == ["done"]


def test_of_two_workers_that_see_due_work_one_enqueues_it(
    db: None, hourly: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(QuerySet, "exists", lambda self: True)

    assert [regular.enqueue_due() for _ in range(2)] == [["hourly"], []]


@pytest.mark.parametrize(("age", "is_due"), [(59 * MINUTE, False), (61 * MINUTE, True)])
def test_regular_work_is_due_again_after_its_period(
    db: None, hourly: list[str], age: timedelta, is_due: bool
):
    regular.enqueue_due()
    Schedule.objects.update(began_at=claims.from_now(-age))

    assert regular.enqueue_due() == (["hourly"] if is_due else [])


def test_work_of_an_earlier_release_is_skipped(db: None, hourly: list[str]):
    regular.do_regular_work.enqueue(name="forgotten")

    run_all()

    assert DBTaskResult.objects.get().status == "SUCCESSFUL"


def test_two_functions_cannot_have_one_name(hourly: list[str]):
    with pytest.raises(ValueError, match="hourly"):
        do_regularly("hourly", HOUR, run_all)


def test_every_purge_is_regular_work():
    registered = {work.function for work in regular_work().values()}

    assert {purge for purge, *_ in PURGES.values()} <= registered
