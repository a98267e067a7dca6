"""A worker claims jobs, runs them with their tenant bound, and records how they end."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from collectives.models import Collective
from harmonic.jobs import claims, running
from harmonic.jobs.claims import Claim
from harmonic.jobs.models import Job, Worker
from harmonic.kernel.database.tenancy import ForeignTenant, NoTenantBound, tenant_bound
from harmonic.kernel.operations.jobs import LONG, SHORT, Policy
from tests.fixtures.world import World
from tests.jobs import kinds
from tests.jobs.rows import a_worker, claimed, row

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    kinds.clear()


def make_due(row_id: Any) -> None:
    DBTaskResult.objects.filter(id=row_id).update(run_after=Now())


def test_a_job_of_a_tenant_runs_with_the_tenant_bound(world: World):
    garden, summit = (world.tenant(name).id for name in ("garden", "summit"))
    of_garden = kinds.count_collectives.enqueue(tenant_id=str(garden))
    of_summit = kinds.count_collectives.enqueue(tenant_id=str(summit))
    worker = a_worker()

    for _ in range(2):
        running.run(claimed(worker))

    for result, tenant in ((of_garden, garden), (of_summit, summit)):
        with tenant_bound(tenant):
            assert row(result).return_value == Collective.objects.count()


def test_a_job_that_names_no_tenant_cannot_read_the_rows_of_one(world: World):
    kinds.count_collectives.enqueue(tenant_id="")

    running.run(claimed(a_worker()))

    [stored] = DBTaskResult.objects.all()
    assert stored.exception_class_path.endswith(NoTenantBound.__name__)


@pytest.mark.parametrize("named", ["none", "another"])
def test_enqueuing_in_a_tenant_requires_its_id(world: World, named: str):
    arguments = {"tenant_id": str(world.tenant("summit").id)} if named == "another" else {}

    with tenant_bound(world.tenant("garden").id), pytest.raises(ForeignTenant):
        kinds.append.enqueue(**arguments)

    assert not DBTaskResult.objects.exists()


@pytest.mark.meets("pause between two attempts of a job")
def test_a_failed_job_waits_longer_before_each_attempt(db: None):
    policy = Policy("", backoff=timedelta(seconds=10))

    pauses = [policy.pause(failures).total_seconds() for failures in (1, 2, 3, 4, 40)]

    assert pauses == [10, 20, 40, 80, 3600]


def test_a_job_is_tried_as_often_as_it_declares_and_then_fails(db: None):
    result, worker = kinds.fail.enqueue(sentence="No."), a_worker()

    running.run(claimed(worker))
    assert row(result).status == "READY"
    assert claims.claim_next(worker, SHORT) is None  # it is not due yet
    assert kinds.done == []
    make_due(result.id)
    running.run(claimed(worker))

    assert row(result).status == "FAILED"
    assert kinds.done == [("failed", {"sentence": "No."})]
    assert Job.unscoped.get().reason == "No."


def test_the_reason_of_a_failure_names_its_type_unless_the_job_wrote_it_for_admins(db: None):
    kinds.leak.enqueue(name="mail", key="sk-1234")

    running.run(claimed(a_worker()))

    assert Job.unscoped.get().reason == "builtins.ValueError"


def test_only_the_last_expected_failure_of_a_job_is_an_error_in_the_log(
    db: None, caplog: pytest.LogCaptureFixture
):
    result, worker = kinds.fail.enqueue(sentence="No."), a_worker()
    logged: list[str] = []

    for _ in range(2):
        caplog.clear()
        make_due(result.id)
        running.run(claimed(worker))
        [level] = [each.levelname for each in caplog.records if "A job failed" in each.message]
        logged.append(level)

    assert logged == ["INFO", "ERROR"]


def test_an_unexpected_failure_of_a_job_is_always_an_error_in_the_log(
    db: None, caplog: pytest.LogCaptureFixture
):
    kinds.crash.enqueue()

    running.run(claimed(a_worker()))

    assert [each.levelname for each in caplog.records if "A job failed" in each.message] == [
        "ERROR"
    ]


def test_of_two_workers_that_see_a_due_job_one_claims_it(db: None):
    due = row(kinds.append.enqueue(value=1))

    found = [claims.claim(a_worker(), due) for _ in range(2)]

    assert [claim is None for claim in found] == [False, True]


def test_a_long_job_is_not_in_the_queue_of_short_ones(db: None):
    kinds.repeat.enqueue(value=1)
    worker = a_worker()

    assert claims.claim_next(worker, SHORT) is None
    assert claims.claim_next(worker, LONG) is not None


# --- Interrupted jobs -----------------------------------------------------------------------


def lose(worker_id: uuid.UUID, seconds: int = 31) -> None:
    late = claims.from_now(-timedelta(seconds=seconds))
    Worker.objects.filter(id=worker_id).update(beat_at=late)


def swept(worker_id: uuid.UUID) -> list[Claim]:
    claims.give_up_lost_workers()
    return claims.take_over(worker_id, [])


@pytest.mark.meets("a worker without a heartbeat")
@pytest.mark.parametrize(("seconds", "is_lost"), [(25, False), (31, True)])
def test_a_worker_is_lost_after_half_a_minute_without_a_heartbeat(
    db: None, seconds: int, is_lost: bool
):
    result, lost, other = kinds.repeat.enqueue(value=1), a_worker(), a_worker()
    claimed(lost, LONG)
    lose(lost, seconds)

    claims.give_up_lost_workers()

    assert claims.renew_heartbeat(lost) is not is_lost
    taken = claims.take_over(other, [])
    assert [claim.row.id for claim in taken] == ([row(result).id] if is_lost else [])


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_worker_with_a_wrong_clock_gives_nobody_up(db: None, hours: int):
    result, worker = kinds.repeat.enqueue(value=1), a_worker()
    claimed(worker, LONG)

    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        other = a_worker()
        taken = swept(other)
        is_alive = claims.renew_heartbeat(other)

    assert (taken, is_alive) == ([], True)
    claims.give_up_lost_workers()
    assert claims.renew_heartbeat(other)
    assert Job.unscoped.get(id=result.id).worker_id == worker


def test_an_interrupted_job_runs_again_if_it_declares_so(db: None):
    result, lost, other = kinds.repeat.enqueue(value=1), a_worker(), a_worker()
    claimed(lost, LONG)
    lose(lost)

    for claim in swept(other):
        running.interrupted(claim)
    make_due(result.id)
    running.run(claimed(other, LONG))

    assert (row(result).status, kinds.done) == ("SUCCESSFUL", [1])


def test_an_interrupted_job_fails_otherwise(db: None):
    result, lost, other = kinds.fail.enqueue(sentence="No."), a_worker(), a_worker()
    claimed(lost)
    lose(lost)

    for claim in swept(other):
        running.interrupted(claim)

    assert row(result).status == "FAILED"
    assert kinds.done == [("failed", {"sentence": "No."})]
    assert Job.unscoped.get().reason == claims.INTERRUPTED


def test_a_job_that_ends_its_worker_each_time_fails_in_the_end(db: None):
    result, other = kinds.repeat.enqueue(value=1), a_worker()

    for _ in range(3):
        lost = a_worker()
        make_due(result.id)
        claimed(lost, LONG)
        lose(lost)
        for claim in swept(other):
            running.interrupted(claim)

    assert row(result).status == "FAILED"


def test_a_lost_worker_cannot_record_the_end_of_a_job_that_was_taken_over(db: None):
    result, lost, other = kinds.repeat.enqueue(value=1), a_worker(), a_worker()
    old = claimed(lost, LONG)
    lose(lost)
    swept(other)

    assert claims.succeed(old, None) is False
    assert claims.retry(old, "late") is False
    assert row(result).status == "RUNNING"


def test_two_workers_do_not_take_over_the_same_job(db: None):
    kinds.repeat.enqueue(value=1)
    lost, others = a_worker(), (a_worker(), a_worker())
    claimed(lost, LONG)
    lose(lost)

    taken = [len(swept(other)) for other in others]

    assert taken == [1, 0]


def test_a_job_whose_end_was_not_recorded_is_taken_over_by_its_own_worker(db: None):
    kinds.repeat.enqueue(value=1)
    worker = a_worker()
    claim = claimed(worker, LONG)

    assert claims.take_over(worker, [claim.row.id]) == []
    assert len(claims.take_over(worker, [])) == 1
