"""Feeds: what is new in a collective, newest first, in pages; and what is pinned there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.queries import Person, people
from collectives.models import Pin
from collectives.notes import queries as notes
from collectives.notes.models import Note
from harmonic.kernel import cursors
from harmonic.kernel.access import Access
from harmonic.kernel.text import preview

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
    stretch = notes.newest([access.here.id], limit=limit, after=position, author=author)
    older = cursors.encode(stretch.next_position, bound) if stretch.next_position else ""
    return Feed(_rows(access, stretch.notes), older, position is None)


def _position(cursor: str, bound: str) -> cursors.Position | None:
    try:
        return cursors.decode(cursor, bound) if cursor else None
    except cursors.BadCursor:
        return None


def _rows(access: Access, shown: list[Note]) -> list[Row]:
    known = people(note.created_by_id for note in shown)
    comments = notes.comment_counts(note.id for note in shown)
    return [
        Row(
            kind=Note.ITEM_TYPE,
            title=note.shown_title,
            first_line=preview(note.text),
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
    pins = list(
        Pin.objects.filter(collective=access.here.id, person=person_id).order_by(
            "-pinned_at", "-id"
        )[: Pin.MAX_PER_PLACE]
    )
    items = _notes_by_id(pin.item_id for pin in pins)
    return [
        Pinned(Note.ITEM_TYPE, item.shown_title, item.path_in(access.here.path), pin.pinned_at)
        for pin in pins
        if (item := items.get(pin.item_id))
    ]


def _notes_by_id(ids: Iterable[UUID]) -> dict[UUID, Note]:
    wanted = list(ids)
    if not wanted:
        return {}
    rows = Note.objects.alive().filter(id__in=wanted)
    return {note.id: note for note in rows}
