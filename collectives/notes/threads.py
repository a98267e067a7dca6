"""Threads: the comments below an item, in pages.

A page is made from a bounded number of rows. First the thread's order is read without its
texts, then the beginnings of the texts that the page shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from accounts.queries import People, Person
from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import Wanted, by_ids, comments_on, how_many
from harmonic.kernel.database.prepared import Parameter, Prepared, of_model
from harmonic.kernel.http import cursors
from harmonic.kernel.http.cursors import Order, Position
from harmonic.kernel.rendering.text import HTML_LIMIT

# Comments on a page, replies included.
PAGE = 50
# Rows of a thread that a page is made from.
LOOKED_AT = 500
# Characters of comments on a page; the page ends before the comment that exceeds them.
TEXT_ON_PAGE = 100_000
OLDEST = Order("created_at", is_descending=False)


class Row(NamedTuple):
    """A comment without its text."""

    id: UUID
    parent_id: UUID
    author_id: UUID
    created_at: datetime
    deleted_at: datetime | None

    @property
    def position(self) -> Position:
        return self.created_at, self.id


@dataclass(slots=True)
class Comment:
    """A comment with the replies to it at any depth, in one flat list.

    `more` is how many replies the page leaves out; the comment's own page has them.
    """

    note: Item
    path: str
    author: Person
    replying_to: str = ""
    replies: list[Comment] = field(default_factory=list)
    more: int = 0

    @property
    def text(self) -> str:
        return self.note.opening


@dataclass(frozen=True, slots=True)
class Thread:
    """A page of the comments under an item: top-level ones, oldest first.

    `count` is how many direct comments the item has. `next_cursor` is empty on the last page.
    `is_cut` tells that there may be replies that the page did not look at.
    """

    comments: list[Comment]
    count: int
    next_cursor: str
    is_first: bool
    is_cut: bool


@dataclass(slots=True)
class Branch:
    """A top-level comment and the replies to it that a page shows."""

    top: Row
    replies: list[Row]
    more: int = 0


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """What a page of a thread shows, before the names of its authors are known."""

    item: Item
    branches: list[Branch]
    rows: dict[UUID, Row]
    notes: dict[UUID, Item]
    count: int
    next_position: Position | None
    is_first: bool
    is_cut: bool

    @property
    def author_ids(self) -> set[UUID]:
        return {row.author_id for row in self.rows.values()}

    def thread(self, known: People, place_path: str) -> Thread:
        """Return the page's comments with the people of `known` as authors."""
        cursor = cursors.encode(self.next_position, _bound(self.item)) if self.next_position else ""
        comments = [self._branch(branch, known, place_path) for branch in self.branches]
        return Thread(comments, self.count, cursor, self.is_first, self.is_cut)

    def _branch(self, branch: Branch, known: People, place_path: str) -> Comment:
        comment = self._comment(branch.top, known, place_path)
        comment.more = branch.more
        for row in branch.replies:
            reply = self._comment(row, known, place_path)
            parent = self.rows[row.parent_id]
            if parent.id != branch.top.id:
                reply.replying_to = known[parent.author_id].handle
            comment.replies.append(reply)
        return comment

    def _comment(self, row: Row, known: People, place_path: str) -> Comment:
        note = self.notes[row.id]
        return Comment(note, note.path_in(place_path), known[row.author_id])


def thread_page(item: Item, cursor: str, *, has_previews: bool = False) -> ThreadPage:
    """Return the page of an item's thread that begins behind `cursor`.

    A cursor that cannot be read begins at the top. With `has_previews` the page shows a line
    of each comment, so that `TEXT_ON_PAGE` does not apply.
    """
    after = _position(item, cursor)
    found = _window(item, after)
    rows, is_cut = found[:LOOKED_AT], len(found) > LOOKED_AT
    tops = _tops(item, after) if is_cut else [row for row in rows if row.parent_id == item.id]
    branches, has_more = _branches(tops, rows, is_cut=is_cut)
    notes = _notes(branches)
    shown = branches if has_previews else _within_budget(branches, notes)
    last = shown[-1].top.position if shown else None
    is_whole = after is None and not is_cut
    alive = sum(row.deleted_at is None for row in tops)
    return ThreadPage(
        item=item,
        branches=shown,
        rows={row.id: row for row in [*rows, *tops]},
        notes=notes,
        count=alive if is_whole else how_many(comments_on(item.id)),
        next_position=last if has_more or len(shown) < len(branches) else None,
        is_first=after is None,
        is_cut=is_cut,
    )


def _bound(item: Item) -> str:
    return f"thread:{item.id}"


def _position(item: Item, cursor: str) -> Position | None:
    try:
        return cursors.decode(cursor, _bound(item)) if cursor else None
    except cursors.BadCursor:
        return None


# --- Reading --------------------------------------------------------------------------------


def _window(item: Item, after: Position | None) -> Sequence[Row]:
    """Return the rows of the thread from a position on, one more than a page looks at.

    Replies are never older than what they answer, so nothing below `item` is before it.
    """
    root = item.root_id or item.id
    return list(_ROWS.rows(LOOKED_AT + 1, root=root, **_since(item, after)))


def _tops(item: Item, after: Position | None) -> Sequence[Row]:
    """Return the direct comments from a position on, one more than a page shows."""
    return list(_ROWS.rows(PAGE + 1, **comments_on(item.id), **_since(item, after)))


def _since(item: Item, after: Position | None) -> Wanted:
    if after is None:
        return {"created_at__gte": item.created_at}
    return {"after": after[0], "after_id": after[1]}


def _rows(
    limit: int,
    *,
    after: datetime | None = None,
    after_id: UUID | None = None,
    **wanted: Parameter,
) -> QuerySet[Any, tuple[Any, ...]]:
    comments = Item.objects.filter(**wanted)
    if after and after_id:
        comments = comments.filter(OLDEST.beyond((after, after_id)))
    columns = comments.values_list("id", "parent", "created_by", "created_at", "deleted_at")
    return columns.order_by(*OLDEST.columns)[:limit]


_ROWS: Prepared[Row] = Prepared(_rows, Row._make)


def _notes(branches: Iterable[Branch]) -> dict[UUID, Item]:
    ids = tuple(row.id for branch in branches for row in [branch.top, *branch.replies])
    return {note.id: note for note in _OPENINGS.rows(**by_ids(ids))} if ids else {}


def _openings(**wanted: Parameter) -> QuerySet[Item]:
    comments: ItemQuerySet[Item] = Item.objects.filter(**wanted)
    return comments.opened(HTML_LIMIT + 1)


_OPENINGS = of_model(Item, _openings, ("cut_text",))


# --- Choosing -------------------------------------------------------------------------------


def _branches(
    tops: Sequence[Row], rows: Sequence[Row], *, is_cut: bool
) -> tuple[list[Branch], bool]:
    """Return the branches of a page, and whether more follow them."""
    below = _replies(tops, rows)
    branches: list[Branch] = []
    shown = 0
    for top in tops:
        replies = below[top.id]
        # A deleted comment stays while it has replies: they are never hidden.
        if top.deleted_at and not replies and not is_cut:
            continue
        if shown >= PAGE:
            return branches, True
        room = PAGE - shown - 1
        branches.append(Branch(top, replies[:room], len(replies[room:])))
        shown += 1 + len(replies[:room])
    return branches, False


def _replies(tops: Iterable[Row], rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    """Return all that follows each top-level comment, without recursion."""
    below: dict[UUID, list[Row]] = {top.id: [] for top in tops}
    top_of = {top_id: top_id for top_id in below}
    for row in rows:
        top = top_of.get(row.parent_id)
        if top is not None and row.id not in below:
            top_of[row.id] = top
            below[top].append(row)
    return below


def _within_budget(branches: Sequence[Branch], notes: dict[UUID, Item]) -> list[Branch]:
    """Return the branches whose text the page has room for; the first comment always."""
    left = TEXT_ON_PAGE
    shown: list[Branch] = []
    for branch in branches:
        left -= _length(notes[branch.top.id])
        if left < 0 and shown:
            break
        kept: list[Row] = []
        for row in branch.replies:
            left -= _length(notes[row.id])
            if left < 0:
                break
            kept.append(row)
        more = branch.more + len(branch.replies) - len(kept)
        shown.append(Branch(branch.top, kept, more))
    return shown


def _length(note: Item) -> int:
    return 0 if note.is_deleted else min(len(note.opening), HTML_LIMIT)
