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
    """Return the page of `rows` that the query string asks for; the nearest if there is none."""
    return Paginator(rows, per_page).get_page(access.query.get("page"))
