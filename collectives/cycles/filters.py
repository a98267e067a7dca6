"""Filters of items in text form, such as `mine,open,created_at>2026-05-01`.

Cycles support all of them, and lists in the API those that do not depend on a cycle.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q
from rest_framework.exceptions import ValidationError

from accounts.queries import person_named
from collectives.cycles.windows import Cycle
from harmonic.kernel.access import Access
from harmonic.kernel.http.moments import after, at, before
from harmonic.kernel.parameters.fields import DateTime

# Limits the cost of filters, because the database evaluates them one by one.
MAX_LENGTH = 500
NOTHING = Q(pk__in=())
_COMPARISON = re.compile(r"(created_at|updated_at|last_activity_at|deadline)([<>:])(.+)")
_COMPARED = {">": after, "<": before, ":": at}


def split_list(text: str) -> list[str]:
    """Return the parts of a comma-separated list."""
    return [word.strip() for word in text.split(",") if word.strip()]


# --- Words ----------------------------------------------------------------------------------


def _mine(access: Access) -> Q:
    return Q(created_by=access.user.user_id)


def _updated() -> Q:
    return ~Q(updated_at=F("created_at"))


# Filters with the same meaning in lists and in all cycles.
_ALWAYS: dict[str, Callable[[Access], Q]] = {
    "none": lambda access: Q(),
    "mine": _mine,
    "not_mine": lambda access: ~_mine(access),
    "updated": lambda access: _updated(),
}
# Filters that compare with the current time, which are meaningless in a future cycle.
_NOW: dict[str, Callable[[Access], Q]] = {
    "open": lambda access: Q(deadline__gt=access.now),
    "closed": lambda access: Q(deadline__lte=access.now),
}


@dataclass(frozen=True, slots=True)
class _InCycle:
    """A filter that compares with a cycle, and the cycles in which it is meaningful."""

    condition: Callable[[Access, Cycle], Q]
    past: bool = False
    current: bool = True
    future: bool = False

    def is_for(self, cycle: Cycle) -> bool:
        if cycle.is_current:
            return self.current
        return self.past if cycle.is_past else self.future


_CYCLE = {
    "new": _InCycle(lambda access, cycle: Q(created_at__gt=cycle.start), past=True),
    "old": _InCycle(lambda access, cycle: Q(created_at__lt=cycle.start), past=True),
    "closing_soon": _InCycle(
        lambda access, cycle: Q(deadline__gt=access.now, deadline__lte=cycle.end)
    ),
    "deadline_within_cycle": _InCycle(
        lambda access, cycle: Q(deadline__gt=cycle.start, deadline__lte=cycle.end),
        past=True,
        future=True,
    ),
    "deadline_after_cycle": _InCycle(lambda access, cycle: Q(deadline__gt=cycle.end), future=True),
    "updated_within_cycle": _InCycle(
        lambda access, cycle: _updated() & Q(updated_at__gt=cycle.start), past=True
    ),
    "created_or_updated_within_cycle": _InCycle(
        lambda access, cycle: Q(created_at__gt=cycle.start) | Q(updated_at__gt=cycle.start),
        past=True,
    ),
}
WORDS = (*_ALWAYS, *_NOW, *_CYCLE)
WORDS_OF_LISTS = (*_ALWAYS, *_NOW)


# --- Parsing --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filters:
    """The condition of a list of filters, and which of them have an effect.

    Filters have no effect if they are unknown, contain an unreadable time, or are meaningless in
    the cycle or without one.
    """

    condition: Q
    with_effect: tuple[str, ...]
    without_effect: tuple[str, ...]


def parse_filters(access: Access, text: str, cycle: Cycle | None = None) -> Filters:
    """Combine all filters in a comma-separated list."""
    words = dict.fromkeys(split_list(text))
    found = {word: _condition(access, word, cycle) for word in words}
    condition = Q()
    for each in found.values():
        condition &= each or Q()
    return Filters(
        condition,
        tuple(word for word in words if found[word] is not None),
        tuple(word for word in words if found[word] is None),
    )


def _condition(access: Access, word: str, cycle: Cycle | None) -> Q | None:
    """Return the condition of a filter, or None if it has no effect."""
    if word in _ALWAYS:
        return _ALWAYS[word](access)
    if word in _NOW:
        return None if cycle and cycle.is_future else _NOW[word](access)
    if found := _CYCLE.get(word):
        return found.condition(access, cycle) if cycle and found.is_for(cycle) else None
    key, _, handle = word.partition(":")
    if key == "created_by" and handle:
        person = person_named(handle, access)
        return Q(created_by=person.user_id) if person else NOTHING
    return _comparison(word)


def _comparison(word: str) -> Q | None:
    match = _COMPARISON.fullmatch(word)
    moment = match and _moment(match[3])
    if match is None or moment is None:
        return None
    return Q(**_COMPARED[match[2]](match[1], moment))


def _moment(text: str) -> datetime | None:
    try:
        return DateTime().to_internal_value(text)
    except ValidationError:
        return None
