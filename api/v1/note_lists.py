"""The list of notes: which collectives, which notes, in which order."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.db.models import Q
from rest_framework.request import Request

from api.filters import author_of, named, order_of, sort_field
from api.paging import PageParams, page_from, query
from api.shapes import bounds
from api.v1.note_filters import MAX_WORDS, Search, by_cycle, by_filters, words, words_of
from api.v1.note_json import NoteJson, NoteWriter
from api.views import ListAnswer, access_of
from collectives.models import Collective
from collectives.notes.models import Note
from collectives.notes.queries import (
    Wanted,
    comments_on,
    how_many,
    in_order,
    listed,
    live_note_at,
    narrowed,
)
from collectives.queries import reachable
from harmonic.kernel.access import Access, NotFound, Problem
from harmonic.kernel.database.prepared import Rows
from harmonic.kernel.database.tenancy import NO_ID
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.parameters.fields import Choice, Line, Moment

LIMIT = 50
MOMENTS = ("created_at", "updated_at", "deadline")
NEWEST, OLDEST = "created_at-desc", "created_at-asc"
SUBTYPES = ("text", "reminder", "table", "comment", "statement", "summary")
LISTED = tuple(subtype for subtype in SUBTYPES if subtype not in ("comment", "statement"))
# Each word of them costs the database something.
NARROW_LENGTH = 500
Q_LENGTH = 100
NARROWING = ("q", "filters", "cycle")


class NoteListParams(PageParams):
    sort_by = sort_field(*MOMENTS, usual=NEWEST)
    created_by = Line(required=False, allow_blank=True, help_text="A handle, an id, or me.")
    subtype = Line(required=False, allow_blank=True, help_text="Subtypes, with commas between.")
    status = Choice(["open", "closed"], required=False, help_text="By the deadline.")
    created_after = Moment(required=False)
    created_before = Moment(required=False)
    updated_after = Moment(required=False)
    updated_before = Moment(required=False)
    deadline_after = Moment(required=False)
    deadline_before = Moment(required=False)
    q = Line(
        required=False,
        allow_blank=True,
        max_length=Q_LENGTH,
        help_text=f'At most {MAX_WORDS} words, "a phrase", -without.',
    )
    filters = Line(
        required=False,
        allow_blank=True,
        max_length=NARROW_LENGTH,
        help_text="As mine,updated; all must hold.",
    )
    cycle = Line(required=False, allow_blank=True, help_text="A cycle, such as this-week.")
    commentable = Line(required=False, allow_blank=True, help_text="Note:<id>: its comments.")
    scope = Choice(["all"], required=False, help_text="all: every collective of the caller.")
    collective = Line(required=False, allow_blank=True, help_text="Handles, with commas between.")


class CommentListParams(NoteListParams):
    """The filters of notes that do not choose which notes are listed."""

    sort_by = sort_field(*MOMENTS, usual=OLDEST)
    # REST framework removes the fields of a base class so.
    subtype = None  # type: ignore[assignment]
    commentable = None  # type: ignore[assignment]
    scope = None  # type: ignore[assignment]
    collective = None  # type: ignore[assignment]


COLUMNS = {"created": "created_at", "updated": "updated_at", "deadline": "deadline"}


def list_of_notes(request: Request) -> ListAnswer[NoteJson]:
    """Answer with the notes that a request's query string asks for."""
    access = access_of(request)
    params = query(NoteListParams, request)
    places = _places(access, params)
    ids = [access.here.id] if places is None else [place.id for place in places]
    wanted = {
        **_wanted(access, params),
        **_by_subtype(params),
        **_by_parent(access, params),
        "collective__in": tuple(ids) or (NO_ID,),
    }
    return _answer(
        wanted, order_of(params, NEWEST), request, params, NoteWriter(request, places or ())
    )


def list_of_comments(request: Request, note: Note) -> ListAnswer[NoteJson]:
    """Answer with the direct comments on a note, oldest first unless asked otherwise."""
    params = query(CommentListParams, request)
    wanted = {**_wanted(access_of(request), params), **comments_on(note.id)}
    return _answer(wanted, order_of(params, OLDEST), request, params, NoteWriter(request))


def _answer(
    wanted: Wanted, order: Order, request: Request, params: dict[str, Any], writer: NoteWriter
) -> ListAnswer[NoteJson]:
    if not any(params.get(name) for name in NARROWING):
        return answer_with(wanted, order, request, params, writer)
    notes = narrowed(wanted, _narrowed(access_of(request), params))
    search = Search(notes, words_of(params.get("q", "")))
    fetch, count = (
        (search, partial(search.count, order))
        if search.words.are_any
        else (partial(in_order, notes), notes.count)
    )
    page = page_from(fetch, count, order, request, params, whole=LIMIT)
    return page.answer(writer.all(page.rows))


def _narrowed(access: Access, params: dict[str, Any]) -> Q:
    """Return what the filters and the cycle of a request name."""
    found = by_filters(access, params.get("filters", ""))
    return found & by_cycle(access, params["cycle"]) if params.get("cycle") else found


def answer_with(
    wanted: Wanted,
    order: Order,
    request: Request,
    params: dict[str, Any],
    writer: NoteWriter,
) -> ListAnswer[NoteJson]:
    """Answer with a page of the notes that `wanted` names.

    Of what is included besides, the tag of the rows knows nothing.
    """
    fetch, count = partial(listed, wanted), partial(how_many, wanted)
    page = page_from(fetch, count, order, request, params, LIMIT)
    if writer.includes:
        return page.answer(writer.all(page.rows))
    rows = cast(Rows[Note], page.rows)  # as `listed` found them
    return page.answer_unless_known(writer.etag_of(rows), writer.all)


def _places(access: Access, params: dict[str, Any]) -> list[Collective] | None:
    """Return the collectives that the tenant base was asked for; None: that of the request.

    Those that the caller is no member of, or whose API is off, are silently absent.
    """
    handles = words(params.get("collective", ""))
    if access.path != "/api/v1/notes" or not (handles or "scope" in params):
        return None
    mine = reachable(access)
    return list(mine.filter(handle__in=handles) if handles else mine)


def _wanted(access: Access, params: dict[str, Any]) -> Wanted:
    return {
        **bounds(COLUMNS, params),
        **_by_author(access, params),
        **_by_status(access, params),
    }


def _by_subtype(params: dict[str, Any]) -> Wanted:
    asked = ["text" if word == "post" else word for word in words(params.get("subtype", ""))]
    unknown = [word for word in asked if word not in SUBTYPES]
    if unknown:
        raise named(Problem("subtype", "not_offered", {"offered": ", ".join(SUBTYPES)}))
    if params.get("commentable"):
        return {}
    return {"subtype__in": tuple(dict.fromkeys(asked)) or LISTED}


def _by_author(access: Access, params: dict[str, Any]) -> Wanted:
    author = author_of(access, params)
    return {"created_by": author.user_id} if author else {}


def _by_status(access: Access, params: dict[str, Any]) -> Wanted:
    if "status" not in params:
        return {}
    if params["status"] == "closed":
        return {"deadline__lte": access.now}
    return {"deadline__gt": access.now}


def _by_parent(access: Access, params: dict[str, Any]) -> Wanted:
    asked = params.get("commentable")
    if not asked:
        return {}
    kind, _, note_id = asked.partition(":")
    try:
        parent = live_note_at(access, note_id) if kind == Note.ITEM_TYPE else None
    except NotFound:
        parent = None
    if parent is None:
        raise named(Problem("commentable", "names no item here; write Note: and its id"))
    return comments_on(parent.id)
