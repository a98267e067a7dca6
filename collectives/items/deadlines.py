"""Deadlines of decisions and commitments: their formats, and when items are closed.

An item is closed once its deadline has passed. "No deadline" is stored as a date 100 years ahead,
so that every comparison is with one column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from rest_framework import serializers

from accounts.timezones import checked_timezone, timezone_names
from collectives.queries import current_collective
from harmonic.kernel.access import Access
from harmonic.kernel.parameters.fields import (
    EARLIEST,
    LATEST,
    Choice,
    DateTime,
    Line,
    Parameter,
)
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import Invalid

YEARS_WITHOUT_DEADLINE = 100
# An item whose deadline is further away is closed manually.
YEARS_UNTIL_MANUAL = 50

NONE, CRITICAL_MASS, AT, NOW = "no_deadline", "close_at_critical_mass", "datetime", "close_now"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
# More seconds than there are between two moments, and few enough for a timedelta.
_FURTHEST = 10**12
_UNIX = re.compile(r"[0-9]{10,15}")
_DISTANCE = re.compile(r"([0-9]{1,12})([smhdw])", re.IGNORECASE)
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")


# --- Closed or open -------------------------------------------------------------------------


def is_closed(deadline: datetime, now: datetime) -> bool:
    """Return whether an item with this deadline is closed at `now`."""
    return deadline <= now


def no_deadline(now: datetime) -> datetime:
    """Return the stored deadline of an item without a deadline."""
    return _years_after(now, YEARS_WITHOUT_DEADLINE)


def is_manual(deadline: datetime, now: datetime) -> bool:
    """Return whether an item has no real deadline, so that it is closed manually."""
    return deadline > _years_after(now, YEARS_UNTIL_MANUAL)


def _years_after(now: datetime, years: int) -> datetime:
    """Return the same date `years` later; 28 February for 29 February if it does not exist."""
    try:
        return now.replace(year=now.year + years)
    except ValueError:
        return now.replace(year=now.year + years, day=28)


# --- Times as they are sent -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TypedTime:
    """A time in a request: a moment, a duration from now, or a local time without a zone."""

    moment: datetime | None = None
    distance: timedelta | None = None
    local: datetime | None = None

    def at(self, now: datetime, zone: ZoneInfo) -> datetime:
        """Return the moment in UTC, between `EARLIEST` and `LATEST`."""
        try:
            moment = self._at(now, zone)
        except OverflowError:
            return LATEST
        return min(max(moment, EARLIEST), LATEST).astimezone(UTC)

    def _at(self, now: datetime, zone: ZoneInfo) -> datetime:
        if self.local is not None:
            return self.local.replace(tzinfo=zone)
        return self.moment or now + (self.distance or timedelta())


class FlexibleTime(Parameter, serializers.Field[TypedTime, Any, str, Any]):
    """A time in one of the forms that people and agents type.

    At least ten digits are Unix seconds, `90m` or `3d` is a time from now, `2026-06-01T17:00` is a
    local time, and anything else is ISO 8601 as in `DateTime`.
    """

    wire_type: ClassVar[str] = "datetime"
    value_type: ClassVar[object] = TypedTime
    default_error_messages: ClassVar[dict[str, Any]] = {"not_a_time": ""}

    def to_internal_value(self, data: Any) -> TypedTime:
        if isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        text = data.strip() if isinstance(data, str) else ""
        if _UNIX.fullmatch(text):
            return TypedTime(moment=_from_unix(int(text)))
        if match := _DISTANCE.fullmatch(text):
            seconds = int(match[1]) * _SECONDS[match[2].lower()]
            return TypedTime(distance=timedelta(seconds=min(seconds, _FURTHEST)))
        moment = DateTime().to_internal_value(text)
        if _LOCAL.fullmatch(text):
            return TypedTime(local=moment.replace(tzinfo=None))
        return TypedTime(moment=moment)


def _from_unix(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError):
        return LATEST


# --- Parameters -----------------------------------------------------------------------------


def deadline_field(help_: str = "If left blank, you close it yourself.") -> FlexibleTime:
    """Return the parameter `deadline`. `help_` is its help in forms."""
    return FlexibleTime(
        required=False,
        help_text=(
            "When it closes: ISO 8601, 3d or 90m from now, or 2026-06-01T17:00 in `timezone`."
            " If left out, it is closed manually."
        ),
        widget=Widget(kind="datetime", help=help_),
    )


def timezone_field() -> Line:
    """Return the parameter `timezone` of local times."""
    return Line(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="The timezone of a local deadline. Default: the collective's timezone.",
        widget=Widget(help="Default: the collective's timezone.", suggestions=timezone_names),
    )


def option_field() -> Choice:
    """Return the parameter `deadline_option`, which is sent by forms of public clients."""
    return Choice(
        [NONE, CRITICAL_MASS, AT, NOW],
        required=False,
        is_unlisted=True,
        help_text="no_deadline, datetime (then `deadline` is required), or close_now.",
        widget=Widget(is_hidden=True),
    )


def chosen_deadline(
    access: Access,
    sent: TypedTime | datetime | None,
    *,
    timezone: str = "",
    option: str = "",
) -> datetime | None:
    """Return the deadline from the parameters, never earlier than now, or None if there is none.

    Raises:
        Invalid: the timezone is unknown, or `option` requires a deadline that was not sent.
    """
    if option in (NONE, CRITICAL_MASS):
        return no_deadline(access.now)
    if option == NOW:
        return access.now
    if option == AT and sent is None:
        raise Invalid.of("deadline", "blank")
    if sent is None:
        return None
    return max(resolved(access, sent, timezone), access.now)


def resolved(access: Access, sent: TypedTime | datetime, timezone: str = "") -> datetime:
    """Return the moment of a time in the named timezone, by default the collective's.

    Raises:
        Invalid: the timezone is unknown.
    """
    zone = ZoneInfo(checked_timezone(timezone)) if timezone else None
    if isinstance(sent, datetime):
        return sent
    if sent.local is not None and zone is None:
        zone = ZoneInfo(current_collective(access).timezone)
    return sent.at(access.now, zone or ZoneInfo("UTC"))
