"""Queries of notes and their texts."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from collectives.items import queries as items
from collectives.items.kind_queries import KindQueries, fit_bytes
from collectives.items.models import COMMENT, Item, ItemQuerySet
from collectives.items.queries import Included
from collectives.notes.models import Note
from harmonic.kernel.access import Access
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.refusals import NotFound

NOTES = KindQueries(Note)


def note_at(access: Access, note_id: str) -> Note:
    """Return the note with this id, as `KindQueries.at` does, with the parameter of the routes."""
    return NOTES.at(access, note_id)


def live_note_at(access: Access, note_id: str, sentence: str = "Not found") -> Note:
    """Return a note that is not deleted, as `KindQueries.live_at` does."""
    return NOTES.live_at(access, note_id, sentence)


def comment_at(access: Access, note_id: str) -> Note | None:
    """Return the comment with this id in the collective, or None."""
    try:
        note = live_note_at(access, note_id) if note_id else None
    except NotFound:
        return None
    return note if note is not None and note.is_comment else None


def comments_of(item_ids: Iterable[UUID]) -> Included[Note]:
    """Return the direct comments on several items, oldest first.

    There are at most `items.INCLUDED` in total, with `items.LIST_BYTES` of text.
    """
    ids = frozenset(item_ids)
    comments: ItemQuerySet[Item] = Item.objects.filter(parent__in=ids, subtype=COMMENT)
    rows = comments.alive().order_by("created_at", "id")[: items.INCLUDED + 1]
    found = list(rows.values_list("id", "created_at", "parent"))
    sizes = NOTES.with_sizes(row[:2] for row in found[: items.INCLUDED])
    shown = fit_bytes(sizes, items.LIST_BYTES)
    left_out = frozenset(row[2] for row in found[len(shown) :] if row[2])
    notes = NOTES.by_id((size.id for size in shown), Order("created_at", is_descending=False))
    # After the last row that was read, every item may have more comments.
    return Included(notes, ids if len(found) > items.INCLUDED else left_out)
