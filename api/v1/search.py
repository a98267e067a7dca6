"""The search resource: results of all kinds, from one collective or from all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, cast

from django.db.models import Q
from django.urls import URLPattern
from rest_framework.request import Request
from typing_extensions import TypedDict

from api.http.filters import named, sort_field
from api.http.paging import PageParams, page_before, query
from api.operations import Operation
from api.responses.schema import Count, Doc, Id, ShortId, Timestamp
from api.responses.timestamps import bounds
from api.views import Base, ListResponse, Resource, route
from collectives.search.language.grammar import Query, parse, q_field
from collectives.search.ordering import MOMENTS, Sort, sort_by, sort_named
from collectives.search.queries import Found, find
from collectives.search.showing import bound_to, item_json
from harmonic.kernel.access import AccessLevel, Rule
from harmonic.kernel.http import cursors
from harmonic.kernel.parameters.fields import DateTime
from harmonic.kernel.refusals import Invalid, Problem

BASES = Base
LIMIT = 50
# The parameters that all pages of a search share.
BOUND = ("q", "sort_by", "created_after", "created_before")


class SearchListParams(PageParams):
    """The parameters of a search. A sort operator in `q` overrides `sort_by`."""

    sort_by = sort_field(*MOMENTS, usual="that of the search, or created_at-desc")
    created_after = DateTime(required=False, help_text="Created after this time.")
    created_before = DateTime(required=False, help_text="Created before this time.")
    q = q_field()


class SearchResultJson(TypedDict):
    """An item that a search found."""

    item_type: Annotated[str, Doc("The kind of item.", example="Note")]
    item_id: Id
    truncated_id: ShortId
    title: Annotated[str, Doc("The title, or else the first line.", example="Knives")]
    body: Annotated[str, Doc("The beginning of the text.")]
    path: Annotated[str, Doc("The path of the page.", example="/collectives/kitchen/n/3f0c7a52")]
    created_at: Timestamp
    updated_at: Timestamp
    deadline: Timestamp
    is_open: Annotated[bool, Doc("Whether the deadline is in the future.")]
    subtype: Annotated[str, Doc(example="text")]
    backlink_count: Count
    link_count: Count
    participant_count: Annotated[
        int, Doc("The number of readers for notes, and of participants for other items.")
    ]
    voter_count: Count
    option_count: Count
    comment_count: Count
    reader_count: Count


class Searches(Resource):
    rule = Rule(AccessLevel.COLLECTIVE)

    @Operation("search_items", query=SearchListParams, example="q=quince%20type:note")
    def list(self, request: Request) -> ListResponse[SearchResultJson]:
        """Search the items of a collective, or all that you can read."""
        params = query(SearchListParams, request)
        bound = self._bound(params)
        found = self._found(_parsed(params), params)
        return page_before(
            request,
            params,
            [cast(SearchResultJson, item_json(self.access, item)) for item in found.items],
            following=cursors.encode_values(found.end, bound) if found.end else "",
            total=found.total,
        )

    def _found(self, words: Query, params: dict[str, Any]) -> Found:
        """Return the page of results, which is empty if the search is blank."""
        after = self._after(params)
        if words.is_blank:
            return Found((), 0, None)
        is_everywhere = self.access.path == Base.TENANT.value + "/search"
        return find(
            self.access,
            words,
            _sort(words, params.get("sort_by", "")),
            limit=params.get("limit") or words.limit or LIMIT,
            after=after,
            condition=Q(**bounds({"created": "created_at"}, params)),
            place_id=None if is_everywhere else self.access.required_place.id,
        )

    def _bound(self, params: dict[str, Any]) -> str:
        given = [str(params.get(name, "")) for name in BOUND]
        return bound_to(self.access, self.access.path, *given)

    def _after(self, params: dict[str, Any]) -> Sequence[Any] | None:
        """Return the position after which the page begins, or None.

        Raises:
            Invalid: the cursor belongs to another search, or is too old.
        """
        cursor = params.get("cursor", "")
        try:
            return cursors.decode_values(cursor, self._bound(params)) if cursor else None
        except cursors.BadCursor:
            raise named(Problem("cursor", "does not belong to this list, or is too old")) from None


def _parsed(params: dict[str, Any]) -> Query:
    try:
        return parse(params.get("q", ""))
    except Invalid as invalid:
        raise named(*invalid.problems) from invalid


def _sort(words: Query, asked: str) -> Sort:
    named_order = words.value("sort")
    by_parameter = None if named_order else sort_by(asked)
    return by_parameter or sort_named(named_order, words.words)


def urls() -> list[URLPattern]:
    return [route("api/v1/search", Searches, get="list")]
