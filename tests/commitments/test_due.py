"""The regular job of commitments, which records passed deadlines (content 17, 18)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from collectives.commitments import due
from collectives.commitments.models import Commitment
from collectives.events.models import Event
from harmonic.kernel.operations.jobs import regular_work
from tests.commitments.rows import close, propose, row_at
from tests.fixtures.rows import change
from tests.fixtures.surfaces import REST, Caller


@pytest.fixture(autouse=True)
def recorded(world: object) -> None:
    """Record the deadlines that have passed in the demo world."""
    due.record_passed_deadlines()


def reached(path: str) -> list[datetime]:
    """Return the times of the events for a commitment's deadline."""
    rows = Event.unscoped.filter(item=row_at(path), verb="deadline_reached")
    return [row.happened_at for row in rows]


def passed(minutes: float = 5) -> str:
    """Return the path of a commitment whose deadline passed some minutes ago."""
    path = propose()
    change(row_at(path), deadline=timezone.now() - timedelta(minutes=minutes))
    return path


@pytest.mark.rule("commitments.deadline-recorded")
def test_a_passed_deadline_is_recorded_once_with_its_time():
    path = passed()

    due.record_passed_deadlines()
    due.record_passed_deadlines()

    assert reached(path) == [row_at(path).deadline]
    assert row_at(path).deadline_event_fired_at is not None
    (event,) = Event.unscoped.filter(item=row_at(path), verb="deadline_reached")
    assert (event.subject, event.collective_id) == ("commitment", row_at(path).collective_id)


@pytest.mark.rule("commitments.deadline-recorded")
def test_closed_and_full_commitments_are_recorded():
    closed, full = propose(), propose(critical_mass=1, close_at_critical_mass=True)
    close(closed)
    Caller(REST, "alice").act("join_commitment", full).assert_done()

    due.record_passed_deadlines()

    assert reached(closed) == [row_at(closed).deadline]
    assert reached(full) == [row_at(full).deadline]


@pytest.mark.rule("commitments.deadline-recorded")
def test_an_open_commitment_is_not_recorded():
    path = propose(deadline=(timezone.now() + timedelta(minutes=1)).isoformat())

    due.record_passed_deadlines()

    assert reached(path) == []


@pytest.mark.rule("commitments.deadline-recorded")
def test_a_deleted_commitment_is_recorded_after_it_is_restored():
    path = passed()
    Caller(REST, "bob").act("delete_commitment", path).assert_done()
    due.record_passed_deadlines()
    assert reached(path) == []

    Caller(REST, "bob").act("restore_commitment", path).assert_done()
    due.record_passed_deadlines()

    assert len(reached(path)) == 1


@pytest.mark.rule("commitments.deadline-recorded")
def test_each_run_records_the_oldest_deadlines_first(monkeypatch):
    """After downtime, a worker records deadlines in the order in which they passed."""
    monkeypatch.setattr(due, "PER_RUN", 2)
    newest, oldest, middle = passed(1), passed(60), passed(30)

    due.record_passed_deadlines()
    assert [len(reached(path)) for path in (oldest, middle, newest)] == [1, 1, 0]

    due.record_passed_deadlines()
    assert len(reached(newest)) == 1


@pytest.mark.rule("commitments.deadline-recorded")
def test_deadlines_of_every_tenant_are_recorded(world):
    made = Caller(REST, "dave", tenant="summit").act(
        "create_commitment", "", title="Climb", critical_mass=1, deadline="2020-01-01"
    )

    due.record_passed_deadlines()

    row = Commitment.unscoped.get(id=made.json["id"])
    assert row.deadline_event_fired_at is not None


@pytest.mark.rule("commitments.deadline-recorded")
def test_workers_record_deadlines_every_minute():
    work = regular_work()["deadlines of commitments"]

    assert (work.function, work.every) == (due.record_passed_deadlines, timedelta(minutes=1))
