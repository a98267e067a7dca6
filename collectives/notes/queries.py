"""Reading notes: always within the collective of the request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from collectives.notes.models import Note, NoteHistoryEvent, NoteQuerySet
from harmonic.kernel.access import Access, NotFound
from harmonic.kernel.database.prepared import Parameter, Prepared, of_model
from harmonic.kernel.database.short_ids import by_any_id
from harmonic.kernel.http.cursors import Found, Order, Position
from harmonic.kernel.rendering.text import FIRST_LINE_SOURCE

HISTORY_SHOWN = 100
# Bytes of text in the rows of a list; it ends before the row that exceeds them.
LIST_BYTES = 1_000_000
# Rows of each kind that an answer includes, over all its notes.
INCLUDED = 1000
NEWEST = Order("created_at")
NO_MOMENT = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T")
# Lookups of notes, as `filter` takes them.
Wanted = Mapping[str, Parameter]
# What feeds and lists show: no comments.
STANDALONE = tuple(subtype for subtype in Note.Subtype.values if subtype != Note.Subtype.COMMENT)


class Size(NamedTuple):
    """A note of a list, before its text is read: its place there, and how long it is."""

    id: UUID
    moment: datetime
    bytes: int

    @property
    def position(self) -> Position:
        return self.moment, self.id


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


def history_of(note: Note) -> QuerySet[NoteHistoryEvent]:
    """Return what happened to a note, newest first."""
    return note.history.order_by("-happened_at", "-id")


def last_confirmation(note: Note, user_id: UUID) -> NoteHistoryEvent | None:
    return (
        note.history.filter(event_type=NoteHistoryEvent.Type.READ_CONFIRMATION, user=user_id)
        .order_by("-happened_at", "-id")
        .first()
    )


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
    return {"commentable_type": Note.ITEM_TYPE, "commentable_id": note_id}


@dataclass(frozen=True, slots=True)
class Included(Generic[T]):
    """What belongs to some notes, and the notes of which something is left out."""

    rows: Sequence[T]
    incomplete: frozenset[UUID]


def comments_of(note_ids: Iterable[UUID]) -> Included[Note]:
    """Return the direct comments of several notes, oldest first, within one bound for all.

    There are at most `INCLUDED` of them, with `LIST_BYTES` of text together.
    """
    ids = frozenset(note_ids)
    comments: NoteQuerySet = Note.objects.filter(
        commentable_type=Note.ITEM_TYPE, commentable_id__in=ids
    )
    rows = comments.alive().order_by("created_at", "id")[: INCLUDED + 1]
    found = list(rows.values_list("id", "created_at", "commentable_id"))
    shown = within(_measured([row[:2] for row in found[:INCLUDED]]), LIST_BYTES)
    left_out = frozenset(row[2] for row in found[len(shown) :] if row[2])
    order = Order("created_at", is_descending=False)
    notes = _BY_ID.rows(order, **by_ids(size.id for size in shown))
    # Behind the last row that was looked at, every note may have more.
    return Included(notes, ids if len(found) > INCLUDED else left_out)


def notes_of(note_ids: Iterable[UUID], collective_id: UUID) -> Included[Note]:
    """Return living notes of a collective by their ids: the first ones, up to `LIST_BYTES`."""
    ids = list(dict.fromkeys(note_ids))
    sizes = dict(_SIZES.rows(collective=collective_id, **by_ids(ids)))
    there = [Size(each, NO_MOMENT, sizes[each]) for each in ids if each in sizes]
    shown = within(there, LIST_BYTES)
    notes = _BY_ID.rows(NEWEST, **by_ids(size.id for size in shown))
    return Included(notes, frozenset(size.id for size in there[len(shown) :]))


def history_of_notes(note_ids: Iterable[UUID]) -> Included[NoteHistoryEvent]:
    """Return what happened to several notes, oldest first: at most `INCLUDED` events."""
    ids = frozenset(note_ids)
    events = NoteHistoryEvent.objects.filter(note__in=ids).order_by("happened_at", "id")
    found = list(events[: INCLUDED + 1])
    return Included(found[:INCLUDED], ids if len(found) > INCLUDED else frozenset())


def listed(wanted: Wanted, order: Order, limit: int, after: Position | None = None) -> Found[Note]:
    """Return the first `limit` living notes that `wanted` names, beyond the position `after`.

    They are fewer where their texts come to more than `LIST_BYTES`: which notes there are is
    read before their texts.
    """
    places = _PLACES.rows(order, limit + 1, **_position(after), **wanted)
    return in_size(_measured(places), order, limit)


def in_size(sizes: Sequence[Size], order: Order, limit: int) -> Found[Note]:
    """Return the notes of `sizes` up to `limit` and `LIST_BYTES`; one there is always."""
    shown = within(sizes[:limit], LIST_BYTES)
    end = shown[-1].position if len(shown) < len(sizes) else None
    return Found(_BY_ID.rows(order, **by_ids(size.id for size in shown)), end)


def by_ids(note_ids: Iterable[UUID]) -> Wanted:
    """Return what names notes by their ids, through the index of tenant and short id.

    For `id IN …` SQLite may take the index of the tenant alone and read all of its notes.
    """
    short = tuple(str(note_id)[: Note.SHORT] for note_id in note_ids)
    return {"truncated_id__in": short or ("",)}


def within(sizes: Sequence[Size], limit: int) -> Sequence[Size]:
    """Return as many of the first rows as have `limit` bytes together; the first one always."""
    total = 0
    for number, size in enumerate(sizes):
        total += size.bytes
        if total > limit and number:
            return sizes[:number]
    return sizes


def _position(after: Position | None) -> Wanted:
    return {"after": after[0], "after_id": after[1]} if after else {}


def _ordered(
    order: Order,
    limit: int,
    *,
    after: datetime | None = None,
    after_id: UUID | None = None,
    **wanted: Parameter,
) -> NoteQuerySet:
    notes: NoteQuerySet = Note.objects.filter(**wanted)
    if after and after_id:
        notes = notes.filter(order.beyond((after, after_id)))
    return notes.alive().order_by(*order.columns)[:limit]


def _places(order: Order, limit: int, **wanted: Any) -> QuerySet[Any, tuple[Any, ...]]:
    return _ordered(order, limit, **wanted).values_list("id", order.moment)


# A note's place in a list. All of it is in an index: rows with long texts are not touched.
_PLACES: Prepared[tuple[UUID, datetime]] = Prepared(_places, tuple)


def _measured(places: Iterable[tuple[UUID, datetime]]) -> list[Size]:
    """Return places in a list with the sizes of their notes."""
    found = list(places)
    if not found:
        return []
    sizes = dict(_SIZES.rows(**by_ids(note_id for note_id, _ in found)))
    return [Size(note_id, at, sizes[note_id]) for note_id, at in found if note_id in sizes]


def _sizes(**wanted: Parameter) -> QuerySet[Any, tuple[Any, ...]]:
    return Note.objects.filter(**wanted).values_list("id", "size")


_SIZES: Prepared[tuple[UUID, int]] = Prepared(_sizes, tuple)


def _by_id(order: Order, **wanted: Parameter) -> QuerySet[Note]:
    notes: NoteQuerySet = Note.objects.filter(**wanted)
    return notes.alive().counted().order_by(*order.columns)


_BY_ID = of_model(Note, _by_id, ("confirmed_reads",))


def narrowed(wanted: Wanted, more: Q) -> NoteQuerySet:
    """Return the living notes that `wanted` and `more` name."""
    notes: NoteQuerySet = Note.objects.filter(more, **wanted)
    return notes.alive()


def sizes_of(
    notes: NoteQuerySet, order: Order, limit: int, after: Position | None = None
) -> list[Size]:
    """Return the first rows of a queryset beyond a position, without their texts."""
    if after is not None:
        notes = notes.filter(order.beyond(after))
    rows = notes.order_by(*order.columns)[:limit]
    return _measured(rows.values_list("id", order.moment))


def in_order(
    notes: NoteQuerySet, order: Order, limit: int, after: Position | None = None
) -> Found[Note]:
    """Return the first notes of a queryset beyond a position, as `listed` does."""
    return in_size(sizes_of(notes, order, limit + 1, after), order, limit)


def texts_of(note_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the titles and texts of notes, by id."""
    rows = Note.objects.filter(**by_ids(note_ids)).values_list("id", "title", "text")
    return {note_id: f"{title}\n{text}" for note_id, title, text in rows}


def how_many(wanted: Wanted) -> int:
    """Return how many living notes `wanted` names."""
    notes: NoteQuerySet = Note.objects.filter(**wanted)
    return notes.alive().count()


def newest(
    collective_id: UUID, *, limit: int, after: Position | None = None, author: UUID | None = None
) -> Found[Note]:
    """Return notes without comments and texts, newest first, beyond the position `after`."""
    by_author: Wanted = {"created_by": author} if author else {}
    wanted: Wanted = {"collective": collective_id, "subtype__in": STANDALONE, **by_author}
    rows = _HEADS.rows(NEWEST, limit + 1, **_position(after), **wanted)
    shown = list(rows[:limit])
    last = shown[-1] if len(rows) > limit else None
    return Found(shown, (last.created_at, last.id) if last else None)


def _heads(order: Order, limit: int, **wanted: Any) -> QuerySet[Note]:
    return _ordered(order, limit, **wanted).counted().opened(FIRST_LINE_SOURCE)


# Feeds show titles and first lines: the texts themselves are not read.
_HEADS = of_model(Note, _heads, ("confirmed_reads", "cut_text"), without=("text",))


def living(note_ids: Iterable[UUID]) -> dict[UUID, Note]:
    """Return which of these notes there are, by id, without their texts."""
    ids = tuple(note_ids)
    return {note.id: note for note in _LIVING.rows(**by_ids(ids))} if ids else {}


def _living(**wanted: Parameter) -> QuerySet[Note]:
    notes: NoteQuerySet = Note.objects.filter(**wanted)
    return notes.alive().opened(FIRST_LINE_SOURCE)


_LIVING = of_model(Note, _living, ("cut_text",), without=("text",))
