"""Lists of pages that are read by number: `?page=2`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from harmonic.kernel.access import Access

PER_PAGE = 100


def numbered(
    rows: QuerySet[Any] | Sequence[Any], access: Access, per_page: int = PER_PAGE
) -> Page[Any]:
    """Return the page of `rows` that the query string asks for; the nearest if there is none.

    Most lists fit on one page, so without a number that page is read and nothing is counted.
    """
    asked = access.query.get("page")
    if asked is None:
        first = list(rows[: per_page + 1])
        if len(first) <= per_page:
            return Paginator(first, per_page).get_page(1)
    return Paginator(rows, per_page).get_page(asked)
