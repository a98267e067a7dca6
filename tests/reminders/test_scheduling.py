"""Creating, changing and cancelling reminders (content 5.1 to 5.3)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from collectives.notes.models import Note
from collectives.notifications.models import Notification
from collectives.reminders import showing
from collectives.reminders.models import Reminder
from tests.fixtures.rows import KITCHEN, change, end_membership
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Answer, Caller, on
from tests.reminders.rows import (
    api,
    deliver_after,
    fired,
    note_at,
    recipients,
    remind,
    rest,
    status_of,
)

LATER = "2031-05-01T10:00"
MOMENT = datetime(2031, 5, 1, 10, tzinfo=UTC)


def schedule(path: str) -> Reminder:
    reminder: Reminder = Reminder.unscoped.get(note=note_at(path))
    return reminder


# --- Create ---------------------------------------------------------------------------------


@pytest.mark.rule("reminders.create")
@on(HTML, MARKDOWN)
def test_a_reminder_is_scheduled_for_its_author(call):
    answer = call("bob").act(
        "create_reminder_note", KITCHEN, text="Water the beans.", scheduled_for=LATER
    )

    answer.assert_done()
    note: Note = Note.unscoped.latest("created_at")
    path = f"{KITCHEN}/n/{note.truncated_id}"
    assert (note.subtype, note.text) == ("reminder", "Water the beans.")
    assert schedule(path).scheduled_for == MOMENT
    ((who, row),) = recipients(path).items()
    assert (who, row.status, row.channel, row.due_at) == ("bob", "pending", "in_app", MOMENT)
    notification = row.notification
    assert (notification.notification_type, notification.title, notification.body) == (
        "reminder",
        "Water the beans.",
        "",
    )
    assert (notification.event_id, notification.path) == (None, path)


@pytest.mark.rule("reminders.create")
def test_an_agent_creates_a_reminder(world):
    assert list(recipients(remind("scout"))) == ["scout"]


@pytest.mark.rule("reminders.create")
def test_members_who_are_mentioned_are_reminded_once(world):
    path = remind(text="@alice and @Alice, @scout, @carol, @nobody, @bob: water.")

    assert set(recipients(path)) == {"alice", "bob", "scout"}
    assert "reminder_notifies" in Caller(MARKDOWN, "bob").get(path).text


@pytest.mark.meets("people named on the page of a reminder")
@pytest.mark.rule("reminders.create")
def test_the_page_names_some_of_the_people_and_counts_the_others(world, monkeypatch):
    path = remind(text="@alice, @scout: water.")
    monkeypatch.setattr(showing, "NAMED", 1)

    for surface in (HTML, MARKDOWN):
        assert "and 2 more" in Caller(surface, "bob").get(path).text


@pytest.mark.rule("reminders.create")
def test_a_local_time_is_in_the_given_timezone_or_the_collectives(world):
    change(world.collective("kitchen"), timezone="Asia/Tokyo")

    assert schedule(remind(scheduled_for=LATER)).scheduled_for == MOMENT - timedelta(hours=9)
    path = remind(scheduled_for=LATER, timezone="Europe/Paris")
    assert schedule(path).scheduled_for == MOMENT - timedelta(hours=2)


@pytest.mark.rule("reminders.create")
def test_the_api_creates_a_reminder(world):
    sent = {"subtype": "reminder", "text": "Water.", "scheduled_for": "2031-05-01T10:00:00Z"}

    made = rest().post(f"{KITCHEN}/api/v1/notes", json.dumps(sent), "application/json").json()

    assert made["subtype"] == "reminder"
    assert made["reminder_scheduled_for"] == "2031-05-01T10:00:00.000Z"
    assert made["reminder_notification_id"] == str(
        schedule(f"{KITCHEN}/n/{made['truncated_id']}").notification_id
    )
    listed = rest("alice").get(f"{KITCHEN}/api/v1/notes?subtype=reminder").json()
    assert made["reminder_scheduled_for"] in [each["reminder_scheduled_for"] for each in listed]


@pytest.mark.rule("reminders.not-created")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"text": " "}, ("is required", "Is required", "be blank")),
        ({"scheduled_for": None}, ("equired and must be a valid time",)),
        ({"scheduled_for": "soon"}, ("equired and must be a valid time",)),
        ({"scheduled_for": "2020-01-01T00:00:00Z"}, ("must be in the future", "Must be in the")),
        ({"scheduled_for": "0s"}, ("must be in the future", "Must be in the")),
        ({"timezone": "Moon/Base"}, ("not a known timezone",)),
    ],
)
def test_an_invalid_reminder_leaves_no_note(call, surface, sent, says):
    counts = Note.unscoped.count(), Notification.unscoped.count()
    params = {"text": "Water", "scheduled_for": LATER, **sent}
    params = {name: value for name, value in params.items() if value is not None}

    if surface == REST:
        answer = call("bob").act("create_note", KITCHEN, subtype="reminder", **params)
    else:
        answer = call("bob").act("create_reminder_note", KITCHEN, **params)

    answer.assert_invalid()
    assert any(sentence in answer.text.replace("&#x27;", "'") for sentence in says)
    assert (Note.unscoped.count(), Notification.unscoped.count()) == counts


@pytest.mark.meets("reminders of a person in an hour")
@pytest.mark.rule("reminders.limits")
@on(HTML, MARKDOWN, REST)
def test_the_eleventh_reminder_within_an_hour_is_refused(call, surface):
    for _ in range(10):
        remind()
    count = Note.unscoped.count()
    params = {"text": "Water", "scheduled_for": LATER}

    if surface == REST:
        answer = call("bob").act("create_note", KITCHEN, subtype="reminder", **params)
    else:
        answer = call("bob").act("create_reminder_note", KITCHEN, **params)

    answer.assert_invalid("Maximum 10 reminders per hour")
    assert Note.unscoped.count() == count
    # Reminders of other people do not count.
    remind("alice", text="@bob")
    for note in Note.unscoped.filter(subtype="reminder"):
        change(note.item, created_at=timezone.now() - timedelta(minutes=61))
    remind()


@pytest.mark.meets("scheduled reminders of a person")
@pytest.mark.rule("reminders.limits")
def test_the_fifty_first_scheduled_reminder_is_refused(world):
    def age() -> None:
        for note in Note.unscoped.filter(subtype="reminder"):
            change(note.item, created_at=timezone.now() - timedelta(hours=2))

    bob = Caller(MARKDOWN, "bob")

    def again() -> Answer:
        return bob.act("create_reminder_note", KITCHEN, text="Water", scheduled_for="3d")

    for number in range(50):
        again().assert_done()
        if number % 10 == 9:
            age()
    last: Note = Note.unscoped.filter(text="Water").latest("truncated_id")
    path = f"{KITCHEN}/n/{last.truncated_id}"
    again().assert_invalid("Reminder scheduling failed: Maximum 50 scheduled reminders allowed")
    bob.act("cancel_reminder", path).assert_done()
    again().assert_done()


@pytest.mark.rule("reminders.create")
def test_only_members_can_create_a_reminder(world):
    Caller(MARKDOWN, "carol").act(
        "create_reminder_note", KITCHEN, text="Water", scheduled_for=LATER
    ).assert_refused(403)


# --- Change ---------------------------------------------------------------------------------


@pytest.mark.rule("reminders.reschedule")
@on(HTML, MARKDOWN, REST)
def test_the_author_can_reschedule_a_pending_reminder(call):
    path = remind(text="Water, @alice")

    call("bob").act("update_note", path, scheduled_for="2031-05-01T10:00:00Z").assert_done()

    assert schedule(path).scheduled_for == MOMENT
    assert {row.due_at for row in recipients(path).values()} == {MOMENT}
    assert note_at(path).updated_at > note_at(path).created_at


@pytest.mark.rule("reminders.reschedule")
@on(HTML, MARKDOWN, REST)
def test_a_changed_title_is_copied_to_the_notification(call):
    path = remind()

    call("bob").act("update_note", path, title="Beans").assert_done()

    assert [row.notification.title for row in recipients(path).values()] == ["Beans"]


@pytest.mark.rule("reminders.reschedule")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("when", ["2020-01-01T00:00:00Z", "soon"])
def test_a_reminder_cannot_be_rescheduled_to_an_invalid_time(call, when):
    path = remind()
    before = schedule(path).scheduled_for

    call("bob").act("update_note", path, scheduled_for=when, title="Gone").assert_invalid()

    assert (schedule(path).scheduled_for, note_at(path).title) == (before, "")


@pytest.mark.rule("reminders.not-editable")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("state", ["delivered", "cancelled"])
def test_a_reminder_that_is_no_longer_pending_cannot_be_edited(call, state):
    path = remind()
    if state == "delivered":
        deliver_after(hours=2)
    else:
        Caller(MARKDOWN, "bob").act("cancel_reminder", path).assert_done()

    for change_ in ({"title": "New"}, {"scheduled_for": LATER}):
        answer = call("bob").act("update_note", path, **change_)
        answer.assert_invalid("This reminder can no longer be edited")
    assert note_at(path).title == ""
    assert status_of(path) == state


@pytest.mark.rule("reminders.reschedule")
def test_only_the_author_can_change_a_reminder(world):
    path = remind(text="Water, @alice")
    before = schedule(path).scheduled_for

    Caller(MARKDOWN, "alice").act("update_note", path, scheduled_for=LATER).assert_refused(403)

    assert schedule(path).scheduled_for == before


# --- Cancel ---------------------------------------------------------------------------------


@pytest.mark.rule("reminders.cancel")
@on(HTML, MARKDOWN)
def test_the_author_can_cancel_a_pending_reminder(call):
    path = remind(text="Water, @alice")
    before = schedule(path).scheduled_for

    call("bob").act("cancel_reminder", path).assert_done()

    assert (status_of(path), schedule(path).scheduled_for) == ("cancelled", before)
    assert not Notification.unscoped.filter(notification_type="reminder", path=path).exists()
    deliver_after(days=1)
    assert fired(path) == []
    call("bob").act("cancel_reminder", path).assert_refused(422, "No pending reminder")


@pytest.mark.rule("reminders.cancel")
@on(REST, MARKDOWN)
@pytest.mark.parametrize("value", ["1", True])
def test_cancelling_in_an_update_takes_precedence_over_a_new_time(call, value):
    path = remind()
    before = schedule(path).scheduled_for

    call("bob").act("update_note", path, cancel_reminder=value, scheduled_for=LATER).assert_done()

    assert (status_of(path), schedule(path).scheduled_for) == ("cancelled", before)
    shown = rest().get(api(path)).json()
    assert shown["reminder_notification_id"] is None
    assert shown["reminder_scheduled_for"] is not None


@pytest.mark.rule("reminders.cancel")
def test_only_the_author_can_cancel_a_reminder(world, note_path):
    path = remind(text="Water, @alice")

    Caller(MARKDOWN, "alice").act("cancel_reminder", path).assert_refused(403, "Not authorized")
    end_membership(world, "bob")
    Caller(MARKDOWN, "bob").act("cancel_reminder", path).assert_refused(403)

    assert schedule(path).is_pending
    Caller(MARKDOWN, "alice").act("cancel_reminder", note_path("Knife care")).assert_refused(
        422, "Not a reminder note"
    )


@pytest.mark.rule("reminders.cancel")
def test_deleting_the_note_cancels_its_reminder(world):
    path = remind()
    bob = Caller(MARKDOWN, "bob")

    bob.act("delete_note", path).assert_done()
    deliver_after(days=1)
    assert fired(path) == []

    bob.act("restore_note", path).assert_done()
    assert status_of(path) == "cancelled"


@pytest.mark.rule("reminders.offered")
def test_the_offered_actions_depend_on_the_state(world):
    path = remind(text="Water, @alice")
    names = ("confirm_read", "acknowledge_reminder", "cancel_reminder")

    def offered(who: str) -> list[str]:
        page = Caller(MARKDOWN, who).get(path).text
        return [name for name in names if f"- name: {name}\n" in page]

    assert (offered("bob"), offered("alice")) == (["cancel_reminder"], ["confirm_read"])

    deliver_after(hours=2)
    assert offered("bob") == offered("alice") == ["acknowledge_reminder"]

    Caller(MARKDOWN, "alice").act("acknowledge_reminder", path).assert_done()
    assert (offered("bob"), offered("alice")) == (["acknowledge_reminder"], [])
