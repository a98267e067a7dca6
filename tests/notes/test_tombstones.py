"""Deleted notes whose content is erased after 30 days (content 15.2, 18)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.db.models import CharField, JSONField, TextField
from django.utils import timezone

from accounts.models import SecurityEvent
from api.models import KeyedRequest
from collectives.commitments.models import Commitment
from collectives.decisions.models import Decision
from collectives.events.models import Event
from collectives.items.models import Item
from collectives.links.models import Link
from collectives.notes import due
from collectives.notes.models import Note
from collectives.notifications.models import Mention, Notification
from collectives.reports.models import Report
from harmonic.jobs import claims, purges, regular, running
from harmonic.jobs.models import Schedule
from harmonic.kernel.operations import jobs
from harmonic.kernel.operations.jobs import LONG, SHORT, regular_work
from tests.fixtures.rows import KITCHEN, note_at_path
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on
from tests.jobs.rows import a_worker
from tests.reminders.rows import deliver_after, remind

SECRET = "quinoxaline"
LATER = Item.KEPT_AFTER_DELETION + timedelta(hours=1)


def write(by: str = "bob", where: str = KITCHEN, **params: Any) -> str:
    """Create a note with the secret word in title and text, and return its path."""
    sent = {"title": f"Title {SECRET}", "text": f"Text {SECRET} @alice", **params}
    made = Caller(REST, by).act("create_note", where, **sent).assert_done().json
    return str(made["path"])


def delete(path: str, by: str = "bob") -> Note:
    Caller(MARKDOWN, by).act("delete_note", path).assert_done()
    return note_at_path(path)


def run_jobs() -> None:
    """Run all jobs that are due."""
    worker = a_worker()
    for queue in (SHORT, LONG):
        while (claim := claims.claim_next(worker, queue)) is not None:
            running.run(claim)


def erase_after(distance: timedelta = LATER) -> None:
    """Run the regular work of notes as of some time from now."""
    with time_machine.travel(timezone.now() + distance, tick=False):
        due.enqueue_erasures()
        run_jobs()


def places_of(word: str) -> set[str]:
    """Return the columns of the database that have a word."""
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        for field in model._meta.local_concrete_fields
        if isinstance(field, CharField | TextField | JSONField)
        for found in [_values(model, field)]
        if any(word in value for value in found)
    }


def _values(model: Any, field: Any) -> Iterator[str]:
    with connection.cursor() as cursor:
        name = connection.ops.quote_name
        cursor.execute(f"SELECT {name(field.column)} FROM {name(model._meta.db_table)}")
        yield from [str(value) for (value,) in cursor.fetchall()]


# --- Erasing --------------------------------------------------------------------------------


@pytest.mark.rule("tombstones.erased")
def test_no_text_of_a_note_remains_in_the_database(world):
    path = write()
    Caller(MARKDOWN, "bob").act("update_note", path, title=f"Other {SECRET}", text=f"{SECRET} b")
    Caller(MARKDOWN, "alice").act("confirm_read", path).assert_done()
    note = delete(path)
    assert "notes.Note.text" in places_of(SECRET)

    with time_machine.travel(timezone.now() + LATER, tick=False):
        purges.delete_old_keys()
        purges.delete_finished_jobs()
    erase_after()

    assert places_of(SECRET) == set()
    kept = Note.unscoped.get(pk=note.pk)
    assert (kept.title, kept.text, kept.size) == ("", "", 0)
    assert kept.tombstoned_at
    assert kept.updated_at == note.updated_at
    rows = (Mention.unscoped.filter(item=note), Notification.unscoped.filter(item=note))
    assert not any(each.exists() for each in rows)
    verbs = set(Event.unscoped.filter(item=note).values_list("verb", flat=True))
    assert verbs == {"created", "updated", "confirmed", "deleted"}


@pytest.mark.rule("tombstones.erased")
def test_the_rows_of_a_table_are_erased(world):
    sent = {"title": SECRET, "columns": [{"name": SECRET}], "initial_rows": [{SECRET: SECRET}]}
    Caller(MARKDOWN, "bob").act("create_table_note", KITCHEN, **sent).assert_done()
    path = f"{KITCHEN}/n/{Note.unscoped.filter(subtype='table').latest('created_at').truncated_id}"
    delete(path)

    erase_after()

    assert places_of(SECRET) == set()
    assert "Note [deleted]" in Caller(MARKDOWN, "bob").get(path).text


@pytest.mark.rule("tombstones.erased")
def test_a_reminder_that_was_delivered_is_erased_with_its_delivery(world):
    other = remind(title="Beans", scheduled_for="2h", text="Water, @alice")
    moment = Note.unscoped.get(pk=note_at_path(other).pk).reminder.scheduled_for.isoformat()
    path = remind(title=SECRET, text=f"{SECRET} @alice", scheduled_for=moment)
    deliver_after(hours=3)
    delete(path)

    erase_after()

    assert places_of(SECRET) == set()
    titles = {
        each["title"]
        for event in Event.unscoped.filter(subject="reminders")
        for each in event.metadata["reminders"]
    }
    assert titles == {"", "Beans"}
    assert "Note [deleted]" in Caller(MARKDOWN, "bob").get(path).text


@pytest.mark.rule("tombstones.erased")
def test_the_links_of_a_note_are_erased_and_those_to_it_stay_hidden(world):
    target, source = write(title="Target"), write(title="Source")
    Caller(MARKDOWN, "bob").act("update_note", source, text=f"[t]({target})").assert_done()
    Caller(MARKDOWN, "bob").act("update_note", target, text=f"[s]({source})").assert_done()
    note = delete(source)

    erase_after()

    assert not Link.unscoped.filter(source=note).exists()
    assert Link.unscoped.filter(target=note).exists()
    assert Caller(MARKDOWN, "bob").get(target).assert_done().text.count(source) == 1


@pytest.mark.rule("tombstones.copies")
def test_a_report_and_the_log_keep_their_copies(world):
    path = write(by="scout")
    reported = f"{path}/actions/report_content"
    assert Caller(MARKDOWN, "alice").client.post(reported, {"reason": "spam"}).status_code == 200
    note = delete(path, by="alice")

    erase_after()

    assert Report.unscoped.get(item=note).text == f"Text {SECRET} @alice"
    assert SecurityEvent.unscoped.filter(event="content_deleted").exists()


# --- What is kept ---------------------------------------------------------------------------


@pytest.mark.rule("tombstones.after-30-days")
@pytest.mark.meets("the content of a deleted note")
@pytest.mark.parametrize(("hours", "is_erased"), [(-1, False), (1, True)])
def test_a_note_is_erased_when_it_can_no_longer_be_restored(world, hours, is_erased):
    note = delete(write())

    erase_after(Item.KEPT_AFTER_DELETION + timedelta(hours=hours))

    assert bool(Note.unscoped.get(pk=note.pk).tombstoned_at) is is_erased
    assert (Note.unscoped.get(pk=note.pk).text == "") is is_erased


@pytest.mark.rule("tombstones.after-30-days")
def test_a_note_that_was_restored_is_not_erased(world):
    path = write()
    delete(path)
    Caller(HTML, "bob").act("restore_note", path).assert_done()

    erase_after()

    assert note_at_path(path).text == f"Text {SECRET} @alice"


@pytest.mark.rule("tombstones.notes-only")
@pytest.mark.parametrize(
    ("kind", "model", "sent"),
    [
        ("decision", Decision, {"question": SECRET}),
        ("commitment", Commitment, {"title": SECRET, "critical_mass": 2}),
    ],
)
def test_decisions_and_commitments_are_kept(world, kind, model, sent):
    bob = Caller(MARKDOWN, "bob")
    bob.act(f"create_{kind}", KITCHEN, **sent).assert_done()
    item = model.unscoped.get(title=SECRET)
    bob.act(f"delete_{kind}", f"{KITCHEN}/{kind[0]}/{item.truncated_id}").assert_done()

    erase_after()

    kept = model.unscoped.get(pk=item.pk)
    assert (kept.title, kept.tombstoned_at) == (SECRET, None)


@pytest.mark.rule("tombstones.comments-stay")
@on(HTML, MARKDOWN)
def test_the_page_of_an_erased_note_is_that_of_a_deleted_one_without_restoring(
    world, call, surface
):
    path = write()
    Caller(MARKDOWN, "alice").act("add_comment", path, text="A reply stays.").assert_done()
    delete(path)
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        before = call("bob").get(path)

    erase_after()

    after = call("bob").get(path).assert_done()
    assert "A reply stays." in after.text
    assert "has been deleted by its author" in before.text
    assert "has been deleted by its author" in after.text
    with time_machine.travel(timezone.now() + LATER):
        late = Caller(surface, "bob").get(path).assert_done().text
    assert "deleted more than 30 days ago and cannot be restored" in late
    assert "restore_note" not in late


@pytest.mark.rule("tombstones.not-restored")
@on(HTML, MARKDOWN, REST)
def test_an_erased_note_cannot_be_restored(world, surface):
    path = write()
    note = delete(path)
    erase_after()

    with time_machine.travel(timezone.now() + LATER):
        Caller(surface, "bob").act("restore_note", path).assert_refused(403)

    assert Note.unscoped.get(pk=note.pk).deleted_at


@pytest.mark.rule("tombstones.comments-stay")
def test_a_comment_on_an_erased_note_names_a_deleted_note(world):
    path = write()
    Caller(MARKDOWN, "alice").act("add_comment", path, text="A reply stays.").assert_done()
    comment: Note = Note.unscoped.get(text="A reply stays.")
    delete(path)

    erase_after()

    shown = Caller(MARKDOWN, "alice").get(f"{KITCHEN}/n/{comment.truncated_id}").assert_done()
    assert "Replying to a deleted note" in shown.text


# --- The job --------------------------------------------------------------------------------


@pytest.mark.rule("tombstones.daily")
def test_erasing_twice_changes_nothing_more(world):
    note = delete(write())
    erase_after()
    first = Note.unscoped.get(pk=note.pk).tombstoned_at

    erase_after(LATER + timedelta(days=1))

    assert Note.unscoped.get(pk=note.pk).tombstoned_at == first


@pytest.mark.rule("tombstones.daily")
def test_all_due_notes_are_erased_in_batches(world, monkeypatch):
    monkeypatch.setattr(due, "BATCH", 2)
    notes = [delete(write(title=f"Note {number}")) for number in range(5)]

    erase_after()

    rows = Note.unscoped.filter(id__in=[note.pk for note in notes])
    assert all(row.tombstoned_at for row in rows)


@pytest.mark.rule("tombstones.daily")
def test_a_worker_that_stops_leaves_the_rest_to_another_job(world, monkeypatch):
    notes = [delete(write(title=f"Note {number}")) for number in range(2)]
    answers = iter([False, True])
    with monkeypatch.context() as stopping:
        stopping.setattr(due, "is_stopping", lambda: next(answers, False))
        erase_after()

    rows = Note.unscoped.filter(id__in=[note.pk for note in notes])
    assert all(row.tombstoned_at for row in rows)


@pytest.mark.rule("tombstones.daily")
def test_it_is_daily_work_and_a_missed_day_is_made_up_for(world, monkeypatch):
    work = regular_work()["erase deleted notes"]
    monkeypatch.setattr(jobs, "_regular", {work.name: work})
    assert work.every == timedelta(days=1)
    note = delete(write())
    Schedule.objects.update_or_create(
        name=work.name, defaults={"began_at": claims.from_now(-timedelta(days=3))}
    )

    with time_machine.travel(timezone.now() + LATER + timedelta(days=3), tick=False):
        assert regular.enqueue_due() == [work.name]
        run_jobs()
        run_jobs()

    assert Note.unscoped.get(pk=note.pk).tombstoned_at


@pytest.mark.rule("jobs.listed")
@on(HTML, MARKDOWN)
def test_admins_of_a_tenant_with_due_notes_see_the_job(world, surface):
    note = delete(write())
    Item.unscoped.filter(pk=note.pk).update(hard_delete_after=timezone.now() - timedelta(hours=1))

    due.enqueue_erasures()

    assert "Erase deleted notes" in Caller(surface, "alice").get("/tenant-admin/jobs").text


@pytest.mark.rule("tombstones.copies")
def test_idempotency_keys_are_deleted_before_a_note_is_erased():
    assert KeyedRequest.LIFETIME < Item.KEPT_AFTER_DELETION
