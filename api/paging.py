"""Lists in pages: keyset cursors, and the `Link` header that leads on (RFC 8288)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from django.db import models
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import named, refuse_unknown
from api.views import access_of, origin_of
from harmonic.kernel import conditional, cursors
from harmonic.kernel.access import Invalid, Problem
from harmonic.kernel.cursors import Order
from harmonic.kernel.fields import Flag, Line, Params, Whole
from harmonic.kernel.params import Raw, validated

MAX_LIMIT = 200
# Lists that are given whole are cut here.
WHOLE = 1000
# What the cursors of a list are bound to besides, if they lead back.
BACK = "<"
FIRST = ("first", "")
# What a cursor is not bound to: the place in the list, and what is shown of each row.
_FREE = frozenset({"cursor", "limit", "count", "include"})

M = TypeVar("M", bound=models.Model)
M_co = TypeVar("M_co", bound=models.Model, covariant=True)


class PageParams(Params):
    """What every list takes."""

    limit = Whole(required=False, min_value=1, max_value=MAX_LIMIT, help_text="Rows in a page.")
    cursor = Line(required=False, allow_blank=True, help_text="Where the page begins.")
    count = Flag(required=False, help_text="Whether to count the whole list.")


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Some rows of a list, and how its answer leads on."""

    rows: Sequence[M]
    headers: dict[str, str]

    def answer(self, shown: list[dict[str, Any]]) -> Response:
        return Response(shown, headers=self.headers)

    def answer_unless_known(
        self, request: Request, etag: str, write: Callable[[Sequence[M]], list[dict[str, Any]]]
    ) -> Response:
        """Answer with what `write` makes of the rows, which is only called for a client
        that does not have it: `etag` stands for it."""
        shown = [] if conditional.is_known(request._request.headers, etag) else write(self.rows)
        return Response(shown, headers={**self.headers, "ETag": etag})


def query(params: type[Params], request: Request) -> dict[str, Any]:
    """Return the parameters of a read, from the query string alone.

    Raises:
        Invalid: naming the faulty ones.
    """
    asked = _asked(params, request)
    refuse_unknown(asked, params().fields)
    try:
        return validated(params, Raw(asked, is_form=True))
    except Invalid as invalid:
        raise named(*invalid.problems) from invalid


def _asked(params: type[Params], request: Request) -> dict[str, str]:
    """Return what a query gives by name: `subtype[]` twice is a list, `limit` twice a fault."""
    asked: dict[str, str] = {}
    for key, values in request.query_params.lists():
        name = key.removesuffix("[]")
        is_again = name in asked or (name == key and len(values) > 1)
        if is_again and name in params().fields:
            raise Invalid(Problem(name, "is given more than once"))
        asked[name] = ",".join(values)
    return asked


class Fetch(Protocol[M_co]):
    """Finds the first `limit` rows of a list in an order, beyond a position."""

    def __call__(
        self, order: Order, limit: int, after: cursors.Position | None
    ) -> Sequence[M_co]: ...


def page_of(
    rows: QuerySet[M], order: Order, request: Request, params: dict[str, Any], whole: int = WHOLE
) -> Page[M]:
    """Return the page of `rows` that a request asks for; without `limit`, `whole` rows.

    Raises:
        Invalid: a cursor that is not ours, is too old, or belongs to another list.
    """
    return page_from(partial(_fetched, rows), rows.count, order, request, params, whole)


def page_from(
    fetch: Fetch[M],
    count: Callable[[], int],
    order: Order,
    request: Request,
    params: dict[str, Any],
    whole: int = WHOLE,
) -> Page[M]:
    """Return the page that a request asks for of a list that `fetch` and `count` know.

    Raises:
        Invalid: as `page_of`.
    """
    headers = {"X-Total-Count": str(count())} if params.get("count") else {}
    start = _start(params.get("cursor", ""), _bound_to(request))
    stretch = _stretch(fetch, order, start, params.get("limit", whole))
    cursor_of = partial(_cursor, order.moment, start.bound)
    links = {"next": "", "prev": ""}
    if stretch.rows and stretch.has_next:
        links["next"] = cursor_of(stretch.rows[-1], "")
    if stretch.rows and stretch.has_previous:
        links["prev"] = cursor_of(stretch.rows[0], BACK)
    return Page(stretch.rows, {**headers, "Link": _links(request, links)})


def _fetched(
    rows: QuerySet[M], order: Order, limit: int, after: cursors.Position | None
) -> Sequence[M]:
    if after is not None:
        rows = rows.filter(order.beyond(after))
    return list(rows.order_by(*order.columns)[:limit])


@dataclass(frozen=True, slots=True)
class Start:
    """Where a page begins, or with `is_back` ends; without a position the list does."""

    bound: str
    position: cursors.Position | None = None
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Stretch(Generic[M]):
    rows: Sequence[M]
    has_previous: bool
    has_next: bool


def _start(cursor: str, bound: str) -> Start:
    if not cursor:
        return Start(bound)
    for way in ("", BACK):
        try:
            return Start(bound, cursors.decode(cursor, f"{bound}{way}"), bool(way))
        except cursors.BadCursor:
            continue
    raise named(Problem("cursor", "is not one of this list, or is too old"))


def _stretch(fetch: Fetch[M], order: Order, start: Start, limit: int) -> Stretch[M]:
    """Return the rows of a page; what lies on the side that one comes from is known to be there."""
    way = order.reversed if start.is_back else order
    found = fetch(way, limit + 1, start.position)
    shown, has_more = found[:limit], len(found) > limit
    if start.is_back:
        return Stretch(shown[::-1], has_previous=has_more, has_next=True)
    return Stretch(shown, has_previous=start.position is not None, has_next=has_more)


def _cursor(moment: str, bound: str, row: M, way: str) -> str:
    return cursors.encode((attrgetter(moment)(row), row.pk), f"{bound}{way}")


def _bound_to(request: Request) -> str:
    """Return a digest of what a cursor belongs to: the tenant, the list, its filters."""
    access = access_of(request)
    filters = sorted((k, v) for k, v in request.query_params.lists() if k not in _FREE)
    whole = json.dumps([str(access.tenant.id), access.path, filters])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _links(request: Request, cursors_: dict[str, str]) -> str:
    """Return the Link header: absolute URLs that repeat every parameter."""
    path = f"{origin_of(request)}{access_of(request).path}"
    asked = request.query_params.lists()
    repeated = [(name, value) for name, values in asked if name != "cursor" for value in values]
    known = [(rel, cursor) for rel, cursor in cursors_.items() if cursor]
    return ", ".join(
        f'<{_url(path, repeated, cursor)}>; rel="{rel}"' for rel, cursor in [*known, FIRST]
    )


def _url(path: str, repeated: list[tuple[str, str]], cursor: str) -> str:
    asked = [*repeated, ("cursor", cursor)] if cursor else repeated
    return f"{path}?{urlencode(asked)}" if asked else path
