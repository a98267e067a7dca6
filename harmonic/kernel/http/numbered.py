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
    """Return the page of `rows` that the query parameter `page` names, or the nearest one.

    Without a number the first page is read, and the rows are counted only if there are more.
    """
    asked = access.query.get("page")
    if asked is None:
        first = list(rows[: per_page + 1])
        if len(first) <= per_page:
            return Paginator(first, per_page).get_page(1)
    return Paginator(rows, per_page).get_page(asked)
