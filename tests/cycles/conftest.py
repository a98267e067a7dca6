"""Fixtures of cycles: notes with given times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from collectives.items.models import Item
from collectives.notes.models import Note
from tests.fixtures.rows import change
from tests.fixtures.surfaces import REST, Caller
from tests.fixtures.world import World

KITCHEN = "/collectives/kitchen"
Write = Callable[..., Note]


@pytest.fixture
def write(world: World) -> Write:
    """Write a note and store its times: `write("Due later", created, deadline=later)`."""

    def wrote(title: str, created: datetime, *, by: str = "bob", **columns: Any) -> Note:
        answer = Caller(REST, by).act("create_note", KITCHEN, title=title, text=title)
        note = Note.unscoped.get(id=answer.assert_done().json["id"])
        times = {"created_at": created, "updated_at": created, "deadline": created}
        change(note, **{**times, **columns})
        return note

    return wrote


@pytest.fixture
def empty_kitchen(world: World) -> None:
    """Delete the demo world's items, so that a test sees only its own."""
    items = Item.unscoped.filter(collective=world.collective("kitchen"))
    items.update(deleted_at=world.now)
