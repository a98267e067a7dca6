"""Filters of lists of notes: search, `filters` and cycles."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import F, Q
from rest_framework.exceptions import ValidationError

from accounts.queries import person_named
from api.http.filters import named
from api.responses.timestamps import MILLISECOND, after, before, truncate_to_milliseconds
from collectives import cycles
from collectives.items.kind_queries import Size, fit_bytes
from collectives.items.models import Item, ItemQuerySet
from collectives.notes.models import Note
from collectives.notes.queries import NOTES, texts_of
from collectives.queries import here
from harmonic.kernel.access import Access
from harmonic.kernel.http.cursors import CursorPage, Order, Position
from harmonic.kernel.parameters.fields import DateTime
from harmonic.kernel.refusals import Problem

NOTHING = Q(pk__in=())
_TOKEN = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')
# Limits of a search: its terms, and the notes it reads for one page.
MAX_WORDS = 8
LOOKED_AT = 1000
LOOKED_AT_BYTES = 2_000_000
FIRST_STEP = 50
_COMPARISON = re.compile(r"(created_at|updated_at|last_activity_at|deadline)([<>:])(.+)")


# --- Search ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """Terms that a text must or must not contain, in one case."""

    held: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def are_any(self) -> bool:
        return bool(self.held or self.absent)

    def match(self, text: str) -> bool:
        folded = text.casefold()
        return all(word in folded for word in self.held) and not any(
            word in folded for word in self.absent
        )


def parse_search(text: str) -> SearchTerms:
    """Return the words and "phrases" of a search, and the -excluded ones.

    Raises:
        Invalid: there are more than `MAX_WORDS`.
    """
    parts = [(minus, (phrase or word).casefold()) for minus, phrase, word in _TOKEN.findall(text)]
    found = [(minus, part) for minus, part in parts if part]
    if len(found) > MAX_WORDS:
        raise named(Problem("q", f"may have {MAX_WORDS} words at most; yours has {len(found)}"))
    return SearchTerms(
        tuple(part for minus, part in found if not minus),
        tuple(part for minus, part in found if minus),
    )


@dataclass(frozen=True, slots=True)
class Search:
    """A search in a list of notes, which reads a bounded part for each page."""

    notes: ItemQuerySet[Item]
    terms: SearchTerms

    def __call__(self, order: Order, limit: int, after: Position | None) -> CursorPage[Note]:
        """Return the first matches after a position, and where the next page begins."""
        matches, end = self._matches(order, after)
        found = NOTES.in_size(matches[: limit + 1], order, limit)
        return CursorPage(found.rows, found.end or end)

    def count(self, order: Order) -> int | None:
        """Return the number of matches; None if there are too many notes to read."""
        matches, end = self._matches(order, None)
        return None if end else len(matches)

    def _matches(self, order: Order, after: Position | None) -> tuple[list[Size], Position | None]:
        sizes = self._sizes(order, after)
        looked_at = fit_bytes(sizes[:LOOKED_AT], LOOKED_AT_BYTES)
        texts = texts_of(size.id for size in looked_at)
        matches = [size for size in looked_at if self.terms.match(texts.get(size.id, ""))]
        return matches, looked_at[-1].position if len(looked_at) < len(sizes) else None

    def _sizes(self, order: Order, after: Position | None) -> list[Size]:
        """Return the sizes of the notes to read, and of one more if there is one, in growing steps.

        Long notes span many pages of the database, so no more sizes than needed are read.
        """
        sizes: list[Size] = []
        step = FIRST_STEP
        while len(sizes) <= LOOKED_AT and sum(size.bytes for size in sizes) <= LOOKED_AT_BYTES:
            found = NOTES.sizes_among(
                self.notes, order, step, sizes[-1].position if sizes else after
            )
            sizes += found
            if len(found) < step:
                break
            step *= 2
        return sizes


# --- Cycles ---------------------------------------------------------------------------------


def by_cycle(access: Access, name: str) -> Q:
    """Return the filter for a cycle, in the collective's timezone.

    Raises:
        Invalid: no cycle has this name.
    """
    window = cycles.window(name, access.now, ZoneInfo(here(access).timezone))
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
