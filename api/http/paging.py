"""Lists in pages: keyset cursors, and the `Link` header that leads on (RFC 8288)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar, cast
from urllib.parse import urlencode

from django.db import models
from django.db.models import QuerySet
from rest_framework.request import Request

from api.http.filters import named, refuse_unknown
from api.http.negotiation import Json
from api.views import ListAnswer, access_of, listed_keys
from harmonic.kernel.http import conditional, cursors
from harmonic.kernel.http.cursors import CursorPage, Order, Position
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import Flag, Integer, Line, Params
from harmonic.kernel.refusals import Invalid, Problem
from harmonic.kernel.rendering.documents import origin_of

MAX_LIMIT = 200
# Lists that are given whole are cut here.
WHOLE = 1000
# Bytes of JSON in a list; it ends before the row that exceeds them.
LIST_BYTES = 1_000_000
# What the cursors of a list are bound to besides, if they lead back.
BACK = "<"
FIRST = ("first", "")
# What a cursor is not bound to: the place in the list, and what is shown of each row.
_FREE = frozenset({"cursor", "limit", "count", "include", "fields"})

M = TypeVar("M", bound=models.Model)
T = TypeVar("T")


class PageParams(Params):
    """What every list takes."""

    limit = Integer(required=False, min_value=1, max_value=MAX_LIMIT, help_text="Rows in a page.")
    cursor = Line(required=False, allow_blank=True, help_text="Where the page begins.")
    count = Flag(required=False, help_text="Whether to count the whole list.")
    # REST framework takes the fields of a class off it, so that its own `fields` stays.
    fields = Line(  # type: ignore[assignment]
        required=False,
        allow_blank=True,
        help_text="Comma list of the keys that each object has besides its id. Default: all.",
    )


@dataclass(frozen=True, slots=True)
class ResultPage(Generic[M]):
    """Some rows of a list, and how its answer leads on.

    With `is_back` it was reached from the page behind it, to which it must stay adjacent.
    """

    rows: Sequence[M]
    request: Request
    bound: str
    moment: str
    # Where the page before and the page behind begin, as far as they are known to exist.
    previous: Position | None
    next: Position | None
    total: int | None
    is_back: bool = False
    # The keys that each object is to have; none chosen: all of them.
    keys: tuple[str, ...] = ()

    def answer(self, shown: list[T]) -> ListAnswer[T]:
        """Answer with what the rows look like, up to `LIST_BYTES`; the rest is the next page."""
        if self.keys:
            shown = [_with_keys(row, self.keys) for row in shown]
        fitting = _fitting(shown[::-1] if self.is_back else shown)
        if fitting == len(shown):
            return ListAnswer(shown, headers=self.headers)
        if self.is_back:
            cut = replace(self, previous=_position(self.moment, self.rows[-fitting]))
            return ListAnswer(shown[-fitting:], headers=cut.headers)
        cut = replace(self, next=_position(self.moment, self.rows[fitting - 1]))
        return ListAnswer(shown[:fitting], headers=cut.headers)

    def answer_unless_known(
        self, etag: str, write: Callable[[Sequence[M]], list[T]]
    ) -> ListAnswer[T]:
        """Answer with what `write` makes of the rows, which is only called for a client
        that does not have it: `etag` stands for it."""
        if self.keys:
            etag = conditional.etag_of(",".join([etag, *self.keys]).encode())
        known = conditional.is_known(self.request._request.headers, etag)
        shown = [] if known else write(self.rows)
        if self.keys:
            shown = [_with_keys(row, self.keys) for row in shown]
        return ListAnswer(shown, headers={**self.headers, "ETag": etag})

    @property
    def headers(self) -> dict[str, str]:
        total = {} if self.total is None else {"X-Total-Count": str(self.total)}
        cursors_ = {
            "next": cursors.encode(self.next, self.bound) if self.next else "",
            "prev": cursors.encode(self.previous, f"{self.bound}{BACK}") if self.previous else "",
        }
        return {**total, "Link": _links(self.request, cursors_)}


def _with_keys(row: T, keys: Collection[str]) -> T:
    """Return an object with its id and the keys that a request chose."""
    whole = cast(Mapping[str, Any], row)
    return cast(T, {key: whole[key] for key in whole if key in keys})


def _keys(request: Request, params: dict[str, Any]) -> tuple[str, ...]:
    """Return the keys that `fields` chooses, the id among them; none if it is absent.

    Raises:
        Invalid: objects of this list have no such key.
    """
    chosen = [name.strip() for name in params.get("fields", "").split(",") if name.strip()]
    if not chosen:
        return ()
    known = listed_keys(request)
    if not set(chosen) <= set(known):
        raise named(Problem("fields", "not_offered", {"offered": ", ".join(known)}))
    return tuple(dict.fromkeys(["id", *chosen]))


def _fitting(shown: list[T]) -> int:
    """Return how many of the first rows have `LIST_BYTES` together as JSON; one at least."""
    total = 0
    for number, row in enumerate(shown):
        total += len(Json().render(row))
        if total > LIST_BYTES and number:
            return number
    return len(shown)


def query(params: type[Params], request: Request) -> dict[str, Any]:
    """Return the parameters of a read, from the query string alone.

    Raises:
        Invalid: naming the faulty ones.
    """
    asked = _asked(params, request)
    refuse_unknown(asked, params().fields)
    try:
        return validated(params, RawParams(asked, is_form=True))
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


class Fetch(Protocol[M]):
    """Finds at most the first `limit` rows of a list in an order, beyond a position."""

    def __call__(self, order: Order, limit: int, after: Position | None) -> CursorPage[M]: ...


def page_of(
    rows: QuerySet[M], order: Order, request: Request, params: dict[str, Any], whole: int = WHOLE
) -> ResultPage[M]:
    """Return the page of `rows` that a request asks for; without `limit`, `whole` rows.

    Raises:
        Invalid: a cursor that is not ours, is too old, or belongs to another list.
    """
    return page_from(partial(_fetched, rows), rows.count, order, request, params, whole)


def page_from(
    fetch: Fetch[M],
    count: Callable[[], int | None],
    order: Order,
    request: Request,
    params: dict[str, Any],
    whole: int = WHOLE,
) -> ResultPage[M]:
    """Return the page that a request asks for of a list that `fetch` and `count` know.

    Raises:
        Invalid: as `page_of`.
    """
    keys = _keys(request, params)
    total = count() if params.get("count") else None
    start = _start(params.get("cursor", ""), _bound_to(request))
    way = order.reversed if start.is_back else order
    found = fetch(way, params.get("limit", whole), start.position)
    rows = found.rows[::-1] if start.is_back else found.rows
    first = _position(order.moment, rows[0]) if rows else None
    last = _position(order.moment, rows[-1]) if rows else None
    if start.is_back:
        # What lies on the side that one comes from is known to be there.
        previous, following = found.end, last or found.end
    else:
        previous, following = first if start.position else None, found.end
    return ResultPage(
        rows=rows,
        request=request,
        bound=start.bound,
        moment=order.moment,
        previous=previous,
        next=following,
        total=total,
        is_back=start.is_back,
        keys=keys,
    )


def _fetched(rows: QuerySet[M], order: Order, limit: int, after: Position | None) -> CursorPage[M]:
    if after is not None:
        rows = rows.filter(order.beyond(after))
    found = list(rows.order_by(*order.columns)[: limit + 1])
    end = _position(order.moment, found[limit - 1]) if len(found) > limit else None
    return CursorPage(found[:limit], end)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a page begins, or with `is_back` ends; without a position the list does."""

    bound: str
    position: Position | None = None
    is_back: bool = False


def _start(cursor: str, bound: str) -> Start:
    if not cursor:
        return Start(bound)
    for way in ("", BACK):
        try:
            return Start(bound, cursors.decode(cursor, f"{bound}{way}"), bool(way))
        except cursors.BadCursor:
            continue
    raise named(Problem("cursor", "is not one of this list, or is too old"))


def _position(moment: str, row: M) -> Position:
    return attrgetter(moment)(row), row.pk


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
