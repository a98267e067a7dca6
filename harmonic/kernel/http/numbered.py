"""Lists of pages that are read by number: `?page=2`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
    return numbered_prepared(lambda: rows[: per_page + 1], lambda: rows, access, per_page)


def numbered_prepared(
    first: Callable[[], Iterable[Any]],
    rows: Callable[[], QuerySet[Any] | Sequence[Any]],
    access: Access,
    per_page: int,
) -> Page[Any]:
    """Return a page as `numbered`; `first` reads the first `per_page + 1` rows."""
    asked = access.query.get("page")
    if asked is None:
        found = list(first())
        if len(found) <= per_page:
            return Paginator(found, per_page).get_page(1)
    return Paginator(rows(), per_page).get_page(asked)
