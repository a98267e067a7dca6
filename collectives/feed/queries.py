"""Feeds: what is new in a collective, newest first, in pages; and what is pinned there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.queries import Person, people
from collectives.models import Pin
from collectives.notes import queries as notes
from collectives.notes.models import Note
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import Parameter, of_model
from harmonic.kernel.http import cursors
from harmonic.kernel.rendering.text import excerpt

PAGE = 50
MARKDOWN_PAGE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """An item of a feed."""

    kind: str
    title: str
    first_line: str
    path: str
    author: Person
    created_at: datetime
    number: int
    number_word: str
    comments: int


@dataclass(frozen=True, slots=True)
class Feed:
    rows: list[Row]
    older: str
    is_first: bool


def feed_of(access: Access, *, limit: int = PAGE, author: UUID | None = None) -> Feed:
    """Return a page of the collective's feed, from the cursor of the query string.

    With `author`, only what that user wrote.

    A cursor that cannot be read begins at the top.
    """
    bound = f"feed:{access.here.id}:{author or ''}"
    position = _position(access.query.get("cursor", ""), bound)
    found = notes.newest(access.here.id, limit=limit, after=position, author=author)
    older = cursors.encode(found.end, bound) if found.end else ""
    return Feed(_rows(access, found.rows), older, position is None)


def _position(cursor: str, bound: str) -> cursors.Position | None:
    try:
        return cursors.decode(cursor, bound) if cursor else None
    except cursors.BadCursor:
        return None


def _rows(access: Access, shown: Sequence[Note]) -> list[Row]:
    known = people(note.created_by_id for note in shown)
    comments = notes.comment_counts(note.id for note in shown)
    return [
        Row(
            kind=Note.ITEM_TYPE,
            title=note.shown_title,
            first_line=excerpt(note.opening),
            path=note.path_in(access.here.path),
            author=known[note.created_by_id],
            created_at=note.created_at,
            number=note.confirmed_reads,
            number_word="read" if note.confirmed_reads == 1 else "reads",
            comments=comments.get(note.id, 0),
        )
        for note in shown
    ]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pinned item, as the collective's page lists it."""

    kind: str
    title: str
    path: str
    pinned_at: datetime


def pinned(access: Access, person_id: UUID | None) -> list[Pinned]:
    """Return what is pinned here, latest first; `person_id` whose pins in the main one."""
    whose = {} if person_id is None else {"person": person_id}
    pins = list(_PINS.rows(person_id is None, collective=access.here.id, **whose))
    items = notes.living(pin.item_id for pin in pins)
    return [
        Pinned(Note.ITEM_TYPE, item.shown_title, item.path_in(access.here.path), pin.pinned_at)
        for pin in pins
        if (item := items.get(pin.item_id))
    ]


def _pins(is_for_all: bool, **wanted: Parameter) -> QuerySet[Pin]:
    pins = Pin.objects.filter(**wanted)
    if is_for_all:
        pins = pins.filter(person=None)
    return pins.order_by("-pinned_at", "-id")[: Pin.MAX_PER_PLACE]


_PINS = of_model(Pin, _pins)
