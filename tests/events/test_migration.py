"""Migrating to events keeps every entry of history and can be reversed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db.models import F
from django.utils import timezone

from tests.fixtures.world import World, make_token, token_client
from tests.items.test_migration import migrate, rows_of

pytestmark = pytest.mark.postgres

BEFORE = [("events", None), ("items", "0002_fill_items")]
LINE = "id tenant_id item_id user_id event_type happened_at".split()
EVENT = "id tenant_id item_id actor_id verb happened_at".split()
VERBS = {"create": "created", "update": "updated", "read_confirmation": "confirmed"}


@pytest.fixture
def old(transactional_world: World) -> Iterator[Apps]:
    """Return the previous version's models, with the world's database migrated to it."""
    yield migrate(BEFORE)
    migrate()


def lines(apps: Apps) -> set[tuple[Any, ...]]:
    return rows_of(apps, "items", "HistoryEvent", *LINE)


def add_lines(apps: Any, world: World) -> None:
    """Write an entry of each type like the previous version, at times with microseconds."""
    # The current model has columns that this version lacks.
    note, bob = apps.get_model("items", "Item").objects.get(title="Knife care"), world.user("bob")
    for number, event_type in enumerate([*VERBS, "read_confirmation"]):
        happened_at: datetime = timezone.now() - timedelta(days=number)
        apps.get_model("items", "HistoryEvent").objects.create(
            id=uuid.uuid4(),
            tenant_id=note.tenant_id,
            item_id=note.id,
            user_id=bob.id,
            event_type=event_type,
            happened_at=happened_at.replace(microsecond=123_457),
        )


def test_every_line_of_history_is_an_event_with_its_id_and_time(
    old: Apps, transactional_world: World
) -> None:
    add_lines(old, transactional_world)
    before = lines(old)

    new = migrate()

    assert len(before) > 20
    assert rows_of(new, "events", "Event", *EVENT) == {
        (*row[:4], VERBS[row[4]], row[5]) for row in before
    }
    kept = new.get_model("events", "Event").objects
    assert set(kept.values_list("token_id", "metadata__text")) == {(None, None)}
    kinds = set(kept.values_list("subject", "item__kind"))
    assert ("note", "Note") in kinds
    assert all(subject == kind.lower() for subject, kind in kinds)
    assert not kept.exclude(collective=F("item__collective")).exists()


def test_a_migrated_database_takes_new_events(old: Apps, transactional_world: World) -> None:
    migrate()
    bob, note = token_client(make_token("bob")), transactional_world.note("Knife care")
    asked = f"/collectives/kitchen/api/v1/notes/{note.id}"

    before = bob.get(f"{asked}?include=history_events").json()["history_events"]
    bob.patch(asked, {"text": "New words"}, "application/json")
    after = bob.get(f"{asked}?include=history_events").json()["history_events"]

    assert after[:-1] == before
    assert after[-1]["event_type"] == "update"


def test_reversing_the_migration_keeps_the_history(transactional_world: World) -> None:
    events = rows_of(migrate(), "events", "Event", *EVENT)
    shown = {row for row in events if row[2] is not None and row[4] in VERBS.values()}

    old = migrate(BEFORE)

    found = {(*row[:4], VERBS[row[4]], row[5]) for row in lines(old)}
    migrate()
    assert found == shown
    assert len(events) > len(shown) > 20
