"""The migration that adds `last_activity_at` fills it from notes and comments, and can go back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from collectives.items.models import Item
from tests.fixtures.world import World

pytestmark = pytest.mark.postgres


def migrate(*targets: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


@pytest.fixture
def before(transactional_world: World) -> Any:
    """A database of the previous version, with a comment newer than its note."""
    world = transactional_world
    note, other = world.note("Welcome to the kitchen"), world.note("Knife care")
    item = Item.unscoped.get(id=note.id)
    item.id, item.truncated_id, item.subtype = None, "00000001", "comment"
    item._state.adding = True
    item.parent_id = item.root_id = note.id
    item.created_at = item.updated_at = world.now + timedelta(days=1)
    item.kind = note.kind
    Item.unscoped.bulk_create([item])
    Item.unscoped.filter(id=other.id).update(updated_at=world.now - timedelta(days=3))
    migrate(("items", "0003_remove_history_event"))
    yield world
    migrate()


def test_the_last_activity_is_the_newest_change_of_the_note_or_its_comments(before):
    migrate()

    moments = {
        title: Item.unscoped.get(id=before.note(title).id).last_activity_at - before.now
        for title in ("Welcome to the kitchen", "Knife care")
    }
    assert moments == {
        "Welcome to the kitchen": timedelta(days=1),
        "Knife care": -timedelta(days=3),
    }
