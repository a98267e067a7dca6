"""Values as the wire has them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

# What the wire can tell apart.
TICK = timedelta(milliseconds=1)


def ts(moment: datetime) -> str:
    """Return a moment in UTC with milliseconds: `2026-05-13T12:34:56.789Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def ts_or_none(moment: datetime | None) -> str | None:
    return ts(moment) if moment else None


def floor(moment: datetime) -> datetime:
    """Return a moment as the wire shows it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def after(column: str, moment: datetime) -> dict[str, datetime]:
    """Return the lookup of moments that the wire shows as later than `moment`."""
    return {f"{column}__gte": floor(moment) + TICK}


def before(column: str, moment: datetime) -> dict[str, datetime]:
    """Return the lookup of moments earlier than `moment`."""
    return {f"{column}__lt": moment}


def bounds(columns: Mapping[str, str], params: Mapping[str, Any]) -> dict[str, datetime]:
    """Return the lookups of `{name}_after` and `{name}_before`; both leave the moment out.

    `columns` tells which column the moments of a name are in.
    """
    found: dict[str, datetime] = {}
    for name, column in columns.items():
        for word, bound in (("after", after), ("before", before)):
            if moment := params.get(f"{name}_{word}"):
                found |= bound(column, moment)
    return found
