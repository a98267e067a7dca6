"""The lists of notes and comments: their parameters and queries."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from rest_framework.request import Request

from api.http.filters import named, order_of
from api.http.paging import ResultPage, page_from, query
from api.v1.item_lists import (
    LIMIT,
    NEWEST,
    ItemFilterParams,
    by_subtype,
    by_words,
    is_narrowed,
    items_across,
    matching_page,
    wanted_items,
)
from api.v1.notes.json import SUBTYPES, NoteJson, NoteWriter
from api.views import ListResponse, access_of
from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import Lookups, comments_on, live_item_at
from collectives.notes.models import Note
from collectives.notes.queries import NOTES
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import Rows
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.parameters.fields import Choice, Line
from harmonic.kernel.refusals import NotFound, Problem

OLDEST = "created_at-asc"
LISTED = tuple(subtype for subtype in SUBTYPES if subtype not in ("comment", "statement"))


class NoteListParams(ItemFilterParams):
    subtype = Line(
        required=False,
        allow_blank=True,
        help_text="Comma-separated subtypes. Default: all but comment and statement.",
    )
    status = Choice(
        ["open", "closed"],
        required=False,
        help_text="open: the deadline is in the future; closed: it is in the past.",
    )
    commentable = Line(
        required=False, allow_blank=True, help_text="Note:<id> lists the comments on that note."
    )


def list_of_notes(request: Request) -> ListResponse[NoteJson]:
    """Return the response with the requested notes."""
    access = access_of(request)
    params = query(NoteListParams, request)
    wanted = {
        **wanted_items(access, params),
        **_by_subtype(params),
        **_by_parent(access, params),
    }
    across = items_across(access, params, Note.KIND)
    if across is None:
        wanted["collective"] = access.required_place.id
    return matching_notes(wanted, order_of(params, NEWEST), request, params, across)


def matching_notes(
    wanted: Lookups,
    order: Order,
    request: Request,
    params: dict[str, Any],
    across: ItemQuerySet[Item] | None = None,
) -> ListResponse[NoteJson]:
    """Return the response with a page of notes; `across` is set for several collectives."""
    if across is None and not is_narrowed(params):
        fetch, count = partial(NOTES.listed, wanted), partial(NOTES.count_matching, wanted)
        return _written(page_from(fetch, count, order, request, params, LIMIT), NoteWriter(request))
    access = access_of(request)
    items, place_id = (
        (Item.objects.alive(), access.required_place.id) if across is None else (across, None)
    )
    items = items.filter(by_words(access, params, place_id), **NOTES.wanted, **wanted)
    page = matching_page(NOTES, items, request, params, order)
    return _written(page, NoteWriter(request, () if across is None else page.rows))


def _written(page: ResultPage[Note], writer: NoteWriter) -> ListResponse[NoteJson]:
    """Return the response with a page of notes. Included data is not part of the tag of rows."""
    if writer.includes:
        return page.response(writer.all(page.rows))
    rows = cast(Rows[Note], page.rows)  # as `in_size` found them
    return page.answer_unless_known(writer.etag_of(rows), writer.all)


def _by_subtype(params: dict[str, Any]) -> Lookups:
    found = by_subtype(params, SUBTYPES, aliases={"post": "text"})
    return found or ({} if params.get("commentable") else {"subtype__in": LISTED})


def _by_parent(access: Access, params: dict[str, Any]) -> Lookups:
    asked = params.get("commentable")
    if not asked:
        return {}
    kind, _, item_id = asked.partition(":")
    try:
        parent = live_item_at(access, kind, item_id)
    except NotFound:
        raise named(Problem("commentable", "names no item here. Send Note: and its ID")) from None
    return comments_on(parent.id)
