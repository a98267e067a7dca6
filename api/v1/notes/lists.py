"""The lists of notes and comments: their parameters and queries."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.db.models import Q
from rest_framework.request import Request

from api.http.filters import author_of, named, order_of, sort_field
from api.http.paging import PageParams, ResultPage, page_from, query
from api.responses.timestamps import bounds
from api.v1.notes.filters import by_cycle, by_filters, split_list
from api.v1.notes.json import NoteJson, NoteWriter
from api.views import ListResponse, access_of
from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import Lookups, comments_on, live_item_at
from collectives.items.search import Search, SearchTerms, parse_search, q_field
from collectives.notes.models import Note
from collectives.notes.queries import NOTES
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import Rows
from harmonic.kernel.http.cursors import CursorPage, Order, Position
from harmonic.kernel.parameters.fields import Choice, DateTime, Line
from harmonic.kernel.refusals import Invalid, NotFound, Problem

LIMIT = 50
MOMENTS = ("created_at", "updated_at", "last_activity_at", "deadline")
NEWEST, OLDEST = "created_at-desc", "created_at-asc"
SUBTYPES = ("text", "reminder", "table", "comment", "statement", "summary")
LISTED = tuple(subtype for subtype in SUBTYPES if subtype not in ("comment", "statement"))
# Limits the cost of `filters`, which the database evaluates one by one.
NARROW_LENGTH = 500
NARROWING = ("q", "filters", "cycle")


class NoteListParams(PageParams):
    sort_by = sort_field(*MOMENTS, usual=NEWEST)
    created_by = Line(
        required=False, allow_blank=True, help_text="The author: a handle, a UUID, or me."
    )
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
    created_after = DateTime(required=False, help_text="Created after this time.")
    created_before = DateTime(required=False, help_text="Created before this time.")
    updated_after = DateTime(
        required=False, help_text="Last activity after this time. A new comment is an activity."
    )
    updated_before = DateTime(required=False, help_text="Last activity before this time.")
    deadline_after = DateTime(required=False, help_text="With a deadline after this time.")
    deadline_before = DateTime(required=False, help_text="With a deadline before this time.")
    q = q_field()
    filters = Line(
        required=False,
        allow_blank=True,
        max_length=NARROW_LENGTH,
        help_text="Comma-separated filters that must all match, such as mine,updated.",
    )
    cycle = Line(
        required=False, allow_blank=True, help_text="The name of a cycle, such as this-week."
    )
    commentable = Line(
        required=False, allow_blank=True, help_text="Note:<id> lists the comments on that note."
    )
    scope = Choice(
        ["all"],
        required=False,
        help_text="all: notes of all your collectives where the API is enabled.",
    )
    collective = Line(
        required=False, allow_blank=True, help_text="Comma-separated handles of your collectives."
    )


class CommentListParams(NoteListParams):
    """The parameters of a note's comments: those of notes without the ones that select a parent."""

    sort_by = sort_field(*MOMENTS, usual=OLDEST)
    # This removes a field of the base class in REST framework.
    subtype = None  # type: ignore[assignment]
    commentable = None  # type: ignore[assignment]
    scope = None  # type: ignore[assignment]
    collective = None  # type: ignore[assignment]


# A new comment counts as an update of the note.
COLUMNS = {"created": "created_at", "updated": "last_activity_at", "deadline": "deadline"}


def list_of_notes(request: Request) -> ListResponse[NoteJson]:
    """Return the response with the requested notes."""
    access = access_of(request)
    params = query(NoteListParams, request)
    wanted = {
        **_wanted(access, params),
        **_by_subtype(params),
        **_by_parent(access, params),
    }
    across = _across(access, params)
    if across is None:
        wanted["collective"] = access.required_place.id
    return _answer(wanted, order_of(params, NEWEST), request, params, across)


def list_of_comments(request: Request, note: Note) -> ListResponse[NoteJson]:
    """Return the response with the direct comments on a note, by default oldest first."""
    params = query(CommentListParams, request)
    wanted = {**_wanted(access_of(request), params), **comments_on(note.id)}
    return _answer(wanted, order_of(params, OLDEST), request, params)


def _answer(
    wanted: Lookups,
    order: Order,
    request: Request,
    params: dict[str, Any],
    across: ItemQuerySet[Item] | None = None,
) -> ListResponse[NoteJson]:
    """Return the response with a page of notes; `across` is set for several collectives."""
    if across is None and not any(params.get(name) for name in NARROWING):
        fetch, count = partial(NOTES.listed, wanted), partial(NOTES.count_matching, wanted)
        return _written(page_from(fetch, count, order, request, params, LIMIT), NoteWriter(request))
    items = Item.objects.alive() if across is None else across
    items = items.filter(_narrowed(access_of(request), params), **NOTES.wanted, **wanted)
    search = Search(items, _terms(params), NOTES)
    fetch, total = partial(_matching, search), partial(search.count, order)
    page = (
        page_from(fetch, total, order, request, params, LIMIT)
        if search.terms.are_any
        else page_from(partial(NOTES.among, items), items.count, order, request, params, LIMIT)
    )
    return _written(page, NoteWriter(request, () if across is None else page.rows))


def _terms(params: dict[str, Any]) -> SearchTerms:
    """Return the terms of `q`.

    Raises:
        Invalid: there are too many.
    """
    try:
        return parse_search(params.get("q", ""))
    except Invalid as invalid:
        raise named(*invalid.problems) from invalid


def _matching(search: Search, order: Order, limit: int, after: Position | None) -> CursorPage[Note]:
    """Return the first matches after a position, and where the next page begins."""
    matches, end = search.matches(order, after)
    found = NOTES.in_size(matches[: limit + 1], order, limit)
    return CursorPage(found.rows, found.end or end)


def _written(page: ResultPage[Note], writer: NoteWriter) -> ListResponse[NoteJson]:
    """Return the response with a page of notes. Included data is not part of the tag of rows."""
    if writer.includes:
        return page.response(writer.all(page.rows))
    rows = cast(Rows[Note], page.rows)  # as `in_size` found them
    return page.answer_unless_known(writer.etag_of(rows), writer.all)


def _narrowed(access: Access, params: dict[str, Any]) -> Q:
    """Return the combination of `filters` and `cycle`."""
    found = by_filters(access, params.get("filters", ""))
    return found & by_cycle(access, params["cycle"]) if params.get("cycle") else found


def _across(access: Access, params: dict[str, Any]) -> ItemQuerySet[Item] | None:
    """Return the items of several collectives; None for a list of the request's collective.

    Items of collectives that the caller cannot read are left out.
    """
    handles = split_list(params.get("collective", ""))
    if access.path != "/api/v1/notes" or not (handles or "scope" in params):
        return None
    items: ItemQuerySet[Item] = Item.objects.visible_to(access)
    return items.filter(collective__handle__in=handles) if handles else items


def _wanted(access: Access, params: dict[str, Any]) -> Lookups:
    return {
        **bounds(COLUMNS, params),
        **_by_author(access, params),
        **_by_status(access, params),
    }


def _by_subtype(params: dict[str, Any]) -> Lookups:
    asked = ["text" if word == "post" else word for word in split_list(params.get("subtype", ""))]
    unknown = [word for word in asked if word not in SUBTYPES]
    if unknown:
        raise named(Problem("subtype", "not_offered", {"offered": ", ".join(SUBTYPES)}))
    if params.get("commentable"):
        return {}
    return {"subtype__in": tuple(dict.fromkeys(asked)) or LISTED}


def _by_author(access: Access, params: dict[str, Any]) -> Lookups:
    author = author_of(access, params)
    return {"created_by": author.user_id} if author else {}


def _by_status(access: Access, params: dict[str, Any]) -> Lookups:
    if "status" not in params:
        return {}
    if params["status"] == "closed":
        return {"deadline__lte": access.now}
    return {"deadline__gt": access.now}


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
