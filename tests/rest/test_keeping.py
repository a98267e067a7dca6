"""Pinning and restoring notes, and errors about deleted notes."""

from __future__ import annotations

import re
from datetime import timedelta
from unittest.mock import ANY

import pytest

from collectives.items.models import Pin
from collectives.models import CollectiveMember
from collectives.notes.models import Note
from tests.rest.conftest import BASE, KITCHEN, error_of

KNIFE, WELCOME = "Knife care", "Welcome to the kitchen"


@pytest.fixture
def knife(note_id):
    """A note of Bob's."""
    return f"{KITCHEN}/notes/{note_id(KNIFE)}"


# --- Pins -----------------------------------------------------------------------------------


def test_pinning_returns_the_note_and_unpinning_too(alice, knife):
    shown = alice.get(knife).json()

    assert alice.post(f"{knife}/pin").json() == shown
    assert Pin.unscoped.filter(item=shown["id"]).exists()
    assert alice.post(f"{knife}/unpin").json() == shown
    assert not Pin.unscoped.filter(item=shown["id"]).exists()


def test_a_pin_in_the_main_collective_is_on_the_callers_profile(alice, note_id):
    path = f"{BASE}/notes/{note_id('The garden opens at eight')}"

    assert alice.post(f"{path}/pin").status_code == 200
    pinned = alice.get(f"{BASE}/users/me").json()["pinned_items"]
    assert "The garden opens at eight" in {each["item"]["title"] for each in pinned}


@pytest.mark.parametrize("verb", ["pin", "unpin", "restore"])
def test_pins_and_restoring_need_the_scope_to_update_notes(rest, knife, verb):
    refused = rest("alice", scopes=["read:all", "create:all"]).post(f"{knife}/{verb}")

    assert error_of(refused, 403) == "You do not have permission to perform that action"
    assert 'scope="update:notes"' in refused["WWW-Authenticate"]
    assert rest("alice", scopes=["update:notes"]).post(f"{knife}/{verb}").status_code == 200


@pytest.mark.parametrize("verb", ["pin", "unpin", "restore"])
def test_a_non_member_pins_and_restores_nothing(carol, knife, verb):
    assert error_of(carol.post(f"{knife}/{verb}"), 403) == "You are not a member of this collective"


@pytest.mark.parametrize("verb", ["pin", "unpin", "restore"])
def test_an_unknown_note_is_not_found(alice, verb):
    response = alice.post(f"{KITCHEN}/notes/00000000/{verb}")

    assert error_of(response, 404) == "Note not found"
    assert response.json()["code"] == "not_found"


def test_the_limit_of_pins_is_400(alice, knife, monkeypatch):
    monkeypatch.setattr(Pin, "MAX_PER_PLACE", 0)

    assert error_of(alice.post(f"{knife}/pin"), 400) == "Maximum of 0 pins reached."


# --- Deleted notes --------------------------------------------------------------------------


def test_a_deleted_note_is_restored(alice, bob, knife):
    shown = alice.get(knife).json()
    alice.delete(knife)

    restored = bob.post(f"{knife}/restore").json()

    # Restoring is an activity of the note.
    assert restored.pop("last_activity_at") > shown.pop("last_activity_at")
    assert restored == shown
    assert alice.get(knife).json() == {**shown, "last_activity_at": ANY}


REQUESTS = [("get", ""), ("patch", ""), ("delete", ""), ("get", "/comments"), ("post", "/comments")]
VERBS = [("post", f"/{verb}") for verb in ("confirm", "pin", "unpin")]


@pytest.mark.parametrize(("method", "below"), [*REQUESTS, *VERBS])
def test_a_deleted_note_is_404_with_the_code_deleted(alice, knife, method, below):
    alice.delete(knife)
    sent = {"text": "x"} if method in {"post", "patch"} else None

    response = getattr(alice, method)(f"{knife}{below}", *([sent] if sent else []))

    assert error_of(response, 404) in {"Not found", "Note not found"}
    assert response.json()["code"] == "deleted"
    assert "can restore it until" in response.json()["hint"]


@pytest.mark.parametrize(
    ("author", "named"), [("bob", ["bob", "alice"]), ("alice", ["alice"]), ("scout", ["alice"])]
)
def test_everyone_named_can_restore_a_deleted_note(rest, world, author, named):
    agent = {"agent": "scout"} if author == "scout" else {}
    path = rest("alice" if agent else author, **agent).post(f"{KITCHEN}/notes", {"text": "x"})
    note = f"{KITCHEN}/notes/{path.json()['truncated_id']}"

    for handle in named:
        rest("alice").delete(note)
        hint = rest("alice").get(note).json()["hint"]
        assert re.findall(r"@(\w+)", hint) == named
        restore = re.search(r"POST (\S+),", hint)
        assert restore is not None
        assert rest(handle).post(restore[1]).status_code == 200


def test_a_former_member_is_not_named(alice, world, knife):
    alice.delete(knife)
    left = CollectiveMember.unscoped.filter(person=world.person("bob"))
    left.filter(collective=world.collective("kitchen")).update(archived_at=world.now)

    assert re.findall(r"@(\w+)", alice.get(knife).json()["hint"]) == ["alice"]


def test_after_thirty_days_the_hint_names_nobody(alice, world, knife, note_id):
    alice.delete(knife)
    over = world.now - timedelta(days=1)
    Note.unscoped.filter(truncated_id=note_id(KNIFE)[:8]).update(hard_delete_after=over)

    body = alice.get(knife).json()

    assert body["code"] == "deleted"
    assert body["hint"] == "This note was deleted more than 30 days ago and cannot be restored."
    assert alice.post(f"{knife}/restore").status_code == 403


def test_a_deleted_note_of_another_collective_is_not_found(alice, carol, knife, note_id):
    alice.delete(knife)

    response = alice.get(f"{BASE}/notes/{note_id(KNIFE)}")

    assert (error_of(response, 404), response.json()["code"]) == ("Not found", "not_found")
    assert error_of(carol.get(knife), 403) == "You are not a member of this collective"


def test_an_agent_restores_nothing(scout, alice, knife):
    alice.delete(knife)

    assert error_of(scout.post(f"{knife}/restore"), 403)
