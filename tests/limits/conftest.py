"""Fixtures that write many or large notes and comments."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import caches
from django.test import Client, override_settings
from django.utils import timezone

from collectives.notes.models import Note
from harmonic.kernel.rendering.rendered import CACHE, _short

KITCHEN = "/collectives/kitchen"
REST = f"{KITCHEN}/api/v1"
MEGABYTE = 1_000_000
# Comments of a thread are a second apart, starting in the past. Pages show how long ago that was,
# which must not change between two requests: exactly a day ago, it changes from 23 hours to a day.
LONG_AGO = timedelta(days=1, hours=12)

Write = Callable[..., list[Note]]


def row_of(parent: Note, text: str, number: int, answered: Note | None = None) -> Note:
    """Return an unsaved comment, `number` seconds after the first."""
    note_id = uuid.uuid4()
    moment = timezone.now() - LONG_AGO + timedelta(seconds=number)
    return Note(
        id=note_id,
        truncated_id=str(note_id)[: Note.SHORT],
        tenant_id=parent.tenant_id,
        collective_id=parent.collective_id,
        subtype=Note.Subtype.COMMENT,
        text=text,
        parent_id=(answered or parent).id,
        root_id=parent.root_id or parent.id,
        created_by_id=parent.created_by_id,
        updated_by_id=parent.created_by_id,
        deadline=moment,
        created_at=moment,
        updated_at=moment,
    )


@pytest.fixture
def note(world: Any) -> Note:
    """Return a note of the kitchen without comments, older than all comments of these tests."""
    made: Note = world.note("Knife care")
    Note.unscoped.filter(root=made.id).delete()
    Note.unscoped.filter(id=made.id).update(created_at=timezone.now() - 2 * LONG_AGO)
    made.refresh_from_db()
    return made


@pytest.fixture
def comment_on() -> Write:
    """Write `count` comments on a note or comment; `{}` is replaced by the number."""

    def write(
        parent: Note, count: int, text: str = "Comment {}", *, to: Note | None = None, at: int = 0
    ) -> list[Note]:
        rows = [row_of(parent, text.format(n), at + n, to) for n in range(count)]
        return list(Note.unscoped.bulk_create(rows))

    return write


@pytest.fixture
def write_notes(world: Any) -> Write:
    """Write `count` notes in the kitchen, newest first."""

    def write(count: int, text: str) -> list[Note]:
        like = world.note("Knife care")
        rows = [row_of(like, text.format(n), -n) for n in range(count)]
        for row in rows:
            row.subtype, row.parent_id, row.root_id = Note.Subtype.TEXT, None, None
        return list(Note.unscoped.bulk_create(rows))

    return write


@pytest.fixture
def fresh_cache(tmp_path: Any) -> Iterator[None]:
    """Store rendered texts in a folder of the test."""
    in_folder = settings.CACHES[CACHE] | {"LOCATION": tmp_path / "rendered"}
    _short.cache_clear()
    with override_settings(CACHES=settings.CACHES | {CACHE: in_folder}):
        yield
    caches[CACHE].clear()
    _short.cache_clear()


def post(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(path, json.dumps(body), "application/json", headers=headers)
