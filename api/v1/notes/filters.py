"""Filters of lists of notes: `filters` and cycles."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import F, Q
from rest_framework.exceptions import ValidationError

from accounts.queries import person_named
from api.http.filters import named
from api.responses.timestamps import MILLISECOND, after, before, truncate_to_milliseconds
from collectives import cycles
from collectives.queries import current_collective
from harmonic.kernel.access import Access
from harmonic.kernel.parameters.fields import DateTime
from harmonic.kernel.refusals import Problem

NOTHING = Q(pk__in=())
_COMPARISON = re.compile(r"(created_at|updated_at|last_activity_at|deadline)([<>:])(.+)")


# --- Cycles ---------------------------------------------------------------------------------


def by_cycle(access: Access, name: str) -> Q:
    """Return the filter for a cycle, in the collective's timezone.

    Raises:
        Invalid: no cycle has this name.
    """
    window = cycles.window(name, access.now, ZoneInfo(current_collective(access).timezone))
    if window is None:
        raise named(Problem("cycle", "is not a cycle, such as this-week or 3-days-ago"))
    return Q(created_at__lt=window.end, deadline__gt=window.start)


# --- Filters --------------------------------------------------------------------------------


def by_filters(access: Access, text: str) -> Q:
    """Return the combination of all filters in a comma-separated list.

    Raises:
        Invalid: a filter is unknown, or its time is invalid.
    """
    wanted = Q()
    for word in dict.fromkeys(split_list(text)):
        wanted &= _filter(access, word)
    return wanted


def split_list(text: str) -> list[str]:
    """Return the parts of a comma-separated list."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _mine(access: Access) -> Q:
    return Q(created_by=access.user.user_id)


_FILTERS: dict[str, Callable[[Access], Q]] = {
    "none": lambda access: Q(),
    "mine": _mine,
    "not_mine": lambda access: ~_mine(access),
    "open": lambda access: Q(deadline__gt=access.now),
    "closed": lambda access: Q(deadline__lte=access.now),
    "updated": lambda access: ~Q(updated_at=F("created_at")),
}


def _filter(access: Access, word: str) -> Q:
    if word in _FILTERS:
        return _FILTERS[word](access)
    key, _, handle = word.partition(":")
    if key == "created_by" and handle:
        person = person_named(handle, access)
        return Q(created_by=person.user_id) if person else NOTHING
    match = _COMPARISON.fullmatch(word)
    if match is None:
        raise _unknown(word)
    return _compared(match[1], match[2], _moment(word, match[3]))


def _compared(column: str, sign: str, moment: datetime) -> Q:
    if sign == ">":
        return Q(**after(column, moment))
    if sign == "<":
        return Q(**before(column, moment))
    shown = truncate_to_milliseconds(moment)
    return Q(**{f"{column}__gte": shown, f"{column}__lt": shown + MILLISECOND})


def _moment(word: str, text: str) -> datetime:
    try:
        return DateTime().to_internal_value(text)
    except ValidationError:
        raise _unknown(word) from None


def _unknown(word: str) -> Exception:
    known = ", ".join([*_FILTERS, "created_by:handle", "created_at>time"])
    return named(Problem("filters", f"has no {word!r}; available: {known} and the like"))
