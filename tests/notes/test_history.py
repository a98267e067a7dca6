"""The history of a note on every surface that shows it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.fixtures.rows import KITCHEN, events, history, note_at_path, note_path
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

KNIFE = "Knife care"


@pytest.mark.rule("notes.history")
def test_the_history_lists_creation_edits_and_confirmations(world):
    alice = Caller(REST, "alice")
    path = alice.act("create_note", KITCHEN, text="Read me").json["path"]
    alice.act("update_note", path, text="Changed")
    Caller(REST, "bob").act("confirm_read", path)
    note = note_at_path(path)

    told = alice.get(f"{KITCHEN}/api/v1/notes/{note.id}?include=history_events").json

    said = [(event["event_type"], event["description"]) for event in told["history_events"]]
    assert sorted(said) == [
        ("create", "created this note"),
        ("read_confirmation", "confirmed reading this note"),
        ("update", "updated this note"),
    ]


@pytest.mark.rule("notes.history")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("sent", [{"title": "Knives"}, {"text": "Dry them."}])
def test_an_edit_adds_one_entry_to_the_history(world, call, sent):
    note = world.note(KNIFE)

    call("bob").act("update_note", note_path(note), **sent).assert_done()

    [line] = [event for event in history(note) if event["event_type"] == "update"]
    assert line["description"] == "updated this note"
    assert line["user_id"] == str(world.user("bob").id)


@pytest.mark.rule("notes.history")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("who", "text", "status"), [("bob", "{same}", 200), ("alice", "Mine", 403)]
)
def test_an_edit_that_is_refused_or_changes_nothing_adds_no_history(world, call, who, text, status):
    note = world.note(KNIFE)

    answer = call(who).act("update_note", note_path(note), text=text.format(same=note.text))

    assert answer.is_done() is (status == 200)
    assert events(note, "update") == 0


@pytest.mark.rule("notes.history")
def test_the_history_begins_with_the_creation(world):
    made = Caller(REST, "bob").act("create_note", KITCHEN, text="Read me").json

    [line] = history(note_at_path(made["path"]))

    assert set(line) == {"id", "note_id", "user_id", "event_type", "description", "happened_at"}
    assert (line["event_type"], line["note_id"]) == ("create", made["id"])
    assert line["user_id"] == str(world.user("bob").id)
    assert line["happened_at"] == made["created_at"]


@pytest.mark.rule("notes.history-newest-first")
@on(HTML, MARKDOWN)
def test_a_page_shows_the_history_newest_first(call):
    path = Caller(REST, "alice").act("create_note", KITCHEN, text="Read me").json["path"]
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        Caller(REST, "alice").act("update_note", path, text="Changed")
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        Caller(REST, "bob").act("confirm_read", path)

    text = call("bob").get(path).assert_done().text

    lines = re.findall(r"(created|updated|confirmed reading)(?=\s+this note)", text)
    assert lines == ["confirmed reading", "updated", "created"]
