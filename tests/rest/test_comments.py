"""Comments: below a note, and as notes with a parent."""

from __future__ import annotations

import pytest

from tests.fixtures.rows import change
from tests.rest.conftest import BASE, KITCHEN, error_of
from tests.rest.test_notes import KEYS


@pytest.fixture
def knives(note_id):
    return note_id("Knife care")


def test_list_has_direct_comments_oldest_first(alice, bob, knives):
    first = alice.post(f"{KITCHEN}/notes/{knives}/comments", {"text": "One"}).json()
    bob.post(f"{KITCHEN}/notes/{first['id']}/comments", {"text": "A reply, deeper down"})
    bob.post(f"{KITCHEN}/notes/{knives}/comments", {"text": "Two"})

    shown = alice.get(f"{KITCHEN}/notes/{knives}/comments").json()

    assert [note["text"] for note in shown][-2:] == ["One", "Two"]
    assert {note["commentable_id"] for note in shown} == {knives}
    assert all(list(note) == KEYS for note in shown)
    created = [note["created_at"] for note in shown]
    assert created == sorted(created)


def test_a_comment_is_a_note_with_a_parent(bob, knives):
    response = bob.post(f"{KITCHEN}/notes/{knives}/comments", {"text": "Ten strokes?"})

    note = response.json()
    assert list(note) == KEYS
    assert (note["subtype"], note["commentable_type"]) == ("comment", "Note")
    assert note["commentable_id"] == knives
    assert response["Location"].endswith(f"{KITCHEN}/notes/{note['id']}")
    assert bob.get(f"{KITCHEN}/notes/{note['truncated_id']}").json() == note


def test_a_blank_comment_is_refused(bob, knives):
    response = bob.post(f"{KITCHEN}/notes/{knives}/comments", {"text": " "})

    assert error_of(response, 400) == "Validation failed: Text can't be blank"


@pytest.mark.parametrize("subtype", [{}, {"subtype": "comment"}])
def test_a_new_note_may_name_its_parent(bob, knives, subtype):
    body = {"text": "Here", "commentable_type": "Note", "commentable_id": knives[:8], **subtype}
    note = bob.post(f"{KITCHEN}/notes", body).json()

    assert (note["subtype"], note["commentable_id"]) == ("comment", knives)


@pytest.mark.parametrize("kind", ["Note", "Decision", "Commitment"])
def test_error_about_an_unknown_parent_names_its_kind(bob, kind):
    body = {"text": "", "commentable_type": kind, "commentable_id": "00000000"}

    assert error_of(bob.post(f"{KITCHEN}/notes", body), 404) == f"{kind} not found"


def test_parent_in_another_collective_is_not_found(bob, knives):
    body = {"text": "x", "commentable_type": "Note", "commentable_id": knives}

    assert error_of(bob.post(f"{BASE}/notes", body), 404) == "Note not found"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"commentable_type": "Poem"}, "Commentable type is not included in the list"),
        ({"commentable_type": None}, "Commentable type can't be blank"),
        ({"commentable_id": None}, "Commentable id can't be blank"),
        ({"commentable_id": 7}, "Commentable id must be a string"),
        ({"subtype": "text"}, "Subtype is not included in the list"),
    ],
)
def test_incomplete_parent_is_refused(bob, knives, change, sentence):
    body = {"text": "x", "commentable_type": "Note", "commentable_id": knives, **change}

    assert error_of(bob.post(f"{KITCHEN}/notes", body), 400) == f"Validation failed: {sentence}"


def test_comments_of_an_unknown_note_are_404(alice):
    path = f"{KITCHEN}/notes/00000000/comments"

    assert error_of(alice.get(path), 404) == "Not found"
    assert error_of(alice.post(path, {"text": "x"}), 404) == "Note not found"


def test_an_agent_needs_the_capability_to_comment(scout, world, knives):
    change(world.agent("scout"), capability_names=["create_note"])
    sentence = "Your capabilities do not include 'add_comment'"
    body = {"text": "x", "commentable_type": "Note", "commentable_id": knives}

    assert error_of(scout.post(f"{KITCHEN}/notes/{knives}/comments", body), 403) == sentence
    assert error_of(scout.post(f"{KITCHEN}/notes", body), 403) == sentence
    assert scout.post(f"{KITCHEN}/notes", {"text": "x"}).status_code == 200
