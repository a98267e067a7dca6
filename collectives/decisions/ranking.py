"""The order of the results of a decision."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

# The sort keys of results, each used only if all keys before it are equal.
YES, PREFERRED, SORT_KEY, RANDOM, ID = (
    "accepted_yes",
    "preferred",
    "lottery_sort_key",
    "random_id",
    "option_id",
)
TIE_BREAKS = frozenset({SORT_KEY, RANDOM})


@dataclass(frozen=True, slots=True)
class Tally:
    """The sums of the votes on an option."""

    option_id: UUID
    title: str
    random_id: int
    accepted_yes: int = 0
    vote_count: int = 0
    preferred: int = 0

    @property
    def accepted_no(self) -> int:
        return self.vote_count - self.accepted_yes


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the results.

    `tie_break` is the value that decides between the option and a neighbour with equal votes: its
    sort key after the draw, else its random ID, or "" if the votes decide.
    """

    position: int
    tally: Tally
    sort_key: str = ""
    tie_break: str = ""
    deciding: frozenset[str] = field(default=frozenset())

    @property
    def shown_random_id(self) -> str:
        return f"{self.tally.random_id:09d}"


def sort_key(randomness: str, title: str) -> str:
    """Return the sort key of an option in a draw: SHA-256 of randomness and NFC title."""
    text = randomness + unicodedata.normalize("NFC", title)
    return hashlib.sha256(text.encode()).hexdigest()


def ranked(tallies: Iterable[Tally], randomness: str = "") -> list[Result]:
    """Return the results in order. `randomness` is "" before the draw."""
    rows = [_unplaced(each, randomness) for each in tallies]
    rows.sort(key=_key)
    return [_placed(rows, index) for index in range(len(rows))]


def _unplaced(tally: Tally, randomness: str) -> Result:
    return Result(0, tally, sort_key(randomness, tally.title) if randomness else "")


def _key(row: Result) -> tuple[int, int, int, int, int]:
    """Return the key for an ascending sort. Equally long hexadecimal texts sort like numbers."""
    tally = row.tally
    drawn = int(row.sort_key, 16) if row.sort_key else -1
    return -tally.accepted_yes, -tally.preferred, -drawn, -tally.random_id, tally.option_id.int


def deciding_key(first: Result, second: Result) -> str:
    """Return the first sort key in which two neighbours differ."""
    one, other = first.tally, second.tally
    if one.accepted_yes != other.accepted_yes:
        return YES
    if one.preferred != other.preferred:
        return PREFERRED
    if first.sort_key != second.sort_key:
        return SORT_KEY
    return RANDOM if one.random_id != other.random_id else ID


def _placed(rows: list[Result], index: int) -> Result:
    row = rows[index]
    neighbours = rows[max(index - 1, 0) : index] + rows[index + 1 : index + 2]
    deciding = frozenset(deciding_key(row, each) for each in neighbours)
    is_tied = bool(deciding & TIE_BREAKS)
    return replace(
        row,
        position=index + 1,
        tie_break=(row.sort_key or row.shown_random_id) if is_tied else "",
        deciding=deciding,
    )
