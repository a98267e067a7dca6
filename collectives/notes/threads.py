"""Threads: pages of the comments below an item.

A page shows direct comments, oldest first, and below each of them its replies at any depth in
one list. It counts and links what it leaves out: further replies are on the page of their comment,
further comments on the next page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from accounts.queries import People, Person
from collectives.items.kind_queries import NO_MOMENT
from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import by_ids, comments_on, count_matching, root_of
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import QueryValue, of_model
from harmonic.kernel.database.tenancy import NO_ID, bound_tenant_id
from harmonic.kernel.http import cursors
from harmonic.kernel.http.cursors import Order, Position
from harmonic.kernel.rendering.text import HTML_LIMIT, preview, truncate

# The number of comments on a page, including replies.
PAGE = 50
# The number of replies that a page counts exactly. Above it, the page shows "At least".
MAX_COUNTED_REPLIES = 10_000
# The characters of comments on a page, which ends before the comment that exceeds them.
TEXT_ON_PAGE = 100_000
OLDEST = Order("created_at", is_descending=False)


@dataclass(slots=True)
class Comment:
    """A comment with its replies at any depth in one flat list.

    `replying_to` is the author of the reply that this reply is to. It is None if this replies
    to the comment above or to a deleted reply. `more` is the number of replies that the page
    leaves out and the comment's own page shows.
    """

    note: Item
    path: str
    author: Person
    replying_to: Person | None = None
    is_to_deleted: bool = False
    is_marked: bool = False
    replies: list[Comment] = field(default_factory=list)
    more: int = 0

    @property
    def text(self) -> str:
        return self.note.opening

    @property
    def is_cut(self) -> bool:
        """Return whether a thread shows only the beginning of the text."""
        return len(self.text) > HTML_LIMIT

    @property
    def shown_text(self) -> str:
        return truncate(self.text, HTML_LIMIT)[0]

    @property
    def has_shortened(self) -> bool:
        """Return whether the preview of this comment or of a reply is incomplete."""
        texts = [comment.text for comment in (self, *self.replies) if not comment.note.is_deleted]
        return any(preview(text) != text.strip() for text in texts)


@dataclass(frozen=True, slots=True)
class Thread:
    """A page of the direct comments on an item, oldest first.

    `count` is the number of direct comments on the item, and `left` the number of those after this
    page. `next_cursor` is empty on the last page. With `is_long` the numbers of further replies are
    lower bounds.
    """

    comments: list[Comment]
    count: int
    left: int
    next_cursor: str
    is_first: bool
    is_long: bool

    @property
    def has_shortened(self) -> bool:
        """Return whether the preview of a comment is incomplete."""
        return any(comment.has_shortened for comment in self.comments)


@dataclass(frozen=True, slots=True)
class Branch:
    """A direct comment and its replies: the ids on a page, and the total number."""

    ids: Sequence[UUID]
    total: int

    @property
    def top(self) -> UUID:
        return self.ids[0]

    def cut(self, length: int) -> Branch:
        return Branch(self.ids[:length], self.total)


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """A page of a thread before the names of its authors are read."""

    item: Item
    branches: Sequence[Branch]
    notes: dict[UUID, Item]
    count: int
    left: int
    next_position: Position | None
    is_first: bool
    is_long: bool
    # The comment to mark.
    marked: UUID | None = None

    def shows(self, comment_id: UUID) -> bool:
        return any(comment_id in branch.ids for branch in self.branches)

    @property
    def author_ids(self) -> set[UUID]:
        authors = {note.created_by_id for note in self.notes.values()}
        return authors | {note.parent_author_id for note in self.notes.values()}

    def thread(self, known: People, place_path: str) -> Thread:
        """Return the page with authors from `known`."""
        cursor = cursors.encode(self.next_position, _bound(self.item)) if self.next_position else ""
        comments = [self._branch(branch, known, place_path) for branch in self.branches]
        return Thread(comments, self.count, self.left, cursor, self.is_first, is_long=self.is_long)

    def _branch(self, branch: Branch, known: People, place_path: str) -> Comment:
        top, *replies = (self._comment(each, known, place_path) for each in branch.ids)
        for reply in replies:
            if reply.note.parent_id == branch.top:
                continue
            reply.is_to_deleted = reply.note.parent_deleted_at is not None
            if not reply.is_to_deleted:
                reply.replying_to = known[reply.note.parent_author_id]
        top.replies = replies
        top.more = branch.total - len(branch.ids)
        return top

    def _comment(self, note_id: UUID, known: People, place_path: str) -> Comment:
        note = self.notes[note_id]
        author, is_marked = known[note.created_by_id], note_id == self.marked
        return Comment(note, note.path_in(place_path), author, is_marked=is_marked)


def thread_page(item: Item, cursor: str, *, has_previews: bool = False) -> ThreadPage:
    """Return the page of an item's thread that begins after `cursor`.

    An invalid cursor gives the first page. With `has_previews` the page shows one line of each
    comment, so `TEXT_ON_PAGE` does not apply.
    """
    return _page(item, _position(item, cursor), has_previews=has_previews)


def page_with(item: Item, comment: Item, *, has_previews: bool = False) -> ThreadPage:
    """Return the page of an item's thread that shows a comment, and mark the comment.

    This is the first page or the page that begins with the direct comment above. If neither shows
    the comment, because more replies precede it than fit on a page or it is not in the thread, the
    first page is returned without a mark.
    """
    first = _page(item, None, has_previews=has_previews)
    if first.shows(comment.id):
        return replace(first, marked=comment.id)
    top = _direct_comment_above(item, comment)
    if top is None:
        return first
    page = _page(item, (top.created_at, UUID(int=top.id.int - 1)), has_previews=has_previews)
    return replace(page, marked=comment.id) if page.shows(comment.id) else first


def path_at(access: Access, comment: Item, parent: Item) -> str:
    """Return the path of the page that shows a comment on `parent` in its thread.

    This is the page of the root, or the page of `parent` if the root's does not show the comment.
    """
    root = root_of(comment) if parent.is_comment else None
    item = root if root and page_with(root, comment).marked else parent
    short = comment.truncated_id
    return f"{item.path_in(access.required_place.path)}?comment_id={short}#c-{short}"


def _page(item: Item, after: Position | None, *, has_previews: bool) -> ThreadPage:
    found = _branches(item, after)
    shown = _fit_count(found)
    notes = _notes(shown)
    if not has_previews:
        shown = _fit_text(shown, notes)
    end = notes[shown[-1].top] if len(shown) < len(found) else None
    next_position = (end.created_at, end.id) if end else None
    is_whole = after is None and next_position is None
    return ThreadPage(
        item=item,
        branches=shown,
        notes=notes,
        count=_alive(shown, notes) if is_whole else count_matching(comments_on(item.id)),
        left=_left(item, next_position) if next_position else 0,
        next_position=next_position,
        is_first=after is None,
        is_long=sum(branch.total for branch in found) > MAX_COUNTED_REPLIES,
    )


def _bound(item: Item) -> str:
    return f"thread:{item.id}"


def _position(item: Item, cursor: str) -> Position | None:
    try:
        return cursors.decode(cursor, _bound(item)) if cursor else None
    except cursors.BadCursor:
        return None


def _alive(branches: Iterable[Branch], notes: dict[UUID, Item]) -> int:
    return sum(not notes[branch.top].is_deleted for branch in branches)


# --- Reading --------------------------------------------------------------------------------

_ITEMS = Item._meta.db_table
_ID = Item._meta.get_field("id")
_MOMENT = Item._meta.get_field("created_at")


def _is_shown(table: str) -> str:
    """Return the condition of `ItemQuerySet.in_thread` in SQL."""
    return f"""({table}.deleted_at IS NULL OR EXISTS (
        SELECT 1 FROM {_ITEMS} answer
        WHERE answer.tenant_id = %(tenant)s AND answer.parent_id = {table}.id
    ))"""  # noqa: S608  # names of tables alone are put in


# The direct comments on a page and the first replies to each. Querysets cannot follow replies to
# any depth. All columns are in an index.
_BRANCHES = f"""
WITH RECURSIVE tops AS (
    SELECT top.id, top.created_at, top.deleted_at FROM {_ITEMS} top
    WHERE top.tenant_id = %(tenant)s AND top.parent_id = %(item)s
        AND (top.created_at, top.id) > (%(moment)s, %(after)s) AND {_is_shown("top")}
    ORDER BY top.created_at, top.id LIMIT {PAGE + 1}
), below (top, top_at, id, created_at, deleted_at, is_reply) AS (
    SELECT id, created_at, id, created_at, deleted_at, 0 FROM tops
    UNION ALL
    SELECT below.top, below.top_at, reply.id, reply.created_at, reply.deleted_at, 1
    FROM below JOIN {_ITEMS} reply
        ON reply.tenant_id = %(tenant)s AND reply.parent_id = below.id
), numbered AS (
    SELECT top, top_at, id,
        ROW_NUMBER() OVER (PARTITION BY top ORDER BY is_reply, created_at, id) AS number,
        COUNT(*) OVER (PARTITION BY top) AS total
    FROM (SELECT * FROM below LIMIT %(counted)s) below WHERE {_is_shown("below")}
)
SELECT top, id, total FROM numbered WHERE number <= {PAGE} ORDER BY top_at, top, number
"""  # noqa: S608  # names of tables alone are put in


def _branches(item: Item, after: Position | None) -> list[Branch]:
    """Return the direct comments after a position, one more than a page shows."""
    moment, after_id = after or (NO_MOMENT, NO_ID)
    parameters: dict[str, Any] = {
        "tenant": _ID.get_db_prep_value(bound_tenant_id(), connection),
        "item": _ID.get_db_prep_value(item.id, connection),
        "moment": _MOMENT.get_db_prep_value(moment, connection),
        "counted": MAX_COUNTED_REPLIES + 1,
        "after": _ID.get_db_prep_value(after_id, connection),
    }
    with connection.cursor() as cursor:
        cursor.execute(_BRANCHES, parameters)
        rows = cursor.fetchall()
    return [
        Branch([UUID(str(reply)) for _, reply, _ in branch], branch[0][2])
        for branch in (list(found) for _, found in groupby(rows, itemgetter(0)))
    ]


# The comments from a reply up to the direct comment on an item.
_ABOVE = f"""
WITH RECURSIVE above (id, parent_id) AS (
    SELECT id, parent_id FROM {_ITEMS} WHERE tenant_id = %(tenant)s AND id = %(comment)s
    UNION ALL
    SELECT upper_one.id, upper_one.parent_id FROM above JOIN {_ITEMS} upper_one
        ON upper_one.tenant_id = %(tenant)s AND upper_one.id = above.parent_id
    WHERE above.parent_id <> %(item)s
)
SELECT id FROM above WHERE parent_id = %(item)s
"""  # noqa: S608  # names of tables alone are put in


def _direct_comment_above(item: Item, comment: Item) -> Item | None:
    """Return the direct comment on an item that `comment` is or replies to, at any depth.

    Returns None if the comment is not in the item's thread.
    """
    parameters = {
        "tenant": _ID.get_db_prep_value(bound_tenant_id(), connection),
        "item": _ID.get_db_prep_value(item.id, connection),
        "comment": _ID.get_db_prep_value(comment.id, connection),
    }
    with connection.cursor() as cursor:
        cursor.execute(_ABOVE, parameters)
        found = cursor.fetchone()
    top: Item | None = Item.objects.get(id=UUID(str(found[0]))) if found else None
    return top


def _left(item: Item, after: Position) -> int:
    """Count the direct comments after a position."""
    comments: ItemQuerySet[Item] = Item.objects.filter(**comments_on(item.id))
    return comments.filter(OLDEST.beyond(after)).in_thread().count()


def _notes(branches: Iterable[Branch]) -> dict[UUID, Item]:
    ids = tuple(each for branch in branches for each in branch.ids)
    return {note.id: note for note in _OPENINGS.rows(**by_ids(ids))} if ids else {}


def _openings(**wanted: QueryValue) -> QuerySet[Item]:
    comments: ItemQuerySet[Item] = Item.objects.filter(**wanted)
    return comments.with_opening(HTML_LIMIT + 1).with_answered()


_OPENINGS = of_model(Item, _openings, ("cut_text", "parent_author_id", "parent_deleted_at"))


# --- Choosing -------------------------------------------------------------------------------


def _fit_count(branches: Iterable[Branch]) -> list[Branch]:
    """Return the branches that fill a page. The last one may lack replies."""
    room = PAGE
    shown: list[Branch] = []
    for branch in branches:
        if not room:
            break
        shown.append(branch.cut(room))
        room -= len(shown[-1].ids)
    return shown


def _fit_text(branches: Sequence[Branch], notes: dict[UUID, Item]) -> list[Branch]:
    """Return the branches whose texts fit on a page, and at least one comment."""
    left = TEXT_ON_PAGE
    shown: list[Branch] = []
    for branch in branches:
        left -= _length(notes[branch.top])
        if left < 0 and shown:
            break
        kept = 1
        for reply in branch.ids[1:]:
            left -= _length(notes[reply])
            if left < 0:
                break
            kept += 1
        shown.append(branch.cut(kept))
    return shown


def _length(note: Item) -> int:
    return 0 if note.is_deleted else min(len(note.opening), HTML_LIMIT)
