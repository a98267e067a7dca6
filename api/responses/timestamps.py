"""Timestamps of the API, in UTC with milliseconds, and database lookups of the same precision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

# The precision of timestamps in requests and responses.
MILLISECOND = timedelta(milliseconds=1)


def format_timestamp(moment: datetime) -> str:
    """Return a time in UTC with milliseconds: `2026-05-13T12:34:56.789Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def format_optional_timestamp(moment: datetime | None) -> str | None:
    return format_timestamp(moment) if moment else None


def truncate_to_milliseconds(moment: datetime) -> datetime:
    """Return a time with the precision of responses."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def after(column: str, moment: datetime) -> dict[str, datetime]:
    """Return the lookup of times that are later than `moment` in responses."""
    return {f"{column}__gte": truncate_to_milliseconds(moment) + MILLISECOND}


def before(column: str, moment: datetime) -> dict[str, datetime]:
    """Return the lookup of times earlier than `moment`."""
    return {f"{column}__lt": moment}


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
