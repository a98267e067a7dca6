"""Migrating to items keeps every id, path and time, and can be reversed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from collectives.items.models import Item
from tests.fixtures.world import World, make_token, token_client

pytestmark = pytest.mark.postgres

BEFORE = [
    ("collectives", "0004_invite_revoked"),
    ("items", None),
    ("notes", "0002_size_and_indexes"),
]
HEARTBEATS = "/collectives/kitchen/heartbeats"
PATHS = [
    "/collectives/kitchen.md",
    "/u/bob.md",
    "/collectives/kitchen/api/v1/notes?include=comments,history_events&count=true",
    "/collectives/kitchen/api/v1/notes?subtype=comment&limit=200",
    "/api/v1/notes?scope=all&limit=200",
    "/api/v1/users/bob",
]
SAME = (
    "id tenant_id truncated_id collective_id subtype edit_access title text deadline"
    " created_by_id updated_by_id created_at updated_at deleted_at deleted_by_id hard_delete_after"
).split()


def migrate(targets: Any = None) -> Apps:
    """Migrate to `targets`, or to the newest state; return the models of that state."""
    executor = MigrationExecutor(connection)
    targets = targets or executor.loader.graph.leaf_nodes()
    executor.migrate(targets)
    reached = [target for target in targets if target[1]]
    apps: Apps = MigrationExecutor(connection).loader.project_state(reached).apps
    return apps


@pytest.fixture
def old(transactional_world: World) -> Iterator[Apps]:
    """Return the previous version's models, with the world's database migrated to it."""
    yield migrate(BEFORE)
    migrate()


def drop_what_is_newer() -> None:
    """Delete the rows that the previous version had no tables for: migrating back loses them."""
    executor = MigrationExecutor(connection)
    lost = {each.app_label for each, _ in executor.migration_plan(BEFORE) if each.initial}
    executor.migrate([(app, None) for app in lost - {"items", "events"}])
    migrate()
    Item.unscoped.filter(root__isnull=False).exclude(root__kind="Note").delete()
    Item.unscoped.exclude(kind="Note").delete()


def rows_of(apps: Apps, app: str, model: str, *columns: str) -> set[tuple[Any, ...]]:
    """Return rows in full, by their values."""
    return set(apps.get_model(app, model).objects.values_list(*columns))


def contents(apps: Apps) -> list[set[tuple[Any, ...]]]:
    """Return the previous version's notes, history and pins."""
    parents = "commentable_type commentable_id thread_type thread_id".split()
    return [
        rows_of(apps, "notes", "Note", *SAME, *parents),
        rows_of(apps, "notes", "NoteHistoryEvent", *HISTORY, "note_id"),
        rows_of(apps, "collectives", "Pin", *PIN, "item_type"),
    ]


HISTORY = "id tenant_id user_id event_type happened_at".split()
EVENT = "id tenant_id actor_id verb happened_at item_id".split()
VERBS = {"create": "created", "update": "updated", "read_confirmation": "confirmed"}
PIN = "id tenant_id collective_id person_id item_id pinned_at".split()


class Old:
    """Writes rows like the previous version."""

    def __init__(self, apps: Any, world: World) -> None:
        self.note_model = apps.get_model("notes", "Note")
        self.event_model = apps.get_model("notes", "NoteHistoryEvent")
        self.pin_model = apps.get_model("collectives", "Pin")
        self.alice, self.bob = world.user("alice").id, world.user("bob").id
        self.kitchen, self.main = world.collective("kitchen"), world.collective("garden")
        self.person_id = world.person("bob").id
        self.now = timezone.now()

    def note(self, **values: Any) -> Any:
        note_id = uuid.uuid4()
        usual = {
            "id": note_id,
            "truncated_id": str(note_id)[:8],
            "tenant_id": self.kitchen.tenant_id,
            "collective_id": self.kitchen.id,
            "text": f"Text of {note_id}",
            "deadline": self.now,
            "created_by_id": self.alice,
            "updated_by_id": self.alice,
            "created_at": self.moment(1),
            "updated_at": self.moment(1),
        }
        return self.note_model.objects.create(**{**usual, **values})

    def comment(self, on: Any, **values: Any) -> Any:
        return self.note(
            subtype="comment",
            commentable_type="Note",
            commentable_id=on.id,
            thread_type="Note",
            thread_id=on.thread_id or on.id,
            **values,
        )

    def moment(self, days: int) -> datetime:
        """Return a time some days ago, down to its last microsecond."""
        return (self.now - timedelta(days=days)).replace(microsecond=123_457)

    def event(self, note: Any, event_type: str, user_id: Any = None, days: int = 1) -> None:
        self.event_model.objects.create(
            tenant_id=note.tenant_id,
            note_id=note.id,
            user_id=user_id or self.alice,
            event_type=event_type,
            happened_at=self.moment(days),
        )

    def pin(self, note_id: Any, **values: Any) -> None:
        usual = {"collective_id": self.kitchen.id, "pinned_at": self.moment(2)}
        self.pin_model.objects.create(
            tenant_id=self.kitchen.tenant_id,
            item_type="Note",
            item_id=note_id,
            **{**usual, **values},
        )

    def of_every_shape(self) -> dict[str, Any]:
        """Write notes, comments, history and pins of every shape, and return some of them."""
        deletion = {
            "deleted_at": self.now,
            "deleted_by_id": self.bob,
            "hard_delete_after": self.now + timedelta(days=30),
        }
        whole = self.note(title="Whole", edit_access="members", deadline=self.moment(-9))
        untitled = self.note(collective_id=self.main.id, updated_by_id=self.bob)
        deleted = self.note(title="Gone", **deletion)
        reply = self.comment(self.comment(whole), title="A title", created_by_id=self.bob)
        orphan = self.comment(self.comment(deleted), **deletion)
        for kind in ("create", "update", "read_confirmation"):
            self.event(whole, kind)
        self.event(whole, "read_confirmation", self.bob, days=0)
        self.event(whole, "read_confirmation", self.bob, days=1)
        self.event(deleted, "create")
        self.event(reply, "read_confirmation")
        self.pin(whole.id)
        self.pin(reply.id)
        self.pin(untitled.id, collective_id=self.main.id, person_id=self.person_id)
        return {"whole": whole, "deleted": deleted, "reply": reply, "orphan": orphan}


def test_migrating_keeps_the_values_of_every_row(old: Apps, transactional_world: World) -> None:
    Old(old, transactional_world).of_every_shape()
    notes, history, pins = contents(old)

    new = migrate()

    assert rows_of(new, "notes", "Note", *SAME, "kind", "parent__kind", "parent_id") == {
        (*row[: len(SAME)], "Note", row[-4] or None, row[-3]) for row in notes
    }
    assert rows_of(new, "notes", "Note", "id", "root_id") == {(row[0], row[-1]) for row in notes}
    events = rows_of(new, "events", "Event", *EVENT, "subject")
    assert events == {(*row[:3], VERBS[row[3]], *row[4:], "note") for row in history}
    places = {(row[0], row[3]) for row in notes}
    assert rows_of(new, "events", "Event", "item_id", "collective_id") <= places
    assert rows_of(new, "items", "Pin", *PIN, "item__kind") == pins
    assert len(notes) > 20
    assert len(history) > 20
    assert len(pins) >= 3


def test_responses_are_the_same_after_migrating_back_and_forth(transactional_world: World) -> None:
    drop_what_is_newer()
    alice = token_client(make_token("alice"))
    # Documents name the time at which they were made.
    with time_machine.travel(timezone.now(), tick=False):
        alice.post(HEARTBEATS)  # the home of a collective shows its content after one only
        before = {path: alice.get(path).content for path in PATHS}

        migrate(BEFORE)
        migrate()
        alice.post(HEARTBEATS)

        for path, content in before.items():
            assert alice.get(path).content == content, path


def test_migrated_notes_are_found_commented_and_restored(
    old: Apps, transactional_world: World
) -> None:
    rows = Old(old, transactional_world).of_every_shape()
    migrate()
    alice, base = token_client(make_token("alice")), "/collectives/kitchen"

    page = alice.get(f"{base}/n/{rows['whole'].truncated_id}.md").content.decode()
    reply = alice.get(f"{base}/api/v1/notes/{rows['reply'].id}").json()
    body = {"text": "Still here", "commentable_type": "Note", "commentable_id": reply["id"]}
    made = alice.post(f"{base}/api/v1/notes", body, "application/json").json()

    assert page.count(rows["reply"].truncated_id) >= 1
    assert reply["commentable_type"] == "Note"
    assert made["commentable_id"] == reply["id"]
    assert alice.get(f"{base}/api/v1/notes/{rows['deleted'].id}").status_code == 404
    restored = alice.post(f"{base}/n/{rows['deleted'].truncated_id}/actions/restore_note")
    assert restored.status_code == 200
    assert alice.get(f"{base}/api/v1/notes/{rows['deleted'].id}").status_code == 200


def test_migrating_drops_pins_of_missing_items(old: Apps, transactional_world: World) -> None:
    missing = uuid.uuid4()
    Old(old, transactional_world).pin(missing)

    new = migrate()

    assert not new.get_model("items", "Pin").objects.filter(item_id=missing).exists()


def test_reversing_the_migration_restores_every_row(old: Apps, transactional_world: World) -> None:
    Old(old, transactional_world).of_every_shape()
    before = contents(old)
    migrate()

    again = migrate(BEFORE)

    assert contents(again) == before
