"""The tokens of the index: grams of a text, and facets of its item.

Grams are the sequences of one to three characters in a text, by which parts of words are found.
They are stored as numbers of `BUCKETS`, so that even the longest text has no more than a full-text
index holds. Different grams can have the same number, so each match is compared with the text.

Facets are the item's place, author and kind, which never change. With them, the index itself
returns only texts of the places that a caller may read.
"""

from __future__ import annotations

from uuid import UUID
from zlib import crc32

LENGTH = 3
BUCKETS = 1 << 16
# The maximum number of grams of a search. The comparison with the text covers the others.
WANTED = 64


def grams_of(text: str) -> set[str]:
    """Return the numbers of all grams in a folded text."""
    return _numbers(
        {text[at : at + length] for length in range(1, LENGTH + 1) for at in _starts(text, length)}
    )


def grams_in(term: str) -> set[str]:
    """Return the numbers of the longest grams in a folded term, which texts with it also have."""
    length = min(len(term), LENGTH)
    return _numbers({term[at : at + length] for at in _starts(term, length)})


def _starts(text: str, length: int) -> range:
    return range(len(text) - length + 1)


def _numbers(grams: set[str]) -> set[str]:
    return {f"{crc32(gram.encode()) % BUCKETS:04x}" for gram in grams}


def in_place(collective_id: UUID) -> str:
    """Return the facet of the items of a collective."""
    return f"c{collective_id.hex}"


def by_author(user_id: UUID) -> str:
    """Return the facet of the items that a user wrote."""
    return f"u{user_id.hex}"


def of_kind(name: str) -> str:
    """Return the facet of the items of a kind."""
    return f"k{name.lower()}"
