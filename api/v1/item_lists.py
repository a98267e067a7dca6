"""Lists of items of any kind: the filters that all kinds have, and their queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Q
from rest_framework.request import Request

from api.http.filters import author_of, named, order_of, sort_field
from api.http.paging import PageParams, ResultPage, page_from, query
from api.responses.timestamps import bounds
from api.views import access_of
from collectives.cycles.filters import (
    MAX_LENGTH,
    WORDS,
    WORDS_OF_LISTS,
    parse_filters,
    split_list,
)
from collectives.cycles.queries import belonging_to, cycle_here
from collectives.cycles.windows import Cycle
from collectives.items.kind_queries import KindQueries
from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import Lookups
from collectives.search.language.grammar import q_field
from collectives.search.queries import matching
from harmonic.kernel.access import Access
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.parameters.fields import Choice, DateTime, Line
from harmonic.kernel.refusals import Invalid, Problem

LIMIT = 50
MOMENTS = ("created_at", "updated_at", "last_activity_at", "deadline")
NEWEST = "created_at-desc"
NARROWING = ("q", "filters", "cycle")
# A new comment counts as an update of its item.
COLUMNS = {"created": "created_at", "updated": "last_activity_at", "deadline": "deadline"}

M = TypeVar("M", bound=Item)


class ItemFilterParams(PageParams):
    """The parameters of the list of every kind."""

    sort_by = sort_field(*MOMENTS, usual=NEWEST)
    created_by = Line(
        required=False, allow_blank=True, help_text="The author: a handle, a UUID, or me."
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
        max_length=MAX_LENGTH,
        help_text="Comma-separated filters that must all match, such as mine,updated.",
    )
    cycle = Line(
        required=False, allow_blank=True, help_text="The name of a cycle, such as this-week."
    )
    scope = Choice(
        ["all"],
        required=False,
        help_text="all: items of all your collectives where the API is enabled.",
    )
    collective = Line(
        required=False, allow_blank=True, help_text="Comma-separated handles of your collectives."
    )


# Returns the condition for a kind's own parameters, if they were sent.
Narrowing = Callable[[Access, dict[str, Any]], Q | None]


@dataclass(frozen=True, slots=True)
class ItemList(Generic[M]):
    """The list of one kind. `subtypes` are the values of its parameter `subtype`."""

    queries: KindQueries[M]
    params: type[ItemFilterParams]
    subtypes: Sequence[str]
    narrowing: Narrowing

    def page(self, request: Request) -> ResultPage[M]:
        """Return the requested page.

        Raises:
            Invalid: a parameter is unknown, or its value invalid.
        """
        access, params = access_of(request), query(self.params, request)
        wanted = {**wanted_items(access, params), **by_subtype(params, self.subtypes)}
        across = items_across(access, params, self.queries.model.KIND)
        if across is None:
            wanted["collective"] = access.required_place.id
        extra = self.narrowing(access, params)
        narrowed = Q() if extra is None else extra
        if across is None and extra is None and not is_narrowed(params):
            fetch, count = (
                partial(self.queries.listed, wanted),
                partial(self.queries.count_matching, wanted),
            )
            return page_from(fetch, count, order_of(params, NEWEST), request, params, LIMIT)
        items = Item.objects.alive() if across is None else across
        return matching_page(
            self.queries,
            items.filter(
                narrowed & by_words(access, params, wanted.get("collective")),
                **self.queries.wanted,
                **wanted,
            ),
            request,
            params,
            order_of(params, NEWEST),
        )


def matching_page(
    queries: KindQueries[M],
    items: ItemQuerySet[Item],
    request: Request,
    params: dict[str, Any],
    order: Order,
) -> ResultPage[M]:
    """Return the requested page of `items`."""
    return page_from(partial(queries.among, items), items.count, order, request, params, LIMIT)


def is_narrowed(params: dict[str, Any]) -> bool:
    """Return whether a parameter was sent that the prepared queries do not support."""
    return any(params.get(name) for name in NARROWING)


def by_words(access: Access, params: dict[str, Any], place_id: UUID | None) -> Q:
    """Return the combination of `q`, `filters` and `cycle`.

    `q` finds items of one collective, or of all that the caller may read.

    Raises:
        Invalid: `q` has too many terms, a filter is unknown or its time is invalid, or no cycle has
            this name.
    """
    found_by_q = _matching(access, params.get("q", ""), place_id)
    cycle = _cycle(access, params["cycle"]) if params.get("cycle") else None
    found = parse_filters(access, params.get("filters", ""), cycle)
    if found.without_effect:
        known = WORDS if cycle else WORDS_OF_LISTS
        offered = ", ".join([*known, "created_by:handle", "created_at>time"])
        word = found.without_effect[0]
        raise named(
            Problem("filters", f"has no {word!r}; available: {offered} and similar comparisons")
        )
    condition = found_by_q & found.condition
    return condition & belonging_to(cycle) if cycle else condition


def _matching(access: Access, text: str, place_id: UUID | None) -> Q:
    try:
        return matching(access, text, place_id)
    except Invalid as invalid:
        raise named(*invalid.problems) from invalid


def _cycle(access: Access, name: str) -> Cycle:
    cycle = cycle_here(access, name)
    if cycle is None:
        raise named(Problem("cycle", "is not a cycle, such as this-week or 3-days-ago"))
    return cycle


def items_across(access: Access, params: dict[str, Any], kind: str) -> ItemQuerySet[Item] | None:
    """Return the items of several collectives; None for a list of the request's collective.

    Items of collectives that the caller cannot read are left out.
    """
    handles = split_list(params.get("collective", ""))
    if access.path != f"/api/v1/{kind.lower()}s" or not (handles or "scope" in params):
        return None
    items: ItemQuerySet[Item] = Item.objects.visible_to(access)
    return items.filter(collective__handle__in=handles) if handles else items


def wanted_items(access: Access, params: dict[str, Any]) -> dict[str, Any]:
    """Return the lookups of the author, the times and the deadline."""
    author = author_of(access, params)
    return {
        **bounds(COLUMNS, params),
        **({"created_by": author.user_id} if author else {}),
        **_by_status(access, params),
    }


def by_subtype(
    params: dict[str, Any], known: Sequence[str], aliases: Mapping[str, str] | None = None
) -> Lookups:
    """Return the lookup of the requested subtypes. `aliases` are other names for them.

    Raises:
        Invalid: one of them is unknown.
    """
    other = aliases or {}
    asked = [other.get(word, word) for word in split_list(params.get("subtype", ""))]
    if any(word not in known for word in asked):
        raise named(Problem("subtype", "not_offered", {"offered": ", ".join(known)}))
    return {"subtype__in": tuple(dict.fromkeys(asked))} if asked else {}


def _by_status(access: Access, params: dict[str, Any]) -> Lookups:
    if params.get("status") == "closed":
        return {"deadline__lte": access.now}
    return {"deadline__gt": access.now} if params.get("status") == "open" else {}
