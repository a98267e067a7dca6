"""The last activity of notes."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from collectives.items.models import Item
from tests.rest.conftest import KITCHEN

NOTES = f"{KITCHEN}/notes"


@pytest.fixture
def quiet(world):
    """Set all times in the world to a day ago."""
    yesterday = world.now - timedelta(days=1)
    Item.unscoped.update(created_at=yesterday, updated_at=yesterday, last_activity_at=yesterday)


@pytest.fixture
def since(world, quiet):
    return (world.now - timedelta(hours=1)).isoformat()


@pytest.fixture
def knife(note_id):
    return f"{NOTES}/{note_id('Knife care')}"


def new(program, since):
    rows = program.get(NOTES, updated_after=since, sort_by="last_activity_at-desc").json()
    return [row["title"] for row in rows]


def test_nothing_is_new_at_first(alice, since):
    assert new(alice, since) == []


def test_a_new_comment_makes_its_note_new(alice, bob, since, knife):
    before = alice.get(knife).json()

    bob.post(f"{knife}/comments", {"text": "Ten strokes."})

    after = alice.get(knife).json()
    assert new(alice, since) == ["Knife care"]
    assert after["last_activity_at"] > before["last_activity_at"]
    assert after["updated_at"] == before["updated_at"]


def test_a_reply_at_any_depth_makes_the_note_at_the_top_new(alice, bob, since, knife):
    path = knife
    for _ in range(3):
        path = f"{NOTES}/{bob.post(f'{path}/comments', {'text': 'And on.'}).json()['id']}"

    assert new(alice, since) == ["Knife care"]


def test_a_changed_comment_makes_its_note_new(alice, bob, world, knife, quiet):
    comment = bob.post(f"{knife}/comments", {"text": "Ten strokes."}).json()["id"]

    with time_machine.travel(world.now + timedelta(hours=2)):
        bob.patch(f"{NOTES}/{comment}", {"text": "Twelve strokes."})
        later = (world.now + timedelta(hours=1)).isoformat()
        assert new(alice, later) == ["Knife care"]


def test_a_changed_note_is_new(alice, since, note_id):
    alice.patch(f"{NOTES}/{note_id('Welcome to the kitchen')}", {"title": "Welcome"})

    assert new(alice, since) == ["Welcome"]


def test_confirming_a_note_does_not_make_it_new(alice, since, knife):
    alice.post(f"{knife}/confirm")

    assert new(alice, since) == []


def test_a_note_with_a_new_comment_is_not_in_a_list_of_older_ones(alice, bob, since, knife):
    bob.post(f"{knife}/comments", {"text": "Ten strokes."})

    titles = [row["title"] for row in alice.get(NOTES, updated_before=since).json()]

    assert "Knife care" not in titles
    assert "Welcome to the kitchen" in titles


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_lists_are_sorted_by_the_last_activity(alice, bob, world, direction, knife):
    with time_machine.travel(world.now + timedelta(hours=1)):
        bob.post(f"{knife}/comments", {"text": "Ten strokes."})

    rows = alice.get(NOTES, sort_by=f"last_activity_at-{direction}").json()
    moments = [row["last_activity_at"] for row in rows]

    assert moments == sorted(moments, reverse=direction == "desc")
    assert rows[0 if direction == "desc" else -1]["title"] == "Knife care"


def test_pages_by_the_last_activity_have_every_note_once(alice, quiet):
    path, ids = f"{NOTES}?sort_by=last_activity_at-desc&limit=1", []
    while path:
        response = alice.get(path)
        ids += [row["id"] for row in response.json()]
        link = response["Link"].partition('>; rel="next"')
        path = link[0].rpartition("<")[2].removeprefix("http://garden.localhost") if link[1] else ""

    assert len(ids) == len(set(ids)) == len(alice.get(NOTES).json())
