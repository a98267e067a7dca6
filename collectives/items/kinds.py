"""Registry of the kinds of items.

Each kind registers itself next to its model. The feed, pins and paths, which treat items of any
kind, read the registry. It imports no kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import BigIntegerField, Case, CharField, F, IntegerField, Q, Value, When
from django.db.models.expressions import Combinable, CombinedExpression, Expression
from django.db.models.functions import Left
from django.urls import reverse

from harmonic.kernel.database.functions import Bytes

if TYPE_CHECKING:
    from collectives.items.models import Item


@dataclass(frozen=True)
class Kind:
    """A kind of items, with the values that lists need.

    `page` is the name of the route of an item's page, which takes the short ID. `text` is the
    column whose beginning lists show. `count` returns the expression for the number next to an
    item in a feed, starting at the item (`note__text`). By default it counts confirmations.
    `count_words` are its singular and plural nouns, and `out_of` is the column of the number that
    it should reach, if there is one. `mentions_in` are the columns whose `@names` mention members,
    by default the text. `numbers` are the expressions of the numbers that lists of items can be
    sorted by, such as `voter_count`, starting at the item too. `people` are the conditions of items
    that involve some users, such as `voter`. `more_text` returns further texts that searches find,
    by the id of the item.
    """

    model: type[Item]
    page: str
    text: str
    count: Callable[[], Combinable] | None = None
    count_words: tuple[str, str] = ("read", "reads")
    out_of: str = ""
    mentions_in: tuple[str, ...] = ()
    numbers: Mapping[str, Callable[[], Combinable]] = field(default_factory=dict, hash=False)
    people: Mapping[str, Callable[[Sequence[UUID]], Any]] = field(default_factory=dict, hash=False)
    more_text: Callable[[Sequence[Item]], Mapping[UUID, str]] = lambda items: {}

    @property
    def name(self) -> str:
        return self.model.KIND

    @property
    def plural(self) -> str:
        """The plural noun, as paths and objects of the API have it: `notes`."""
        return f"{self.name.lower()}s"

    @property
    def is_confirmed(self) -> bool:
        """Return whether its readers confirm that they read its items."""
        return self.count is None

    @property
    def searched(self) -> frozenset[str]:
        """The columns whose changes the index of searches follows."""
        return frozenset(("title", self.text, "deleted_at"))

    @property
    def mentioning(self) -> tuple[str, ...]:
        return self.mentions_in or (self.text,)

    def opening(self, length: int) -> Combinable:
        """Return the expression for the first characters of an item's text."""
        return Left(self.column(self.text), length)

    def column(self, name: str) -> str:
        """Return the lookup of a column of the kind, starting at the item."""
        return f"{self.model._meta.model_name}__{name}"

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
        ValueError: another model is registered with this name.
    """
    known = _KINDS.setdefault(kind.name, kind)
    if known.model is not kind.model:
        raise ValueError(f"Two kinds of items are named {kind.name}.")


_indexers: list[Callable[[Sequence[Item]], None]] = []


def index_with(index: Callable[[Sequence[Item]], None]) -> None:
    """Register the function that stores the texts of items for searches."""
    _indexers[:] = [index]


def index(items: Sequence[Item]) -> None:
    """Store the current texts of items of one kind for searches, in the transaction of a write."""
    for each in _indexers:
        each(items)


def kind_named(name: str) -> Kind:
    """Return the kind with this name.

    Raises:
        KeyError: no such kind is registered.
    """
    return _KINDS[name]


def confirmed() -> tuple[str, ...]:
    """Return the names of the kinds whose readers confirm that they read an item."""
    return tuple(kind.name for kind in _KINDS.values() if kind.is_confirmed)


def is_kind(name: str) -> bool:
    return name in _KINDS


def all_kinds() -> tuple[Kind, ...]:
    """Return all kinds, in the order of `registry.KINDS`."""
    return tuple(_KINDS.values())


def opening(length: int) -> Case:
    """Return the expression for the first `length` characters of an item's text, by its kind."""
    branches = [When(kind=kind.name, then=kind.opening(length)) for kind in _KINDS.values()]
    return Case(*branches, default=Value(""), output_field=CharField())


def size() -> CombinedExpression:
    """Return the expression for the bytes of an item's title and text, by its kind."""
    branches = [When(kind=kind.name, then=F(kind.column("size"))) for kind in _KINDS.values()]
    return Bytes("title") + Case(*branches, default=Value(0), output_field=BigIntegerField())


def count(usual: Callable[[], Combinable]) -> Case:
    """Return the expression for the number next to an item in a feed. `usual` is the default."""
    branches = [When(kind=kind.name, then=(kind.count or usual)()) for kind in _KINDS.values()]
    return Case(*branches, default=Value(0), output_field=IntegerField())


_NUMBERS: dict[str, Callable[[], Expression]] = {}


def add_number(name: str, make: Callable[[], Expression]) -> None:
    """Add a number that items of all kinds have, such as `backlink_count`."""
    _NUMBERS[name] = make


Flag = Callable[[UUID], Combinable]
_FLAGS: dict[str, Flag] = {}


def add_flag(name: str, make: Flag) -> None:
    """Add a flag that is read with each item for its reader, whose ID `make` takes."""
    _FLAGS[name] = make


def flags() -> Mapping[str, Flag]:
    """Return the flags of an item for its reader, by name."""
    return _FLAGS


def number(name: str) -> Expression | None:
    """Return the expression for a number of an item, by its kind; None if no kind has it.

    It is 0 for items of other kinds.
    """
    if name in _NUMBERS:
        return _NUMBERS[name]()
    having = [kind for kind in _KINDS.values() if name in kind.numbers]
    branches = [When(kind=kind.name, then=kind.numbers[name]()) for kind in having]
    return Case(*branches, default=Value(0), output_field=IntegerField()) if having else None


def involving(word: str, user_ids: Sequence[UUID]) -> Q:
    """Return the condition of items that involve some users as `word`, such as `voter`."""
    found = Q(pk__in=())
    for kind in _KINDS.values():
        if word in kind.people:
            found |= Q(kind=kind.name) & kind.people[word](user_ids)
    return found


def out_of() -> Case:
    """Return the expression for the number that `count` should reach, null if there is none."""
    reached = [kind for kind in _KINDS.values() if kind.out_of]
    branches = [When(kind=kind.name, then=F(kind.column(kind.out_of))) for kind in reached]
    return Case(*branches, default=Value(None), output_field=IntegerField())
