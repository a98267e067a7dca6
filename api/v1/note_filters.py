"""What narrows a list of notes besides plain comparisons: words, filters, cycles."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F, Q
from rest_framework.exceptions import ValidationError

from accounts.queries import person_named
from api.filters import named
from api.shapes import TICK, after, before, floor
from collectives import cycles
from collectives.queries import here
from harmonic.kernel.access import Access, Problem
from harmonic.kernel.fields import Moment

NOTHING = Q(pk__in=())
_TOKEN = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')
_COMPARISON = re.compile(r"(created_at|updated_at|deadline)([<>:])(.+)")


# --- Words ----------------------------------------------------------------------------------


def by_words(text: str) -> Q:
    """Return what holds every word and "phrase" of a text, and no -word, in any case."""
    wanted = Q()
    for minus, phrase, word in _TOKEN.findall(text):
        held = _holds(phrase or word) if phrase or word else Q()
        wanted &= ~held if minus and held else held
    return wanted


def _holds(part: str) -> Q:
    # SQLite knows upper and lower case in ASCII only; its REGEXP is Python's.
    if connection.vendor == "sqlite" and not part.isascii():
        return Q(title__iregex=re.escape(part)) | Q(text__iregex=re.escape(part))
    return Q(title__icontains=part) | Q(text__icontains=part)


# --- Cycles ---------------------------------------------------------------------------------


def by_cycle(access: Access, name: str) -> Q:
    """Return what belongs to a cycle, by the calendar of the collective.

    Raises:
        Invalid: no cycle has this name.
    """
    window = cycles.window(name, access.now, ZoneInfo(here(access).timezone))
    if window is None:
        raise named(Problem("cycle", "names no cycle; this-week and 3-days-ago are some"))
    return Q(created_at__lt=window.end, deadline__gt=window.start)


# --- Filters --------------------------------------------------------------------------------


def by_filters(access: Access, text: str) -> Q:
    """Return what passes every filter of a list with commas between.

    Raises:
        Invalid: a filter is not known, or its time cannot be read.
    """
    wanted = Q()
    for word in dict.fromkeys(words(text)):
        wanted &= _filter(access, word)
    return wanted


def words(text: str) -> list[str]:
    """Return the parts of a list with commas between."""
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
    shown = floor(moment)
    return Q(**{f"{column}__gte": shown, f"{column}__lt": shown + TICK})


def _moment(word: str, text: str) -> datetime:
    try:
        return Moment().to_internal_value(text)
    except ValidationError:
        raise _unknown(word) from None


def _unknown(word: str) -> Exception:
    known = ", ".join([*_FILTERS, "created_by:handle", "created_at>time"])
    return named(Problem("filters", f"does not know {word!r}; it knows {known}, and the like"))
