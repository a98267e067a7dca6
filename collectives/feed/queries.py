"""Queries of feeds, which list the items of a collective, and of pinned items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from accounts.queries import Person, people
from collectives.cycles.windows import Cycle
from collectives.feed.entries import Entry, Span, newest_entries
from collectives.items import queries as items
from collectives.items.changes import Since, changes, since_page
from collectives.items.kinds import kind_named
from collectives.items.models import Item
from collectives.search.conditions import Conditions
from collectives.search.language.grammar import Query
from harmonic.kernel.access import Access
from harmonic.kernel.http import cursors
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.rendering.text import excerpt, preview

PAGE = 50
MARKDOWN_PAGE = 20
# The characters of a title and of a text in a row in Markdown.
TITLE_SHOWN = 100
TEXT_SHOWN = 120
# The characters of a row in Markdown with its line break: 60 tokens. The text is shortened for it.
ROW_SHOWN = 240
# What stands in every row around its kind, title, path, author, time, comments and text.
_ROW_FRAME = len("* ****: []() by []() (): \n")
_ROW_TIME = len("2026-05-13T20:00:00Z")


@dataclass(frozen=True, slots=True)
class Row:
    """An item of a feed."""

    kind: str
    title: str
    # The beginning of the text, without the first line if that is the title.
    excerpt: str
    path: str
    author: Person
    # When it was created; in a list of changes, when it changed.
    at: datetime
    number: int
    # The number that it should reach, if there is one.
    out_of: int | None
    number_word: str
    comments: int


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of a feed: its rows and the cursor of older ones, "" on the last page.

    `next_since` is the position after it in the changes of the collective, on the first page.
    """

    rows: list[Row]
    older: str
    is_first: bool
    next_since: str = ""


def limit_of(access: Access) -> int:
    """Return the number of rows on a page in the requested format."""
    return MARKDOWN_PAGE if access.format == Format.MARKDOWN else PAGE


def feed_of(
    access: Access, *, limit: int = PAGE, author: UUID | None = None, cycle: Cycle | None = None
) -> Feed:
    """Return the page of the collective's feed after the cursor in the query string.

    `author` restricts it to items of one user, and `cycle` to those of a cycle. An invalid cursor
    gives the first page.
    """
    here = access.required_place.id
    bound = f"feed:{here}:{author or ''}"
    if cycle:
        bound = f"{bound}:{cycle.name}"
    position = _position(access.query.get("cursor", ""), bound)
    span = Span(here, author, (cycle.start, cycle.end) if cycle else None)
    found = newest_entries(span, limit, position)
    older = cursors.encode(found.end, bound) if found.end else ""
    is_first = position is None
    # Only a whole feed shows everything up to a position in its changes.
    is_whole = is_first and cycle is None
    newest = found.newest_activity_at
    next_since = since_page(newest, found.items, access.now).cursor if is_whole else ""
    return Feed(_entry_rows(access, found.rows), older, is_first, next_since)


def _entry_rows(access: Access, entries: Sequence[Entry]) -> list[Row]:
    shown = {entry.item.id: entry.item for entry in entries}
    rows = dict(zip(shown, _rows(access, list(shown.values())), strict=True))
    return [
        _reminder_row(entry, rows[entry.item.id]) if entry.is_reminder else rows[entry.item.id]
        for entry in entries
    ]


def _reminder_row(entry: Entry, row: Row) -> Row:
    """Return the row of a reminder that was delivered, made from that of its note."""
    title = f"Reminder: {row.title}"
    return replace(
        row,
        kind="Reminder",
        title=title,
        excerpt="",
        at=entry.at,
        number=0,
        out_of=None,
        comments=0,
    )


def _position(cursor: str, bound: str) -> cursors.Position | None:
    try:
        return cursors.decode(cursor, bound) if cursor else None
    except cursors.BadCursor:
        return None


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """Rows of a collective that changed after a moment, oldest change first."""

    rows: list[Row]
    next_since: str
    has_more: bool


def changes_of(access: Access, since: Since) -> ChangedRows:
    """Return the rows of the collective that changed after a position, up to the page's length."""
    found = changes(access.required_place.id, since, limit=limit_of(access), now=access.now)
    rows = _rows(access, found.items, "last_activity_at")
    return ChangedRows(rows, found.following.cursor, found.has_more)


def search_feed(access: Access, query: Query) -> Feed:
    """Return the items of the collective's feed that a search finds, newest first."""
    bound = f"found:{access.required_place.id}"
    position = _position(access.query.get("cursor", ""), bound)
    limit = limit_of(access)
    here = Item.objects.filter(collective=access.required_place.id).alive().standalone()
    matching = here.filter(Conditions(access, query, access.required_place.id).whole)
    found = items.page_of(matching, items.NEWEST, limit, position)
    rows = _rows(access, items.in_feed(item_id for item_id, _ in found.rows))
    return Feed(rows, cursors.encode(found.end, bound) if found.end else "", position is None)


def _rows(access: Access, shown: Sequence[Item], at: str = "created_at") -> list[Row]:
    if not shown:
        return []
    known = people(item.created_by_id for item in shown)
    comments = items.comment_counts(item.id for item in shown)
    line = _markdown_line if access.format == Format.MARKDOWN else _html_line
    return [
        line(
            item,
            Row(
                kind=item.kind,
                title=item.shown_title,
                excerpt="",
                path=item.path_in(access.required_place.path),
                author=known[item.created_by_id],
                at=getattr(item, at),
                number=item.number,
                out_of=item.out_of,
                number_word=kind_named(item.kind).word_for(item.out_of or item.number),
                comments=comments.get(item.id, 0),
            ),
        )
        for item in shown
    ]


def _html_line(item: Item, row: Row) -> Row:
    """Return the row with the text without markup."""
    shown = excerpt(item.opening)
    return replace(row, excerpt=shown if item.title else shown.removeprefix(row.title).lstrip())


def _markdown_line(item: Item, row: Row) -> Row:
    """Return the row with the beginning of the text as it was written.

    Without a title of its own, the item has the beginning of its text only once.
    """
    if item.title:
        row = replace(row, title=preview(item.title, TITLE_SHOWN))
        return replace(row, excerpt=preview(item.opening, _room_for_text(row)))
    shown = preview(item.opening, TEXT_SHOWN)
    title = preview(item.shown_title, TEXT_SHOWN)
    return replace(row, title=title, excerpt=shown.removeprefix(title).lstrip())


def _room_for_text(row: Row) -> int:
    """Return the characters for the text, so that the row has at most `ROW_SHOWN`.

    There are at most `TEXT_SHOWN`, and never fewer than that together with the title.
    """
    author = f"{row.author.path}{row.author.name}"
    parent = f" for {row.author.parent_name}" if row.author.is_agent else ""
    comments = f", {row.comments} comments" if row.comments else ""
    taken = sum(map(len, (row.kind, row.title, row.path, author, parent, comments)))
    room = ROW_SHOWN - _ROW_FRAME - _ROW_TIME - taken
    return min(TEXT_SHOWN, max(room, TEXT_SHOWN - len(row.title)))


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
        Pinned(item.kind, item.shown_title, item.path_in(access.required_place.path), pin.pinned_at)
        for pin, item in items.pinned(access.required_place.id, person_id)
    ]
