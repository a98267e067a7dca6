"""Reading notes: always within the collective of the request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Q, QuerySet

from accounts.queries import People, Person
from collectives.notes.models import Note, NoteHistoryEvent, NoteQuerySet
from harmonic.kernel.access import Access, NotFound
from harmonic.kernel.prepared import Parameter, Prepared
from harmonic.kernel.tenancy import bound_tenant_id, by_any_id

HISTORY_SHOWN = 100
REPLIES_SHOWN = 500


def note_at(access: Access, note_id: str) -> Note:
    """Return the note with this short or whole id in the collective of the request.

    Deleted notes are found too, so that their page can say so.

    Raises:
        NotFound: there is none here.
    """
    wanted = by_any_id(note_id)
    row = None
    if wanted:
        (name, value), *_ = wanted.items()
        row = _ONE[name].row(
            tenant_id=bound_tenant_id(),
            collective_id=access.here.id,
            user_id=access.user.user_id,
            **{name: value},
        )
    if row is None:
        raise NotFound
    return _note(row)


_COLUMNS = [column.attname for column in Note._meta.concrete_fields]
_ANNOTATED = ("confirmed_reads", "last_read_at")


def _one(
    tenant_id: UUID, collective_id: UUID, user_id: UUID, **wanted: Parameter
) -> QuerySet[Any, tuple[Any, ...]]:
    notes = NoteQuerySet(Note).filter(tenant=tenant_id, collective=collective_id, **wanted)
    return notes.counted().for_reader(user_id).values_list(*_COLUMNS, *_ANNOTATED)


# A note's page and its REST answer are read more often than anything else.
_ONE = {
    name: Prepared(_one, tenant_id=UUID, collective_id=UUID, user_id=UUID, **{name: kind})
    for name, kind in (("truncated_id", str), ("id", UUID))
}


def _note(row: tuple[Any, ...]) -> Note:
    note = Note.from_db(DEFAULT_DB_ALIAS, _COLUMNS, row[: len(_COLUMNS)])
    for name, value in zip(_ANNOTATED, row[len(_COLUMNS) :], strict=True):
        setattr(note, name, value)
    return note


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
    rows = (
        Note.objects.filter(
            commentable_type=Note.ITEM_TYPE, commentable_id__in=list(note_ids), deleted_at=None
        )
        .order_by()
        .values_list("commentable_id")
        .annotate(Count("id"))
    )
    return {note_id: count for note_id, count in rows if note_id}


def comments_of(note_ids: Iterable[UUID]) -> QuerySet[Note]:
    """Return the direct comments of several notes, as the API shows them."""
    return Note.objects.counted().filter(
        commentable_type=Note.ITEM_TYPE, commentable_id__in=list(note_ids), deleted_at=None
    )


def history_of_notes(note_ids: Iterable[UUID]) -> QuerySet[NoteHistoryEvent]:
    """Return what happened to several notes, oldest first."""
    events = NoteHistoryEvent.objects.filter(note__in=list(note_ids))
    return events.order_by("happened_at", "id")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some notes of a list, and the position from which the next ones follow."""

    notes: list[Note]
    next_position: tuple[datetime, UUID] | None


def newest(
    collective_ids: Iterable[UUID],
    *,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
    author: UUID | None = None,
) -> Stretch:
    """Return notes without comments, newest first, beyond the position `after`."""
    ids = list(collective_ids)
    notes = Note.objects.filter(collective__in=ids).standalone().alive().counted()
    if author is not None:
        notes = notes.filter(created_by=author)
    if after is not None:
        moment, last_id = after
        notes = notes.filter(Q(created_at__lt=moment) | Q(created_at=moment, id__lt=last_id))
    rows = list(notes.order_by("-created_at", "-id")[: limit + 1])
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Stretch(shown, (last.created_at, last.id) if last else None)
