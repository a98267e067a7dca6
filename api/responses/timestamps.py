"""Timestamps of the API, and its filters by time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from harmonic.kernel.http.moments import after, before
from harmonic.kernel.http.moments import format_timestamp as format_timestamp


def format_optional_timestamp(moment: datetime | None) -> str | None:
    return format_timestamp(moment) if moment else None


def bounds(columns: Mapping[str, str], params: Mapping[str, Any]) -> dict[str, datetime]:
    """Return the lookups for `{name}_after` and `{name}_before`, which exclude the time itself.

    `columns` maps each name to its column.
    """
    found: dict[str, datetime] = {}
    for name, column in columns.items():
        for word, bound in (("after", after), ("before", before)):
            if moment := params.get(f"{name}_{word}"):
                found |= bound(column, moment)
    return found
