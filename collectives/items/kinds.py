"""Registry of the kinds of items.

A kind registers itself in the `ready` of its application. Everything that shows items of any
kind reads the registry: the feed, pins, paths. It imports no kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from django.db.models import Case, CharField, IntegerField, Value, When
from django.db.models.expressions import Combinable
from django.urls import reverse

if TYPE_CHECKING:
    from collectives.items.models import Item


@dataclass(frozen=True)
class Kind:
    """What a list of items shows of one kind.

    `page` is the name of the route of an item's page, which takes the short id. `opening` returns
    the expression for the first characters of an item's text, and `count` the one for the number
    beside it in a feed; `count_words` are its noun for one and for several. Both expressions start
    at the item: `note__text`.
    """

    model: type[Item]
    page: str
    opening: Callable[[int], Combinable]
    count: Callable[[], Combinable]
    count_words: tuple[str, str]

    @property
    def name(self) -> str:
        return self.model.KIND

    def path(self, truncated_id: str) -> str:
        """Return the path of an item's page below its collective."""
        return f"{_prefix(self.page)}{truncated_id}"

    def word_for(self, count: int) -> str:
        return self.count_words[count != 1]


@cache
def _prefix(page: str) -> str:
    return reverse(page, args=["_"]).removesuffix("_")


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Add a kind.

    Raises:
        ValueError: another model has this name already.
    """
    known = _KINDS.setdefault(kind.name, kind)
    if known.model is not kind.model:
        raise ValueError(f"Two kinds of items are named {kind.name}.")


def kind_named(name: str) -> Kind:
    """Return the kind with this name.

    Raises:
        KeyError: none is registered.
    """
    return _KINDS[name]


def is_kind(name: str) -> bool:
    return name in _KINDS


def opening(length: int) -> Case:
    """Return the expression for the first `length` characters of an item's text, by its kind."""
    branches = [When(kind=kind.name, then=kind.opening(length)) for kind in _KINDS.values()]
    return Case(*branches, default=Value(""), output_field=CharField())


def count() -> Case:
    """Return the expression for the number beside an item in a feed, by its kind."""
    branches = [When(kind=kind.name, then=kind.count()) for kind in _KINDS.values()]
    return Case(*branches, default=Value(0), output_field=IntegerField())
