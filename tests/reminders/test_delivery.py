"""Delivering and acknowledging reminders (content 5.4, 18)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from collectives.events.models import Event
from collectives.notifications.models import Recipient
from collectives.reminders import due
from collectives.reminders.models import Reminder
from harmonic.kernel.operations.jobs import regular_work
from tests.fixtures.rows import change, end_membership
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on
from tests.reminders.rows import (
    api,
    deliver_after,
    fired,
    inbox,
    note_at,
    recipients,
    remind,
    rest,
    status_of,
)


def scheduled(path: str) -> Reminder:
    reminder: Reminder = Reminder.unscoped.get(note=note_at(path))
    return reminder


@pytest.mark.rule("reminders.deliver")
def test_a_due_reminder_is_delivered_once_at_its_time(world):
    path = remind(text="Water, @alice", title="Beans")
    assert "Beans" not in inbox("alice")

    moment = deliver_after(hours=2)
    deliver_after(hours=3)

    reminder = scheduled(path)
    assert fired(path) == [reminder.scheduled_for]
    rows = recipients(path)
    assert {row.status for row in rows.values()} == {"delivered"}
    assert {row.delivered_at for row in rows.values()} == {moment}
    assert {row.due_at for row in rows.values()} == {reminder.scheduled_for}
    assert f"[Beans]({path})" in inbox("alice", hours=4)
    assert status_of(path) == "delivered"
    assert "reminder fired" in Caller(MARKDOWN, "alice").get(path).text


@pytest.mark.rule("reminders.deliver")
def test_a_reminder_that_is_not_due_waits(world):
    path = remind()

    deliver_after(minutes=59)

    assert (fired(path), status_of(path)) == ([], "pending")
    # It is not shown until the worker has delivered it.
    assert "Water the beans." not in inbox("bob", hours=2)


@pytest.mark.rule("reminders.deliver")
def test_reminders_missed_during_a_day_without_a_worker_keep_their_times(world):
    first, second = remind(scheduled_for="1h"), remind(scheduled_for="3h")
    times = [scheduled(path).scheduled_for for path in (first, second)]

    deliver_after(days=1)

    assert [fired(first), fired(second)] == [[times[0]], [times[1]]]
    assert [recipients(path)["bob"].due_at for path in (first, second)] == times
    assert inbox("bob", days=1, hours=1).count("Water the beans.") == 2


@pytest.mark.rule("reminders.deliver")
def test_reminders_of_one_user_at_one_time_create_one_event(world):
    moment = (timezone.now() + timedelta(hours=1)).isoformat()
    paths = [remind(scheduled_for=moment) for _ in range(3)]

    deliver_after(hours=2)

    (event,) = Event.unscoped.filter(subject="reminders", verb="delivered")
    assert event.metadata["count"] == 3
    shown = event.metadata["reminders"]
    assert {each["id"] for each in shown} == {str(note_at(path).id) for path in paths}
    assert all(each.keys() == {"id", "title", "body", "scheduled_for"} for each in shown)


@pytest.mark.meets("reminders of a person in a minute")
@pytest.mark.rule("reminders.rate")
def test_the_sixth_reminder_within_a_minute_is_delivered_later(world):
    paths = [remind(scheduled_for=f"{60 + number}s") for number in range(7)]

    deliver_after(hours=1)
    states = [recipients(path)["bob"].status for path in paths]
    assert states == ["delivered"] * 5 + ["rate_limited"] * 2
    assert [status_of(path) for path in paths[5:]] == ["pending"] * 2

    deliver_after(hours=1, seconds=30)
    assert len(Recipient.unscoped.filter(status="rate_limited")) == 2
    deliver_after(hours=1, minutes=2)
    assert {recipients(path)["bob"].status for path in paths} == {"delivered"}
    assert all(len(fired(path)) == 1 for path in paths)


@pytest.mark.meets("reminders that one run delivers")
@pytest.mark.rule("reminders.deliver")
def test_a_run_delivers_the_oldest_reminders_first_and_the_next_one_continues(world, monkeypatch):
    monkeypatch.setattr(due, "PER_RUN", 2)
    paths = [remind(scheduled_for=f"{hours}h") for hours in (3, 1, 2)]

    deliver_after(hours=4)
    assert [bool(fired(path)) for path in paths] == [False, True, True]

    deliver_after(hours=4, minutes=1)
    assert all(fired(path) for path in paths)


@pytest.mark.rule("reminders.members-only")
def test_people_who_left_are_not_reminded(world):
    path = remind(text="Water, @alice", title="Beans")
    end_membership(world, "alice")

    deliver_after(hours=2)

    assert set(recipients(path)) == {"bob"}
    assert "Beans" not in inbox("alice", hours=3)


@pytest.mark.rule("reminders.members-only")
def test_a_person_who_leaves_later_does_not_see_the_reminder(world):
    remind(text="Water, @alice", title="Beans")
    deliver_after(hours=2)
    assert "Beans" in inbox("alice", hours=3)

    end_membership(world, "alice")

    assert "Beans" not in inbox("alice", hours=3)


@pytest.mark.rule("reminders.deliver")
def test_the_worker_delivers_reminders_every_minute():
    work = regular_work()["deliver reminders"]

    assert (work.function, work.every) == (due.deliver_due, timedelta(minutes=1))


@pytest.mark.rule("reminders.deliver")
def test_reminders_can_be_dismissed_together(world):
    remind(title="Beans")
    deliver_after(hours=2)
    bob = Caller(MARKDOWN, "bob")
    row = Recipient.unscoped.get(notification__title="Beans")
    change(row, due_at=timezone.now(), delivered_at=timezone.now())

    url = "/notifications/actions/dismiss_for_collective"
    bob.client.post(url, {"collective_id": "reminders"}, "application/json")

    row.refresh_from_db()
    assert row.dismissed_at is not None


# --- Acknowledge ----------------------------------------------------------------------------


@pytest.mark.rule("reminders.acknowledge")
@on(HTML, MARKDOWN, REST)
def test_members_acknowledge_a_delivered_reminder_once(world, call):
    path = remind()
    alice, scout = call("alice"), Caller(MARKDOWN, "scout")
    alice.act("acknowledge_reminder", path).assert_invalid("Reminder has not fired yet")

    deliver_after(hours=2)
    for _ in range(2):
        alice.act("acknowledge_reminder", path).assert_done()
    scout.act("acknowledge_reminder", path).assert_done()

    rows = Event.unscoped.filter(item=note_at(path), verb="acknowledged")
    assert rows.count() == 2
    metric = Caller(MARKDOWN, "bob").client.get(f"{path}/metric").json()
    assert metric == {"metric_title": "2 acknowledgments", "metric_value": 2}
    assert "acknowledged this reminder" in Caller(MARKDOWN, "bob").get(path).text
    # It is not a confirmation, but the item counts as read.
    shown = rest().get(f"{api(path)}?include=history_events").json()
    assert shown["confirmed_reads"] == 0
    types = [event["event_type"] for event in shown["history_events"]]
    assert types.count("reminder_acknowledged") == 2
    assert types.count("reminder") == 1


@pytest.mark.rule("reminders.acknowledge")
def test_the_json_of_an_acknowledgement_has_the_number_of_members(world):
    path = remind()
    deliver_after(hours=2)
    url = f"{path}/actions/acknowledge_reminder.json"

    for who, number in (("alice", 1), ("alice", 1), ("scout", 2)):
        answer = Caller(REST, who).client.post(url, {}, "application/json")
        assert answer.json() == {"success": True, "reminder_acknowledgments": number}


@pytest.mark.rule("reminders.acknowledge")
def test_outsiders_cannot_acknowledge_and_other_notes_refuse_it(world, note_path):
    path = remind()
    deliver_after(hours=2)

    Caller(MARKDOWN, "carol").act("acknowledge_reminder", path).assert_refused(403)
    Caller(MARKDOWN, "alice").act("acknowledge_reminder", note_path("Knife care")).assert_refused(
        422, "Not a reminder note"
    )
    Caller(MARKDOWN, "bob").act("delete_note", path).assert_done()
    Caller(MARKDOWN, "alice").act("acknowledge_reminder", path).assert_refused(404)
