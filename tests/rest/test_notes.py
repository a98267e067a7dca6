"""Single notes: shape, writing, confirming, commenting, deleting."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine

from collectives.events.models import CONFIRMED, Event
from collectives.notes.models import Note
from tests.rest.conftest import BASE, KITCHEN, error_of

KEYS = (
    "id truncated_id subtype edit_access title text deadline confirmed_reads created_at updated_at"
    " created_by_id updated_by_id commentable_type commentable_id statementable_type"
    " statementable_id reminder_notification_id reminder_scheduled_for collective_id path url"
    " last_activity_at"
).split()
EVENT_KEYS = ["id", "note_id", "user_id", "event_type", "description", "happened_at"]
TS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def welcome(note_id):
    """A note of Alice's in the kitchen."""
    return f"{KITCHEN}/notes/{note_id('Welcome to the kitchen')}"


@pytest.fixture
def knives(note_id):
    """A note of Bob's in the kitchen."""
    return f"{KITCHEN}/notes/{note_id('Knife care')}"


# --- Reading --------------------------------------------------------------------------------


def test_a_note_has_exactly_these_keys_in_this_order(alice, world, welcome):
    note = alice.get(welcome).json()

    assert list(note) == KEYS
    row = world.note("Welcome to the kitchen")
    assert note["id"] == str(row.id)
    assert note["truncated_id"] == note["id"][:8]
    assert (note["subtype"], note["edit_access"]) == ("text", "owner")
    assert note["created_by_id"] == str(world.user("alice").id)
    assert note["collective_id"] == str(world.collective("kitchen").id)
    assert note["path"] == f"/collectives/kitchen/n/{note['truncated_id']}"
    assert note["url"] == f"http://garden.localhost{note['path']}"
    assert all(TS.fullmatch(note[key]) for key in ("deadline", "created_at", "updated_at"))


@pytest.mark.parametrize("form", ["{id}", "{short}", "{id}.json", "{id}/", "{upper}"])
def test_a_note_is_found_by_whole_and_short_id(alice, note_id, form):
    whole = note_id("Knife care")
    path = form.format(id=whole, short=whole[:8], upper=whole[:8].upper())

    assert alice.get(f"{KITCHEN}/notes/{path}").json()["id"] == whole


@pytest.mark.parametrize("accept", ["text/html", "text/markdown", "*/*", "image/png"])
def test_response_is_json_for_every_accept_header(alice, knives, accept):
    response = alice.client.get(knives, headers={"accept": accept})

    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response.json()["title"] == "Knife care"


def test_title_defaults_to_the_first_line(alice):
    made = alice.post(f"{KITCHEN}/notes", {"text": "\n" + "x" * 300 + "\nmore"}).json()

    assert made["title"] == "x" * 253 + "..."


@pytest.mark.parametrize("word", ["nonsense", "00000000", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_note_is_not_found(alice, word):
    assert error_of(alice.get(f"{KITCHEN}/notes/{word}"), 404) == "Not found"


def test_a_note_is_found_only_through_its_own_collective(alice, note_id):
    for title in ("Knife care", "Treasury basics", "Board minutes", "Base camp checklist"):
        assert error_of(alice.get(f"{BASE}/notes/{note_id(title)}"), 404) == "Not found"


def test_a_deleted_note_is_not_found(alice, welcome):
    alice.delete(welcome)

    assert error_of(alice.get(welcome), 404) == "Not found"


def test_reading_one_note_takes_three_queries_at_most(alice, knives, django_assert_num_queries):
    with django_assert_num_queries(3):
        alice.get(knives)
    # Its token's last use is written once a minute.
    with django_assert_num_queries(2):
        alice.get(knives)


def test_includes_add_keys_and_unknown_ones_are_ignored(alice, knives):
    asked = "history_events, comments ,created_by,backlinks,nonsense"
    note = alice.get(knives, include=asked).json()

    assert list(note) == [*KEYS, "history_events", "comments", "backlinks", "created_by"]
    assert list(note["history_events"][0]) == EVENT_KEYS
    assert note["history_events"][0]["description"] == "created this note"
    happened = [event["happened_at"] for event in note["history_events"]]
    assert happened == sorted(happened)
    assert [list(comment) for comment in note["comments"]] == [KEYS] * len(note["comments"])
    assert {comment["commentable_id"] for comment in note["comments"]} == {note["id"]}
    assert note["created_by"]["handle"] == "bob"


# --- Creating -------------------------------------------------------------------------------


def test_a_note_is_created_with_its_history_and_location(alice, world):
    response = alice.post(f"{KITCHEN}/notes", {"title": "Salt", "text": "Buy *salt*.\r\nSoon."})

    assert response.status_code == 200
    note = response.json()
    assert list(note) == KEYS
    assert (note["title"], note["text"]) == ("Salt", "Buy *salt*.\nSoon.")
    assert note["confirmed_reads"] == 0
    assert response["Location"] == f"http://garden.localhost{KITCHEN}/notes/{note['id']}"
    event = Event.unscoped.get(item=note["id"])
    assert (str(event), event.actor_id) == ("note.created", world.user("alice").id)


def test_parameters_inside_note_take_precedence(alice):
    body = {"text": "outside", "title": "Kept", "note": {"text": "inside"}}
    note = alice.post(f"{KITCHEN}/notes", body).json()

    assert (note["title"], note["text"]) == ("Kept", "inside")


def test_form_with_brackets_is_accepted_for_every_method(alice):
    made = alice.client.post(f"{KITCHEN}/notes", {"note[text]": "From a form"}).json()
    changed = alice.client.patch(
        f"{KITCHEN}/notes/{made['id']}",
        "note[text]=Changed+by+a+form",
        content_type="application/x-www-form-urlencoded",
    )

    assert made["text"] == "From a form"
    assert changed.json()["text"] == "Changed by a form"


def test_deadline_of_a_new_note_is_its_creation_time(alice):
    note = alice.post(f"{KITCHEN}/notes", {"text": "x", "deadline": "2031-01-01"}).json()

    assert note["deadline"] == note["created_at"]


def test_post_is_an_alias_of_text(alice):
    note = alice.post(f"{KITCHEN}/notes", {"text": "x", "subtype": "post"}).json()

    assert note["subtype"] == "text"


def test_edit_access_is_set_on_creation(alice):
    note = alice.post(f"{KITCHEN}/notes", {"text": "x", "edit_access": "members"}).json()

    assert note["edit_access"] == "members"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Text can't be blank"),
        ({"text": " \n\t"}, "Text can't be blank"),
        ({"text": None}, "Text can't be blank"),
        ({"text": 5}, "Text must be a string"),
        ({"text": ["x"]}, "Text must be a string"),
        ({"text": "nul\x00"}, "Text contains characters that cannot be stored"),
        ({"text": "x", "title": {"a": 1}}, "Title must be a string"),
        ({"text": "x", "title": "y" * 1001}, "Title is too long (maximum is 1000 characters)"),
        ({"text": "x", "subtype": "poem"}, "Subtype is not included in the list"),
        ({"text": "x", "edit_access": "all"}, "Edit access is not included in the list"),
        ({"text": "x", "subtype": "comment"}, "Subtype cannot be comment for standalone notes"),
        (
            {"text": "x", "subtype": "statement"},
            "Subtype cannot be statement without a statementable parent",
        ),
        ({"note": "x"}, "Note must be an object"),
    ],
)
def test_invalid_parameters_of_a_note_are_named(alice, body, sentence):
    before = Note.unscoped.count()

    response = alice.post(f"{KITCHEN}/notes", body)

    assert error_of(response, 400) == f"Validation failed: {sentence}"
    assert response.json()["code"] == "invalid"
    assert Note.unscoped.count() == before


# --- Updating -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["put", "patch"])
def test_only_sent_nonblank_values_change(alice, welcome, method):
    before = alice.get(welcome).json()
    body = {"title": "Hello", "text": "  ", "edit_access": "nonsense", "deadline": "2031-05-01"}
    note = getattr(alice, method)(welcome, body).json()

    changed = {key for key in KEYS if note[key] != before[key]}
    assert changed == {"title", "deadline", "updated_at", "last_activity_at"}
    assert note["deadline"] == "2031-05-01T00:00:00.000Z"


def test_an_update_without_a_change_leaves_the_note_untouched(alice, welcome):
    before = alice.get(welcome, include="history_events").json()

    response = alice.put(welcome, {"title": before["title"]})

    assert response.status_code == 200
    assert alice.get(welcome, include="history_events").json() == before


def test_only_the_creator_updates(alice, knives):
    response = alice.put(knives, {"text": "Mine now"})

    assert error_of(response, 403) == "Unauthorized"
    assert "Mine now" not in alice.get(knives).json()["text"]


@pytest.mark.parametrize("deadline", ["tomorrow", 12, "2031-13-01"])
def test_an_unreadable_deadline_is_refused(alice, welcome, deadline):
    response = alice.put(welcome, {"deadline": deadline})

    assert error_of(response, 400) == "Validation failed: Deadline must be a valid time"
    assert list(response.json()["fields"]) == ["deadline"]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_writes_to_an_unknown_note_are_404_note_not_found(alice, method):
    response = getattr(alice, method)(f"{KITCHEN}/notes/00000000")

    assert error_of(response, 404) == "Note not found"


# --- Confirming -----------------------------------------------------------------------------


def test_confirming_twice_returns_the_same_event(bob, world, welcome):
    Event.unscoped.filter(verb=CONFIRMED).delete()

    event = bob.post(f"{welcome}/confirm").json()
    again = bob.client.post(f"{welcome}/confirm", "{", content_type="application/json").json()

    assert list(event) == EVENT_KEYS
    assert event["event_type"] == "read_confirmation"
    assert event["description"] == "confirmed reading this note"
    assert event["user_id"] == str(world.user("bob").id)
    assert again == event
    assert bob.get(welcome).json()["confirmed_reads"] == 1


def test_reader_confirms_again_after_an_edit_and_counts_once(alice, bob, welcome, world):
    Event.unscoped.filter(verb=CONFIRMED).delete()
    first = bob.post(f"{welcome}/confirm").json()
    with time_machine.travel(world.now + timedelta(minutes=1), tick=False):
        alice.put(welcome, {"text": "New words"})
    with time_machine.travel(world.now + timedelta(minutes=2), tick=False):
        second = bob.post(f"{welcome}/confirm").json()

    assert second["id"] != first["id"]
    assert bob.get(welcome).json()["confirmed_reads"] == 1


def test_confirming_an_unknown_note_is_not_found(alice):
    assert error_of(alice.post(f"{KITCHEN}/notes/00000000/confirm"), 404) == "Note not found"


@pytest.mark.parametrize(
    ("scopes", "status"),
    [(["create:notes"], 200), (["create:confirmations"], 200), (["create:votes"], 403)],
)
def test_either_of_two_scopes_allows_confirming(rest, welcome, scopes, status):
    assert rest("bob", scopes=scopes).post(f"{welcome}/confirm").status_code == status


# --- Deleting -------------------------------------------------------------------------------


def test_creator_deletes_once(bob, knives):
    response = bob.delete(knives)

    assert (response.status_code, response.json()) == (200, {"message": "Note deleted"})
    assert error_of(bob.delete(knives), 404) == "Note not found"


def test_admin_of_the_collective_deletes_and_a_member_cannot(alice, bob, welcome, knives):
    assert error_of(bob.delete(welcome), 403) == "You are not authorized to delete this content"
    assert alice.delete(knives).status_code == 200
