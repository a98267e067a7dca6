"""Queries of feeds, which list the items of a collective, and of pinned items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.queries import Person, people
from collectives.items import queries as items
from collectives.items.kinds import kind_named
from collectives.items.models import Item
from harmonic.kernel.access import Access
from harmonic.kernel.http import cursors
from harmonic.kernel.rendering.text import excerpt

PAGE = 50
MARKDOWN_PAGE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """An item of a feed."""

    kind: str
    title: str
    # The beginning of the text, without the first line if that is the title.
    excerpt: str
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
    """Return the page of the collective's feed after the cursor in the query string.

    `author` restricts it to items of one user. An invalid cursor gives the first page.
    """
    bound = f"feed:{access.here.id}:{author or ''}"
    position = _position(access.query.get("cursor", ""), bound)
    found = items.newest(access.here.id, limit=limit, after=position, author=author)
    older = cursors.encode(found.end, bound) if found.end else ""
    return Feed(_rows(access, found.rows), older, position is None)


def _position(cursor: str, bound: str) -> cursors.Position | None:
    try:
        return cursors.decode(cursor, bound) if cursor else None
    except cursors.BadCursor:
        return None


def _rows(access: Access, shown: Sequence[Item]) -> list[Row]:
    known = people(item.created_by_id for item in shown)
    comments = items.comment_counts(item.id for item in shown)
    return [
        Row(
            kind=item.kind,
            title=item.shown_title,
            excerpt=_excerpt(item),
            path=item.path_in(access.here.path),
            author=known[item.created_by_id],
            created_at=item.created_at,
            number=item.number,
            number_word=kind_named(item.kind).word_for(item.number),
            comments=comments.get(item.id, 0),
        )
        for item in shown
    ]


def _excerpt(item: Item) -> str:
    shown = excerpt(item.opening)
    return shown.removeprefix(item.shown_title).lstrip() if not item.title else shown


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pinned item in a list."""

    kind: str
    title: str
    path: str
    pinned_at: datetime


def pinned(access: Access, person_id: UUID | None) -> list[Pinned]:
    """Return pinned items, latest first. In the main collective they are those of `person_id`."""
    return [
        Pinned(item.kind, item.shown_title, item.path_in(access.here.path), pin.pinned_at)
        for pin, item in items.pinned(access.here.id, person_id)
    ]
