"""Lifetimes of API tokens: units, the maximum, and the expiry of a new token."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta

from harmonic.kernel.access import Access
from tokens.models import ApiToken

LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
# The number of calendar months.
MONTHS = {"month": 1, "year": 12}
UNITS = (*LENGTHS, *MONTHS)
# The units of a short form such as `30d`.
SHORT_UNITS = {"h": "hour(s)", "d": "day(s)", "w": "week(s)", "m": "month(s)"}
LONGEST = f"{ApiToken.MAX_LIFETIME_MONTHS} months"


def parse_lifetime(text: str) -> tuple[int, str] | None:
    """Return the number and the unit of a short form such as `12h`, `30d`, `2w` or `3m`."""
    found = re.fullmatch(r"([1-9]\d{0,5})([hdwm])", text.lower())
    return (int(found.group(1)), SHORT_UNITS[found.group(2)]) if found else None


def latest_expiry(now: datetime) -> datetime:
    """Return the latest expiry of a token created now."""
    return add_months(now, ApiToken.MAX_LIFETIME_MONTHS)


def is_too_long(now: datetime, duration: int, unit: str) -> bool:
    """Return whether `duration` units are longer than the maximum lifetime."""
    if unit in MONTHS:
        return duration * MONTHS[unit] > ApiToken.MAX_LIFETIME_MONTHS
    return duration > (latest_expiry(now) - now) // LENGTHS[unit]


def after(now: datetime, duration: int, unit: str) -> datetime:
    """Return the time `duration` units after `now`, but no later than `latest_expiry`."""
    if is_too_long(now, duration, unit):
        return latest_expiry(now)
    if unit in MONTHS:
        return add_months(now, duration * MONTHS[unit])
    return now + duration * LENGTHS[unit]


def same_lifetime(token: ApiToken, now: datetime) -> datetime:
    """Return the expiry of a token created now with the original lifetime of `token`.

    A lifetime of whole calendar months stays one of whole months.
    """
    ends = token.full_expires_at or token.expires_at
    for months in range(1, ApiToken.MAX_LIFETIME_MONTHS + 1):
        if add_months(token.created_at, months) == ends:
            return add_months(now, months)
    return min(now + (ends - token.created_at), latest_expiry(now))


def cut_expiry(access: Access, asked: datetime | None) -> datetime:
    """Return the expiry of a new token: no later than `latest_expiry` or the caller's token."""
    latest = latest_expiry(access.now)
    expiry = min(asked, latest) if asked else latest
    return min(expiry, access.token.expires_at) if access.token else expiry


def add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))
