"""IDs and paths of notes, and the response for notes that are not found."""

from __future__ import annotations

import re
import uuid

import pytest

from collectives.items.models import Item
from tests.fixtures.rows import KITCHEN, UNKNOWN_ID, change
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on

WELCOME = "Welcome to the kitchen"
UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.mark.rule("notes.paths")
@pytest.mark.parametrize(
    ("where", "path"), [("", "/n/"), (KITCHEN, f"{KITCHEN}/n/"), ("{room}", "{room}/n/")]
)
def test_the_path_of_a_note_starts_with_the_path_of_its_collective(world, where, path):
    room = f"/workspace/{world.workspace('bob').handle}"
    bob = Caller(REST, "bob")

    made = bob.act("create_note", where.format(room=room), text="New here").assert_done().json

    assert re.fullmatch(UUID4, made["id"])
    assert made["truncated_id"] == made["id"][:8]
    assert made["path"] == path.format(room=room) + made["truncated_id"]
    assert "New here" in Caller(HTML, "bob").get(made["path"]).assert_done().text


@pytest.mark.rule("notes.one-not-found")
def test_unknown_and_foreign_notes_give_the_same_response_in_rest(world):
    bob = Caller(REST, "bob")
    change(world.note("Board minutes"), deleted_at=world.now)
    elsewhere = [
        UNKNOWN_ID,
        "no-such-id",
        "0" * 8,
        str(world.note("The garden opens at eight").id),
        str(world.note("Board minutes").id),
        str(world.note("Base camp checklist").id),
    ]

    answers = []
    for each in elsewhere:
        body = bob.get(f"{KITCHEN}/api/v1/notes/{each}").assert_refused(404).json
        answers.append({key: body[key] for key in body if key != "request_id"})

    assert all(answer == answers[0] for answer in answers)


@pytest.mark.rule("notes.one-not-found")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("title", ["Board minutes", "The garden opens at eight"])
def test_a_note_is_not_found_below_another_collective(world, call, title):
    call("bob").get(f"{KITCHEN}/n/{world.note(title).truncated_id}").assert_refused(404)


@pytest.mark.rule("notes.short-and-long-id")
@on(HTML, MARKDOWN)
def test_a_note_is_found_by_its_short_and_its_full_id(world, call):
    note = world.note(WELCOME)

    for each in (note.truncated_id, note.id):
        answer = call("bob").get(f"{KITCHEN}/n/{each}")
        assert answer.status in (200, 301, 302)


@pytest.mark.postgres
def test_a_note_whose_short_id_is_taken_gets_another_one(world, monkeypatch):
    bob = Caller(REST, "bob")
    first = uuid.UUID(bob.act("create_note", KITCHEN, text="First").assert_done().json["id"])
    free = uuid.uuid4()
    drawn = iter([uuid.UUID(f"{first.hex[:8]}{free.hex[8:]}"), free])
    monkeypatch.setattr(Item._meta.get_field("id"), "_get_default", lambda: next(drawn))

    second = bob.act("create_note", KITCHEN, text="Second").assert_done().json

    assert second["id"] == str(free)
    assert bob.get(f"{KITCHEN}/api/v1/notes/{first.hex[:8]}").json["text"] == "First"
