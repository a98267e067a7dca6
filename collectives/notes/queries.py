"""Reading notes: always within the collective of the request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from accounts.queries import People, Person
from collectives.notes.models import Note, NoteHistoryEvent, NoteQuerySet
from harmonic.kernel.access import Access, NotFound
from harmonic.kernel.cursors import Order, Position
from harmonic.kernel.prepared import Parameter, Prepared, Rows, of_model
from harmonic.kernel.tenancy import by_any_id

HISTORY_SHOWN = 100
REPLIES_SHOWN = 500
NEWEST = Order("created_at")
# Lookups of notes, as `filter` takes them.
Wanted = Mapping[str, Parameter]
# What feeds and lists show: no comments.
STANDALONE = tuple(subtype for subtype in Note.Subtype.values if subtype != Note.Subtype.COMMENT)


def note_at(access: Access, note_id: str) -> Note:
    """Return the note with this short or whole id in the collective of the request.

    Deleted notes are found too, so that their page can say so. Inside a write the note's row is
    locked: whoever edits, confirms or deletes it at the same moment waits.

    Raises:
        NotFound: there is none here.
    """
    wanted = by_any_id(note_id)
    one = _ONE_LOCKED if access.is_writing else _ONE
    note = wanted and one.first(collective=access.here.id, user_id=access.user.user_id, **wanted)
    if not note:
        raise NotFound
    return note


def _one(*, user_id: UUID, **wanted: Parameter) -> QuerySet[Note]:
    notes: NoteQuerySet = Note.objects.filter(**wanted)
    return notes.counted().for_reader(user_id)


# A note's page and its REST answer are read more often than anything else.
_ONE = of_model(Note, _one, ("confirmed_reads", "last_read_at"))
_ONE_LOCKED = of_model(
    Note,
    _one,
    ("confirmed_reads", "last_read_at"),
    lock=f'FOR NO KEY UPDATE OF "{Note._meta.db_table}"',
)


def live_note_at(access: Access, note_id: str, sentence: str = "Not found") -> Note:
    """Return a note that nobody deleted.

    Raises:
        NotFound: with `sentence`.
    """
    try:
        note = note_at(access, note_id)
    except NotFound:
        raise NotFound(sentence) from None
    if note.is_deleted:
        raise NotFound(sentence)
    return note


def history_of(note: Note) -> list[NoteHistoryEvent]:
    """Return what happened to a note, newest first."""
    return list(note.history.order_by("-happened_at", "-id")[:HISTORY_SHOWN])


def last_confirmation(note: Note, user_id: UUID) -> NoteHistoryEvent | None:
    return (
        note.history.filter(event_type=NoteHistoryEvent.Type.READ_CONFIRMATION, user=user_id)
        .order_by("-happened_at", "-id")
        .first()
    )


@dataclass(slots=True)
class Comment:
    """A comment with what was answered to it, at any depth, in one flat list."""

    note: Note
    author: Person
    replying_to: str = ""
    replies: list[Comment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Thread:
    """The comments under an item: top-level ones, oldest first."""

    comments: list[Comment]
    count: int


def thread_rows(note: Note) -> list[Note]:
    """Return every comment of the thread that `note` belongs to, oldest first."""
    root_type, root_id = note.thread_type or Note.ITEM_TYPE, note.thread_id or note.id
    rows = Note.objects.filter(thread_type=root_type, thread_id=root_id)
    return list(rows.order_by("created_at", "id")[:REPLIES_SHOWN])


def threaded(parent_id: UUID, rows: list[Note], known: People) -> Thread:
    """Return the comments below an item: its children, each with all that follows them.

    Replies of any depth are grouped under their top-level comment, without recursion.
    """
    by_id = {row.id: row for row in rows}
    tops: dict[UUID, Comment] = {}
    top_of: dict[UUID, Comment] = {}
    for row in rows:
        comment = Comment(row, known[row.created_by_id])
        if row.commentable_id == parent_id:
            tops[row.id] = top_of[row.id] = comment
        elif top := top_of.get(row.commentable_id) if row.commentable_id else None:
            parent = by_id[row.commentable_id]  # type: ignore[index]  # in top_of, so in rows
            if parent.id != top.note.id:
                comment.replying_to = known[parent.created_by_id].handle
            top.replies.append(comment)
            top_of[row.id] = top
    shown = [comment for comment in tops.values() if not _is_gone(comment)]
    alive = sum(1 for comment in tops.values() if not comment.note.is_deleted)
    return Thread(shown, alive)


def _is_gone(comment: Comment) -> bool:
    """A deleted comment stays while it has replies: they are never hidden."""
    return comment.note.is_deleted and not comment.replies


def comment_counts(note_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many direct comments each note has."""
    ids = tuple(note_ids)
    return dict(_COMMENT_COUNTS.rows(notes=ids)) if ids else {}


def _comment_counts(notes: tuple[UUID, ...]) -> QuerySet[Any, tuple[Any, ...]]:
    alive = Note.objects.filter(
        commentable_type=Note.ITEM_TYPE, commentable_id__in=notes, deleted_at=None
    )
    return alive.order_by().values_list("commentable_id").annotate(Count("id"))


_COMMENT_COUNTS: Prepared[tuple[UUID, int]] = Prepared(_comment_counts, tuple)


def comments_on(note_id: UUID) -> Wanted:
    """Return what names the direct comments of a note in `listed`."""
    return {
        "subtype": Note.Subtype.COMMENT.value,
        "commentable_type": Note.ITEM_TYPE,
        "commentable_id": note_id,
    }


def comments_of(note_ids: Iterable[UUID]) -> QuerySet[Note]:
    """Return the direct comments of several notes, oldest first."""
    comments: NoteQuerySet = Note.objects.filter(
        commentable_type=Note.ITEM_TYPE, commentable_id__in=list(note_ids)
    )
    return comments.alive().counted().order_by("created_at", "id")


def history_of_notes(note_ids: Iterable[UUID]) -> QuerySet[NoteHistoryEvent]:
    """Return what happened to several notes, oldest first."""
    events = NoteHistoryEvent.objects.filter(note__in=list(note_ids))
    return events.order_by("happened_at", "id")


def listed(wanted: Wanted, order: Order, limit: int, after: Position | None = None) -> Rows[Note]:
    """Return the first `limit` living notes that `wanted` names, beyond the position `after`."""
    position: Wanted = {"after": after[0], "after_id": after[1]} if after else {}
    return _LISTED.rows(order, limit, **position, **wanted)


def _listed(
    order: Order,
    limit: int,
    *,
    after: datetime | None = None,
    after_id: UUID | None = None,
    **wanted: Parameter,
) -> QuerySet[Note]:
    notes: NoteQuerySet = Note.objects.filter(**wanted)
    if after and after_id:
        notes = notes.filter(order.beyond((after, after_id)))
    return notes.alive().counted().order_by(*order.columns)[:limit]


_LISTED = of_model(Note, _listed, ("confirmed_reads",))


def how_many(wanted: Wanted) -> int:
    """Return how many living notes `wanted` names."""
    notes: NoteQuerySet = Note.objects.filter(**wanted)
    return notes.alive().count()


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some notes of a list, and the position from which the next ones follow."""

    notes: list[Note]
    next_position: Position | None


def newest(
    collective_id: UUID, *, limit: int, after: Position | None = None, author: UUID | None = None
) -> Stretch:
    """Return notes without comments, newest first, beyond the position `after`."""
    by_author: Wanted = {"created_by": author} if author else {}
    wanted = {"collective": collective_id, "subtype__in": STANDALONE, **by_author}
    rows = listed(wanted, NEWEST, limit + 1, after)
    shown = list(rows[:limit])
    last = shown[-1] if len(rows) > limit else None
    return Stretch(shown, (last.created_at, last.id) if last else None)


def living(note_ids: Iterable[UUID]) -> dict[UUID, Note]:
    """Return which of these notes there are, by id."""
    ids = tuple(note_ids)
    return {note.id: note for note in _LIVING.rows(id__in=ids)} if ids else {}


def _living(**wanted: Parameter) -> QuerySet[Note]:
    notes: NoteQuerySet = Note.objects.filter(**wanted)
    return notes.alive()


_LIVING = of_model(Note, _living)
