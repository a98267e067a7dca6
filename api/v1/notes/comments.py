"""Comments on notes, decisions and commitments. A comment is a note, and is read as one."""

from __future__ import annotations

from rest_framework.request import Request

from api.http.filters import order_of, sort_field
from api.http.paging import query
from api.v1.item_lists import MOMENTS, wanted_items
from api.v1.notes.json import NoteJson
from api.v1.notes.lists import OLDEST, NoteListParams, matching_notes
from api.views import ListResponse, access_of
from collectives.items.models import Item
from collectives.items.queries import comments_on


class CommentListParams(NoteListParams):
    """Parameters of an item's comments: those of notes that do not select a parent."""

    sort_by = sort_field(*MOMENTS, usual=OLDEST)
    # This removes a field of the base class in REST framework.
    subtype = None  # type: ignore[assignment]
    commentable = None  # type: ignore[assignment]
    scope = None  # type: ignore[assignment]
    collective = None  # type: ignore[assignment]


def list_of_comments(request: Request, item: Item) -> ListResponse[NoteJson]:
    """Return the response with the direct comments on an item, by default oldest first."""
    params = query(CommentListParams, request)
    wanted = {**wanted_items(access_of(request), params), **comments_on(item.id)}
    return matching_notes(wanted, order_of(params, OLDEST), request, params)
