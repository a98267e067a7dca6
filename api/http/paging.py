"""Pagination of lists: keyset cursors and `Link` headers (RFC 8288)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
from api.views import ListResponse, access_of, listed_keys
from harmonic.kernel.access import Access
from harmonic.kernel.http import conditional, cursors
from harmonic.kernel.http.cursors import CursorPage, Order, Position
from harmonic.kernel.parameters.decoding import RawParams, declared_fields, validated
from harmonic.kernel.parameters.fields import Flag, Integer, Line, Params
from harmonic.kernel.refusals import Invalid, Problem
from harmonic.kernel.rendering.documents import origin_of

MAX_LIMIT = 200
# The default limit of lists that are not paginated by default.
WHOLE = 1000
# Bytes of JSON in a response; it ends before the object that would exceed them.
LIST_BYTES = 1_000_000
# Marks cursors that lead back.
BACK = "<"
FIRST = ("first", "")
# Parameters that may change between pages: the position, and the content of each object.
_FREE = frozenset({"cursor", "limit", "count", "include", "fields"})

M = TypeVar("M", bound=models.Model)
T = TypeVar("T")


class PageParams(Params):
    """Parameters of all lists."""

    limit = Integer(
        required=False,
        min_value=1,
        max_value=MAX_LIMIT,
        help_text="The maximum number of objects in the page.",
    )
    cursor = Line(
        required=False, allow_blank=True, help_text="The position of the page, from a Link header."
    )
    count = Flag(required=False, help_text="Return the length of the whole list in X-Total-Count.")
    # REST framework removes declared fields from the class, so this does not replace its `fields`.
    fields = Line(  # type: ignore[assignment]
        required=False,
        allow_blank=True,
        help_text="Comma-separated keys to return in addition to id. Default: all.",
    )


@dataclass(frozen=True, slots=True)
class ResultPage(Generic[M]):
    """A page of a list, and the positions of the pages next to it.

    With `is_back` it was reached from the following page, and must stay adjacent to it.
    """

    rows: Sequence[M]
    request: Request
    bound: str
    moment: str
    # The positions of the previous and the next page, if they exist.
    previous: Position | None
    next: Position | None
    total: int | None
    is_back: bool = False
    # The keys that `fields` selects; empty for all.
    keys: tuple[str, ...] = ()

    def response(self, shown: list[T]) -> ListResponse[T]:
        """Return the response with objects up to `LIST_BYTES`. The rest is on the next page."""
        if self.keys:
            shown = [_with_keys(row, self.keys) for row in shown]
        fitting = _fitting(shown[::-1] if self.is_back else shown)
        if fitting == len(shown):
            return ListResponse(shown, headers=self.headers)
        if self.is_back:
            cut = replace(self, previous=_position(self.moment, self.rows[-fitting]))
            return ListResponse(shown[-fitting:], headers=cut.headers)
        cut = replace(self, next=_position(self.moment, self.rows[fitting - 1]))
        return ListResponse(shown[:fitting], headers=cut.headers)

    def answer_unless_known(
        self, etag: str, write: Callable[[Sequence[M]], list[T]]
    ) -> ListResponse[T]:
        """Return the response with the objects that `write` makes of the rows.

        `etag` is the tag of what the objects are made from. `write` is not called if it matches the
        client's copy.
        """
        if self.keys:
            etag = conditional.etag_of(",".join([etag, *self.keys]).encode())
        known = conditional.is_known(self.request._request.headers, etag)
        shown = [] if known else write(self.rows)
        if self.keys:
            shown = [_with_keys(row, self.keys) for row in shown]
        return ListResponse(shown, headers={**self.headers, "ETag": etag})

    @property
    def headers(self) -> dict[str, str]:
        total = {} if self.total is None else {"X-Total-Count": str(self.total)}
        cursors_ = {
            "next": cursors.encode(self.next, self.bound) if self.next else "",
            "prev": cursors.encode(self.previous, f"{self.bound}{BACK}") if self.previous else "",
        }
        return {**total, "Link": _links(self.request, cursors_)}


def _with_keys(row: T, keys: Collection[str]) -> T:
    """Return an object with some of its keys."""
    whole = cast(Mapping[str, Any], row)
    return cast(T, {key: whole[key] for key in whole if key in keys})


def _keys(request: Request, params: dict[str, Any]) -> tuple[str, ...]:
    """Return the keys that `fields` selects, and the id; empty if it is absent.

    Raises:
        Invalid: the objects of this list have no such key.
    """
    chosen = [name.strip() for name in params.get("fields", "").split(",") if name.strip()]
    if not chosen:
        return ()
    known = listed_keys(request)
    if not set(chosen) <= set(known):
        raise named(Problem("fields", "not_offered", {"offered": ", ".join(known)}))
    return tuple(dict.fromkeys(["id", *chosen]))


def _fitting(shown: list[T]) -> int:
    """Return how many of the first objects fit into `LIST_BYTES` of JSON; at least one."""
    total = 0
    for number, row in enumerate(shown):
        total += len(Json().render(row))
        if total > LIST_BYTES and number:
            return number
    return len(shown)


def query(params: type[Params], request: Request) -> dict[str, Any]:
    """Return the parameters of a read from the query string.

    Raises:
        Invalid: parameters are unknown or invalid.
    """
    asked = _asked(params, request)
    refuse_unknown(asked, declared_fields(params))
    try:
        return validated(params, RawParams(asked, is_form=True))
    except Invalid as invalid:
        raise named(*invalid.problems) from invalid


def _asked(params: type[Params], request: Request) -> dict[str, str]:
    """Return the values of a query by name: `subtype[]` twice is a list, `limit` twice an error."""
    asked: dict[str, str] = {}
    for key, values in request.query_params.lists():
        name = key.removesuffix("[]")
        is_again = name in asked or (name == key and len(values) > 1)
        if is_again and name in declared_fields(params):
            raise Invalid(Problem(name, "is given more than once"))
        asked[name] = ",".join(values)
    return asked


class Fetch(Protocol[M]):
    """Function that returns at most `limit` rows of a list in an order, after a position."""

    def __call__(self, order: Order, limit: int, after: Position | None) -> CursorPage[M]: ...


def page_of(
    rows: QuerySet[M], order: Order, request: Request, params: dict[str, Any], whole: int = WHOLE
) -> ResultPage[M]:
    """Return the requested page of `rows`; the default limit is `whole`.

    Raises:
        Invalid: the cursor is malformed, too old, or belongs to another list.
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
    """Return the requested page of a list that `fetch` reads and `count` counts.

    Raises:
        Invalid: `page_of` refuses the parameters.
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
        # The page that the client comes from exists.
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


def page_before(
    request: Request, params: dict[str, Any], shown: list[T], *, following: str, total: int
) -> ListResponse[T]:
    """Return the response with a page of a list that has an order of its own.

    `following` is the cursor of the next page, or "".
    """
    if keys := _keys(request, params):
        shown = [_with_keys(row, keys) for row in shown]
    counted = {"X-Total-Count": str(total)} if params.get("count") else {}
    headers = {**counted, "Link": _links(request, {"next": following})}
    return ListResponse(shown, headers=headers)


def _fetched(rows: QuerySet[M], order: Order, limit: int, after: Position | None) -> CursorPage[M]:
    if after is not None:
        rows = rows.filter(order.beyond(after))
    found = list(rows.order_by(*order.columns)[: limit + 1])
    end = _position(order.moment, found[limit - 1]) if len(found) > limit else None
    return CursorPage(found[:limit], end)


@dataclass(frozen=True, slots=True)
class Start:
    """The position where a page begins, or with `is_back` ends. None is the end of the list."""

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
    raise named(Problem("cursor", "does not belong to this list, or is too old"))


def _position(moment: str, row: M) -> Position:
    return attrgetter(moment)(row), row.pk


def _bound_to(request: Request) -> str:
    """Return what the cursors of the requested list are bound to."""
    access = access_of(request)
    return _bound(access, access.path, request.query_params.lists())


def _bound(access: Access, path: str, asked: Iterable[tuple[str, list[str]]]) -> str:
    """Return a digest of the tenant, the path and the filters, to which cursors are bound."""
    filters = sorted((name, values) for name, values in asked if name not in _FREE)
    whole = json.dumps([str(access.tenant.id), path, filters])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def url_after(
    request: Request, path: str, asked: Mapping[str, str], position: Position | None
) -> str:
    """Return the URL of another list after a position, or of its beginning.

    `asked` are its parameters, and `path` is its canonical path.
    """
    bound = _bound(access_of(request), path, [(name, [asked[name]]) for name in asked])
    cursor = cursors.encode(position, bound) if position else ""
    return _url(f"{origin_of(request)}{path}", [*asked.items()], cursor)


def _links(request: Request, cursors_: dict[str, str]) -> str:
    """Return the Link header, with absolute URLs that repeat all parameters."""
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
