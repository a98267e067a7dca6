"""Search in lists of items: terms that titles and texts contain, at a bounded cost for each page.

The API and pages use it. A page reads at most `LOOKED_AT` items and `LOOKED_AT_BYTES` of text, and
the next one continues where it stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from collectives.items import kinds
from collectives.items.kind_queries import Size, fit_bytes
from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import by_ids
from harmonic.kernel.http.cursors import Order, Position
from harmonic.kernel.parameters.fields import Line
from harmonic.kernel.refusals import Invalid, Problem

# Limits of a search: its length, its terms, and the items it reads for one page.
Q_LENGTH = 100
MAX_WORDS = 8
LOOKED_AT = 1000
LOOKED_AT_BYTES = 2_000_000
FIRST_STEP = 50
_TOKEN = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')


def q_field() -> Line:
    """Return the parameter `q` of a list."""
    return Line(
        required=False,
        allow_blank=True,
        max_length=Q_LENGTH,
        help_text=f'Search terms, {MAX_WORDS} at most: word, "a phrase", -excluded.',
    )


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
        raise Invalid(Problem("q", f"may have {MAX_WORDS} words at most; yours has {len(found)}"))
    return SearchTerms(
        tuple(part for minus, part in found if not minus),
        tuple(part for minus, part in found if minus),
    )


class Texts(Protocol):
    """The texts that a search reads: those of one kind (`KindQueries`), or of all."""

    def sizes_among(
        self, items: ItemQuerySet[Item], order: Order, limit: int, after: Position | None = None
    ) -> list[Size]:
        """Return the first items of a queryset after a position, without their texts."""

    def texts_of(self, item_ids: Iterable[UUID]) -> dict[UUID, str]:
        """Return the titles and texts of items, by id."""


class AllTexts:
    """The texts of items of every kind."""

    def sizes_among(
        self, items: ItemQuerySet[Item], order: Order, limit: int, after: Position | None = None
    ) -> list[Size]:
        if after is not None:
            items = items.filter(order.beyond(after))
        rows = items.order_by(*order.columns)[:limit]
        return [Size(*row) for row in rows.values_list("id", order.moment, kinds.size())]

    def texts_of(self, item_ids: Iterable[UUID]) -> dict[UUID, str]:
        rows = Item.objects.filter(**by_ids(item_ids)).values_list("id", "title", kinds.text())
        return {item_id: f"{title}\n{text}" for item_id, title, text in rows}


ALL_TEXTS = AllTexts()


@dataclass(frozen=True, slots=True)
class Search:
    """A search among items, which reads a bounded part of them for each page."""

    items: ItemQuerySet[Item]
    terms: SearchTerms
    texts: Texts = ALL_TEXTS

    def count(self, order: Order) -> int | None:
        """Return the number of matches; None if there are too many items to read."""
        matches, end = self.matches(order)
        return None if end else len(matches)

    def matches(
        self, order: Order, after: Position | None = None
    ) -> tuple[list[Size], Position | None]:
        """Return the matches in the part read after a position, and where that part ends.

        The end is None if there is nothing further to read.
        """
        sizes = self._sizes(order, after)
        looked_at = fit_bytes(sizes[:LOOKED_AT], LOOKED_AT_BYTES)
        texts = self.texts.texts_of(size.id for size in looked_at)
        matches = [size for size in looked_at if self.terms.match(texts.get(size.id, ""))]
        return matches, looked_at[-1].position if len(looked_at) < len(sizes) else None

    def _sizes(self, order: Order, after: Position | None) -> list[Size]:
        """Return the sizes of the items to read, and of one more if there is one, in growing steps.

        Long texts span many pages of the database, so no more sizes than needed are read.
        """
        sizes: list[Size] = []
        step = FIRST_STEP
        while len(sizes) <= LOOKED_AT and sum(size.bytes for size in sizes) <= LOOKED_AT_BYTES:
            position = sizes[-1].position if sizes else after
            found = self.texts.sizes_among(self.items, order, step, position)
            sizes += found
            if len(found) < step:
                break
            step *= 2
        return sizes
