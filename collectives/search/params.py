"""Parameters of a search: `q`, and those that public clients send.

Operators in `q` override parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from django.db.models import Q

from collectives.cycles.filters import MAX_LENGTH, parse_filters, split_list
from collectives.search.language.grammar import Given, Query, parse, q_field
from collectives.search.language.operators import MAX_LIMIT, OPERATORS
from collectives.search.ordering import GROUPINGS, Sort, sort_by, sort_named
from harmonic.kernel.access import Access
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.refusals import Invalid

PAGE = 25
KEPT = ("type", "cycle", "filters", "sort_by", "group_by", "per_page")
# The filters of public clients that cycles do not have, with their operators.
_AS_OPERATORS = {
    "has_backlinks": "min-backlinks",
    "has_links": "min-links",
    "has_participants": "min-participants",
}


class SearchParams(Params):
    q = q_field()


@dataclass(frozen=True)
class Asked:
    """A search with its sort order, grouping and number of results per page."""

    access: Access

    @cached_property
    def q(self) -> str:
        """The search as it was typed."""
        return self.access.query.get("q", "")

    @cached_property
    def _parsed(self) -> Query | Invalid:
        try:
            return parse(validated(SearchParams, RawParams({"q": self.q})).get("q", ""))
        except Invalid as refused:
            return refused

    @property
    def refused(self) -> Invalid | None:
        """The refusal of a `q` that is too long or has too many terms."""
        return self._parsed if isinstance(self._parsed, Invalid) else None

    @property
    def words(self) -> Query:
        """The parsed `q`.

        Raises:
            Invalid: `refused` is not None.
        """
        if isinstance(self._parsed, Invalid):
            raise self._parsed
        return self._parsed

    @cached_property
    def query(self) -> Query:
        """The parsed `q` with the parameters that it does not override."""
        more = [each for each in self._given() if not self.words.last(each.key)]
        return replace(self.words, given=(*self.words.given, *more))

    @cached_property
    def condition(self) -> Q:
        """The condition of `filters`. Unknown filters have no effect."""
        words = [each for each in self._filters if each not in _AS_OPERATORS]
        return parse_filters(self.access, ",".join(words)).condition

    @property
    def sort(self) -> Sort:
        by_operator = sort_named(self.words.value("sort"), self.words.words)
        if self.words.value("sort"):
            return by_operator
        return sort_by(self._asked("sort_by")) or by_operator

    @property
    def group(self) -> str:
        asked = self.words.value("group") or self._asked("group_by")
        return asked if asked in GROUPINGS else GROUPINGS[0]

    @property
    def limit(self) -> int:
        """The number of results per page."""
        if asked := self.words.limit:
            return asked
        given = self._asked("per_page")
        number = OPERATORS["limit"].read(given)
        return min(int(number), MAX_LIMIT) if number and int(number) else PAGE

    @property
    def kept(self) -> dict[str, str]:
        """The parameters that links to other pages of results include."""
        found = {name: self._asked(name) for name in KEPT}
        return {name: value for name, value in found.items() if value}

    @property
    def _filters(self) -> list[str]:
        return split_list(self._asked("filters"))

    def _given(self) -> Iterator[Given]:
        """Yield the parameters that correspond to an operator."""
        wanted = {
            "type": [word.removesuffix("s") for word in split_list(self._asked("type").lower())],
            "cycle": [self._asked("cycle")],
            **{_AS_OPERATORS[word]: ["1"] for word in self._filters if word in _AS_OPERATORS},
        }
        for key, values in wanted.items():
            read = tuple(filter(None, map(OPERATORS[key].read, values)))
            if read:
                yield Given(key, read, is_negated=False, token="")

    def _asked(self, name: str) -> str:
        return self.access.query.get(name, "")[:MAX_LENGTH]
