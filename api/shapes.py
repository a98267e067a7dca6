"""Values as the wire has them."""

from __future__ import annotations

from datetime import UTC, datetime


def ts(moment: datetime) -> str:
    """Return a moment in UTC with milliseconds: `2026-05-13T12:34:56.789Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def ts_or_none(moment: datetime | None) -> str | None:
    return ts(moment) if moment else None
