"""Timestamps of responses, in UTC with milliseconds, and lookups with the same precision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# The precision of timestamps in requests and responses.
MILLISECOND = timedelta(milliseconds=1)


def format_timestamp(moment: datetime) -> str:
    """Return a time in UTC with milliseconds: `2026-05-13T12:34:56.789Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def truncate_to_milliseconds(moment: datetime) -> datetime:
    """Return a time with the precision of responses."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def after(column: str, moment: datetime) -> dict[str, datetime]:
    """Return the lookup of times that are later than `moment` in responses."""
    return {f"{column}__gte": truncate_to_milliseconds(moment) + MILLISECOND}


def before(column: str, moment: datetime) -> dict[str, datetime]:
    """Return the lookup of times earlier than `moment`."""
    return {f"{column}__lt": moment}


def at(column: str, moment: datetime) -> dict[str, datetime]:
    """Return the lookup of times that responses show as `moment`."""
    shown = truncate_to_milliseconds(moment)
    return {f"{column}__gte": shown, f"{column}__lt": shown + MILLISECOND}
