"""The grammar of searches: words, "phrases", -excluded text, and operators such as `type:note`.

Any text is a valid search. Text that only looks like an operator is searched for as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from collectives.search.index.folding import fold
from collectives.search.language.operators import MAX_LIMIT, OPERATORS, Operator
from harmonic.kernel.parameters.fields import Line
from harmonic.kernel.refusals import Invalid, Problem

# Limits of a search: its length and its terms.
Q_LENGTH = 500
MAX_TERMS = 20
_TOKEN = re.compile(r'-?"[^"]*"|\S+')
_OPERATOR = re.compile(r"([A-Za-z-]+):(.+)", re.DOTALL)


def q_field() -> Line:
    """Return the field of the parameter `q`."""
    return Line(
        required=False,
        allow_blank=True,
        max_length=Q_LENGTH,
        help_text=f'A search of at most {MAX_TERMS} terms: words, "a phrase", -excluded and'
        " operators such as type:note. /help/search lists them.",
    )


@dataclass(frozen=True, slots=True)
class Given:
    """An operator of a search with its values."""

    key: str
    values: tuple[str, ...]
    is_negated: bool
    token: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on a search, or a part of it (`token`), that does not do what it appears to do."""

    token: str
    sentence: str

    def __str__(self) -> str:
        return f"`{self.token}` {self.sentence}" if self.token else self.sentence


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed search. Words, phrases and excluded text are folded."""

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    given: tuple[Given, ...] = ()
    remarks: tuple[Remark, ...] = field(default=())

    @property
    def is_blank(self) -> bool:
        return not (self.words or self.phrases or self.excluded or self.given or self.remarks)

    def values(self, key: str, *, is_negated: bool = False) -> tuple[str, ...]:
        """Return all values of an operator."""
        found = (each for each in self.given if (each.key, each.is_negated) == (key, is_negated))
        return tuple(dict.fromkeys(value for each in found for value in each.values))

    def last(self, key: str, *, is_negated: bool = False) -> Given | None:
        """Return the last use of an operator, which counts if it takes one value."""
        found = [each for each in self.given if (each.key, each.is_negated) == (key, is_negated)]
        return found[-1] if found else None

    def value(self, key: str) -> str:
        """Return the value of an operator that takes one, or ""."""
        found = self.last(key)
        return found.values[0] if found else ""

    @property
    def limit(self) -> int | None:
        """The number of results per page, if an operator sets it."""
        asked = self.value("limit")
        return min(max(int(asked), 1), MAX_LIMIT) if asked else None


def parse(text: str) -> Query:
    """Return the parsed search.

    Raises:
        Invalid: the search has more than `MAX_TERMS` terms.
    """
    tokens = list(_tokens(text))
    if len(tokens) > MAX_TERMS:
        raise Invalid(Problem("q", f"can have at most {MAX_TERMS} terms; yours has {len(tokens)}"))
    terms: dict[str, list[str]] = {"words": [], "phrases": [], "excluded": []}
    given: list[Given] = []
    remarks: list[Remark] = []
    for token in tokens:
        operator = None if token.is_quoted else _operator(token)
        if operator is None:
            terms[token.place].append(fold(token.text))
            remarks += [] if token.is_quoted else _misread(token)
        elif token.is_negated and not OPERATORS[operator.key].is_negatable:
            sentence = f"has no effect: {operator.key} cannot be negated."
            remarks.append(Remark(token.written, sentence))
        else:
            given.append(operator)
    folded = {name: tuple(filter(None, found)) for name, found in terms.items()}
    return Query(**folded, given=tuple(given), remarks=tuple(remarks))


# --- Tokens ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_negated: bool
    is_quoted: bool
    written: str

    @property
    def place(self) -> str:
        if self.is_negated:
            return "excluded"
        return "phrases" if self.is_quoted else "words"


def _tokens(text: str) -> Iterator[_Token]:
    for written in _TOKEN.findall(text):
        rest = written.removeprefix("-")
        is_quoted = len(rest) > 1 and rest.startswith('"') and rest.endswith('"')
        found = rest[1:-1] if is_quoted else rest
        if found.strip():
            yield _Token(found, rest != written, is_quoted, written)


def _operator(token: _Token) -> Given | None:
    """Return a token as an operator, or None if it is text."""
    match = _OPERATOR.fullmatch(token.text)
    known = OPERATORS.get(match[1].lower()) if match else None
    if match is None or known is None:
        return None
    parts = match[2].rstrip(",").split(",")
    values = [known.read(part) for part in parts]
    read = tuple(value for value in values if value is not None)
    if len(read) < len(parts) or (len(parts) > 1 and not known.is_multiple):
        return None
    return Given(known.key, read, token.is_negated, token.written)


def _misread(token: _Token) -> list[Remark]:
    """Return a remark if the text begins with the key of an operator."""
    known = OPERATORS.get(token.text.partition(":")[0].lower())
    return [Remark(token.written, _as_text(known))] if known and ":" in token.text else []


def _as_text(operator: Operator) -> str:
    return f"was searched for as text. {operator.key} takes {operator.values}."
