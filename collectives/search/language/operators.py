"""Search operators such as `type:note`, with their values and meanings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from collectives.cycles.windows import parse_name

MAX_LIMIT = 100
# Larger numbers, which do not fit into every column, have the same meaning.
MAX_NUMBER = 2**31 - 1
ALL = "all"
NUMBERS = ("links", "backlinks", "comments", "readers", "voters", "participants")
LISTED_BOUND = ("min", "comments")
SUBTYPES = (
    *("text", "comment", "statement", "reminder", "table", "summary"),
    *("vote", "executive", "lottery", "action", "calendar_event", "policy"),
)
GROUPS = ("collective", "creator", "type", "status", "date", "week", "month", "none")
SORTS = ("newest", "oldest", "updated", "deadline", "relevance", "backlinks")

# Returns the canonical form of a value, or None if it is invalid.
Read = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An operator: its key, a description of its values, and its effect.

    Unless `is_multiple`, it takes one value, and its last use counts.
    """

    key: str
    values: str
    sentence: str
    read: Read
    is_multiple: bool = False
    is_negatable: bool = False
    # Whether the table of operators lists it; if not, a similar one represents it there.
    is_listed: bool = True
    example: str


# --- Values ---------------------------------------------------------------------------------


def _one_of(*words: str, **others: str) -> Read:
    known = {**{word: word for word in words}, **others}
    return lambda value: known.get(value.lower())


def _matching(pattern: str) -> Read:
    compiled = re.compile(pattern)
    return lambda value: value.lower().removeprefix("@") if compiled.fullmatch(value) else None


def _cycle(value: str) -> str | None:
    return value if value == ALL or parse_name(value) else None


def _number(value: str) -> str | None:
    is_number = re.fullmatch("[0-9]+", value)
    return str(min(int(value), MAX_NUMBER)) if is_number else None


_HANDLE = _matching("@?[A-Za-z0-9_-]+")
_DATE = _matching("[0-9]{4}-[0-9]{2}-[0-9]{2}|[+-][0-9]+[dwmyDWMY]")
DATES = "2026-05-01, -7d, +2w, -1m, -1y"
_TYPES = {"n": "note", "d": "decision", "c": "commitment"}
_SORTED = {"new": "newest", "old": "oldest"}


# --- Operators ------------------------------------------------------------------------------


def _people(key: str, sentence: str) -> Operator:
    return Operator(
        key=key,
        values="handles",
        sentence=sentence,
        read=_HANDLE,
        is_multiple=True,
        is_negatable=True,
        example=f"{key}:@alice",
    )


def _bound(word: str, number: str) -> Operator:
    return Operator(
        key=f"{word}-{number}",
        values="a number",
        sentence=f"Items with at least this many {number}. min- and max- also work with"
        f" {', '.join(each for each in NUMBERS[:-1] if each != number)} and {NUMBERS[-1]}.",
        read=_number,
        is_listed=(word, number) == LISTED_BOUND,
        example=f"{word}-{number}:2",
    )


def _visibility(key: str) -> Operator:
    return Operator(
        key=key,
        values="public, shared, private",
        sentence="Items of the main collective, of other collectives, or of your workspace.",
        read=_one_of("public", "shared", "private"),
        is_multiple=True,
        is_negatable=True,
        is_listed=key == "visibility",
        example=f"{key}:public",
    )


_ALL = (
    Operator(
        key="collective",
        values="a handle, or main",
        sentence="Items of one collective.",
        read=_matching("[A-Za-z0-9-]+"),
        example="collective:kitchen",
    ),
    _visibility("visibility"),
    _visibility("scope"),
    Operator(
        key="type",
        values="note, decision, commitment (or n, d, c)",
        sentence="Items of these types.",
        read=_one_of("note", "decision", "commitment", **_TYPES),
        is_multiple=True,
        is_negatable=True,
        example="type:note,decision",
    ),
    Operator(
        key="subtype",
        values=", ".join(SUBTYPES),
        sentence="Items of these subtypes.",
        read=_one_of(*SUBTYPES, post="text"),
        is_multiple=True,
        is_negatable=True,
        example="-subtype:comment",
    ),
    Operator(
        key="status",
        values="open, closed",
        sentence="Items whose deadline is in the future, or in the past.",
        read=_one_of("open", "closed"),
        is_negatable=True,
        example="status:open",
    ),
    _people("creator", "Items that one of these users created."),
    _people("read-by", "Items that one of these users confirmed reading."),
    _people("voter", "Decisions in which one of these users voted."),
    _people("participant", "Decisions or commitments in which one of these users takes part."),
    _people("mentions", "Items that mention one of these users."),
    _people("replying-to", "Comments on items that one of these users created."),
    Operator(
        key="critical-mass-achieved",
        values="true, false",
        sentence="Commitments that have reached their critical mass, or have not.",
        read=_one_of("true", "false"),
        example="critical-mass-achieved:true",
    ),
    *(_bound(word, number) for number in NUMBERS for word in ("min", "max")),
    Operator(
        key="cycle",
        values="the name of a cycle, or all",
        sentence="Items of a cycle. It has no effect in combination with after or before.",
        read=_cycle,
        example="cycle:this-week",
    ),
    Operator(
        key="after",
        values=DATES,
        sentence="Items created on this day or later (UTC).",
        read=_DATE,
        example="after:-7d",
    ),
    Operator(
        key="before",
        values=DATES,
        sentence="Items with a deadline on this day or earlier (UTC).",
        read=_DATE,
        example="before:+1w",
    ),
    Operator(
        key="sort",
        values=", ".join(SORTS),
        sentence="The sort order. The default is newest.",
        read=_one_of(*SORTS, **_SORTED),
        example="sort:deadline",
    ),
    Operator(
        key="group",
        values=", ".join(GROUPS),
        sentence="How the results of a page are grouped. The default is collective.",
        read=_one_of(*GROUPS),
        example="group:type",
    ),
    Operator(
        key="limit",
        values=f"a number up to {MAX_LIMIT}",
        sentence="The number of results per page.",
        read=_number,
        example="limit:50",
    ),
)
OPERATORS: Mapping[str, Operator] = {operator.key: operator for operator in _ALL}
LISTED = tuple(operator for operator in _ALL if operator.is_listed)
