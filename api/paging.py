"""Lists in pages: keyset cursors, and the `Link` header that leads on (RFC 8288)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from api.views import access_of, origin_of
from harmonic.kernel import cursors, wording
from harmonic.kernel.access import Invalid, Problem
from harmonic.kernel.fields import Flag, Line, Params, Whole
from harmonic.kernel.params import Raw, validated

MAX_LIMIT = 200
# Lists that are given whole are cut here.
WHOLE = 1000
# What a cursor is not bound to: the place in the list, and what is shown of each row.
_FREE = frozenset({"cursor", "limit", "count", "include"})

M = TypeVar("M", bound=models.Model)


class PageParams(Params):
    """What every list takes."""

    limit = Whole(required=False, min_value=1, max_value=MAX_LIMIT, help_text="Rows in a page.")
    cursor = Line(required=False, allow_blank=True, help_text="Where the page begins.")
    count = Flag(required=False, help_text="Whether to count the whole list.")


@dataclass(frozen=True, slots=True)
class Order:
    """By a moment, then by id; both in the same direction."""

    moment: str
    is_descending: bool = True

    @property
    def columns(self) -> tuple[str, str]:
        sign = "-" if self.is_descending else ""
        return f"{sign}{self.moment}", f"{sign}id"

    def beyond(self, position: cursors.Position) -> Q:
        moment, row_id = position
        word = "lt" if self.is_descending else "gt"
        return Q(**{f"{self.moment}__{word}": moment}) | Q(
            **{self.moment: moment, f"id__{word}": row_id}
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Some rows of a list, and how its answer leads on."""

    rows: list[M]
    headers: dict[str, str]

    def answer(self, shown: list[dict[str, Any]]) -> Response:
        return Response(shown, headers=self.headers)


def query(params: type[Params], request: Request) -> dict[str, Any]:
    """Return the parameters of a read, from the query string alone.

    Raises:
        Invalid: naming the faulty ones.
    """
    lists: dict[str, Any] = {
        name.removesuffix("[]"): request.query_params.getlist(name) for name in request.query_params
    }
    try:
        return validated(params, Raw(lists, is_form=True))
    except Invalid as invalid:
        raise named(*invalid.problems) from invalid


def named(*problems: Problem) -> Invalid:
    """Return the refusal of a query's parameters, which names them as the address spells them."""
    return Invalid(*problems, rest_message=wording.joined(problems))


def page_of(
    rows: QuerySet[M], order: Order, request: Request, params: dict[str, Any], whole: int = WHOLE
) -> Page[M]:
    """Return the page of `rows` that a request asks for; without `limit`, `whole` rows.

    Raises:
        Invalid: a cursor that is not ours, is too old, or belongs to another list.
    """
    limit = params.get("limit", whole)
    bound = _bound_to(request)
    headers = {"X-Total-Count": str(rows.count())} if params.get("count") else {}
    cursor = params.get("cursor", "")
    if cursor:
        rows = rows.filter(order.beyond(_position(cursor, bound)))
    found = list(rows.order_by(*order.columns)[: limit + 1])
    shown = found[:limit]
    following = ""
    if len(found) > limit:
        last = shown[-1]
        following = cursors.encode((attrgetter(order.moment)(last), last.pk), bound)
    return Page(shown, {**headers, "Link": _links(request, following)})


def _position(cursor: str, bound: str) -> cursors.Position:
    try:
        return cursors.decode(cursor, bound)
    except cursors.BadCursor as error:
        raise named(Problem("cursor", "is not one of this list, or is too old")) from error


def _bound_to(request: Request) -> str:
    """Return a digest of what a cursor belongs to: the tenant, the list, its filters."""
    access = access_of(request)
    filters = sorted((k, v) for k, v in request.query_params.lists() if k not in _FREE)
    whole = json.dumps([str(access.tenant.id), access.path, filters])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _links(request: Request, following: str) -> str:
    """Return the Link header: absolute URLs that repeat every parameter."""
    links = [f'<{_url(request, following)}>; rel="next"'] if following else []
    return ", ".join([*links, f'<{_url(request, "")}>; rel="first"'])


def _url(request: Request, cursor: str) -> str:
    repeated = request._request.GET.copy()
    repeated.pop("cursor", None)
    if cursor:
        repeated["cursor"] = cursor
    path = f"{origin_of(request)}{access_of(request).path}"
    return f"{path}?{repeated.urlencode()}" if repeated else path
