"""Queries of searches: the matches that the caller may read, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Substr

from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import by_ids
from collectives.models import Collective
from collectives.search.conditions import Conditions
from collectives.search.index.entries import HasKey, candidates
from collectives.search.index.folding import fold
from collectives.search.index.grams import in_place
from collectives.search.language.grammar import Query, Remark, parse
from collectives.search.language.operators import NUMBERS
from collectives.search.models import SearchEntry
from collectives.search.numbers import number
from collectives.search.ordering import Sort
from harmonic.kernel.access import Access

# Suggestions are taken from the beginnings of the newest texts that the caller may read.
SUGGESTED_FROM = 500
SUGGESTED_LENGTH = 200
SIMILAR = 0.7
# Shorter words are similar to too many others. Comparing longer ones takes too long.
SUGGESTED_WORD = range(4, 25)
# The words that are compared with the words of texts, and these.
SUGGESTED_FOR, VOCABULARY = 4, 2_000
SHOWN_NUMBERS = (*NUMBERS, "options")


@dataclass(frozen=True, slots=True)
class Found:
    """A page of results, the total number of results, and the position of the next page, if any."""

    items: Sequence[Item]
    total: int
    end: list[Any] | None
    remarks: tuple[Remark, ...] = ()


def matching(access: Access, text: str, place_id: UUID | None) -> Q:
    """Return the condition of the items that a search finds, for lists with their own order.

    They are in one collective, or in all that the caller may read. The operators `sort`, `group`
    and `limit` have no effect there.

    Raises:
        Invalid: the search has too many terms.
    """
    query = parse(text)
    return Q() if query.is_blank else Conditions(access, query, place_id).whole


def find(
    access: Access,
    query: Query,
    sort: Sort,
    *,
    limit: int,
    after: Sequence[Any] | None = None,
    place_id: UUID | None = None,
    condition: Q | None = None,
) -> Found:
    """Return the results after a position, of one collective or of all that the caller may read."""
    conditions = Conditions(access, query, place_id, is_oldest_first=sort.is_oldest_first)
    items: ItemQuerySet[Item] = Item.objects.visible_to(access)
    items = items.filter(conditions.whole, condition or Q())
    rows = sort.applied(items)
    if after is not None:
        rows = rows.filter(sort.beyond(after))
    # Texts and counts are loaded only for the items on the page.
    found = list(rows[: limit + 1])
    shown = found[:limit]
    end = sort.position(shown[-1]) if len(found) > limit else None
    return Found(_with_numbers(shown), items.count(), end, conditions.remarks)


def _with_numbers(found: Sequence[Item]) -> list[Item]:
    if not found:
        return []
    items: ItemQuerySet[Item] = Item.objects.filter(**by_ids(item.id for item in found))
    numbers = {f"{name.removesuffix('s')}_count": number(name) for name in SHOWN_NUMBERS}
    rows = items.with_opening().annotate(**numbers).select_related("collective")
    by_id = {item.id: item for item in rows}
    return [by_id[item.id] for item in found if item.id in by_id]


# --- Suggestions ----------------------------------------------------------------------------


def suggested(access: Access, query: Query) -> str:
    """Return a search with similar words that texts have, for one without results; or ""."""
    compared = [word for word in query.words if len(word) in SUGGESTED_WORD][:SUGGESTED_FOR]
    if not compared:
        return ""
    known = _vocabulary(access)
    similar = {word: get_close_matches(word, known, n=1, cutoff=SIMILAR) for word in compared}
    if all(not found or found[0] == word for word, found in similar.items()):
        return ""
    return " ".join((similar.get(word) or [word])[0] for word in query.words)


def _vocabulary(access: Access) -> list[str]:
    """Return the words at the beginnings of the newest texts that the caller may read."""
    places = Collective.objects.readable_by(access).values_list("pk", flat=True)
    keys = candidates([list(map(in_place, places))], limit=SUGGESTED_FROM)
    entries = SearchEntry.objects.filter(HasKey("sort_key", keys)).order_by("-sort_key")
    texts = entries.values_list(Substr("words", 1, SUGGESTED_LENGTH), flat=True)
    words = (word.strip(".,:;!?()[]*_#\"'") for text in texts for word in text.split())
    fit = (word for word in words if len(word) in SUGGESTED_WORD and word.isalnum())
    return list(islice(dict.fromkeys(word for word in fit if word == fold(word)), VOCABULARY))
