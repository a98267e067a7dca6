"""Lifetimes of API tokens: their units, the longest one, and when a new token expires."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from harmonic.kernel.access import Access
from tokens.models import ApiToken

LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
# Calendar months.
MONTHS = {"month": 1, "year": 12}
UNITS = (*LENGTHS, *MONTHS)
LONGEST = f"{ApiToken.MAX_LIFETIME_MONTHS} months"


def latest_expiry(now: datetime) -> datetime:
    """Return the end of the longest lifetime that begins now."""
    return add_months(now, ApiToken.MAX_LIFETIME_MONTHS)


def is_too_long(now: datetime, duration: int, unit: str) -> bool:
    """Return whether `duration` units are more than the longest lifetime."""
    if unit in MONTHS:
        return duration * MONTHS[unit] > ApiToken.MAX_LIFETIME_MONTHS
    return duration > (latest_expiry(now) - now) // LENGTHS[unit]


def after(now: datetime, duration: int, unit: str) -> datetime:
    """Return the moment `duration` units after `now`, at most the end of the longest lifetime."""
    if is_too_long(now, duration, unit):
        return latest_expiry(now)
    if unit in MONTHS:
        return add_months(now, duration * MONTHS[unit])
    return now + duration * LENGTHS[unit]


def same_lifetime(token: ApiToken, now: datetime) -> datetime:
    """Return when a token made now expires if it lives as long as `token` was meant to.

    Whole calendar months stay whole.
    """
    ends = token.full_expires_at or token.expires_at
    for months in range(1, ApiToken.MAX_LIFETIME_MONTHS + 1):
        if add_months(token.created_at, months) == ends:
            return add_months(now, months)
    return min(now + (ends - token.created_at), latest_expiry(now))


def cut_expiry(access: Access, asked: datetime | None) -> datetime:
    """Return the expiry of a new token, at most the longest and that of the caller's token."""
    latest = latest_expiry(access.now)
    expiry = min(asked, latest) if asked else latest
    return min(expiry, access.token.expires_at) if access.token else expiry


def add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))
