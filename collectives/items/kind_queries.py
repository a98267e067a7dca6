"""Queries for the items of one kind, with their texts.

Lists are read in bounded steps: first the ids and the sizes of the texts, from indexes, then the
texts that fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.db.models import F, QuerySet

from collectives.items import kinds, queries
from collectives.items.models import Item, ItemQuerySet
from collectives.items.queries import NEWEST, Included, Lookups, by_ids, ordered, position
from harmonic.kernel.access import Access
from harmonic.kernel.database.functions import Bytes
from harmonic.kernel.database.prepared import Prepared, QueryValue, of_model
from harmonic.kernel.database.short_ids import by_any_id, short_id
from harmonic.kernel.http.cursors import CursorPage, Order, Position
from harmonic.kernel.refusals import NotFound

M = TypeVar("M", bound=Item)
NO_MOMENT = datetime.min.replace(tzinfo=UTC)
# Annotations of every item that is read.
_SHOWN_WITH = ("confirmed_reads", "parent_kind")


class Size(NamedTuple):
    """Position and size of an item in a list whose text has not been read."""

    id: UUID
    moment: datetime
    bytes: int

    @property
    def position(self) -> Position:
        return self.moment, self.id


def _positions(order: Order, limit: int, **wanted: Any) -> QuerySet[Any, tuple[Any, ...]]:
    return ordered(order, **wanted).values_list("id", order.moment)[:limit]


# The columns are in an index, so that no rows are read.
_POSITIONS: Prepared[tuple[UUID, datetime]] = Prepared(_positions, tuple)


def fit_bytes(sizes: Sequence[Size], limit: int) -> Sequence[Size]:
    """Return the first items that have at most `limit` bytes in total, and at least one."""
    total = 0
    for number, size in enumerate(sizes):
        total += size.bytes
        if total > limit and number:
            return sizes[:number]
    return sizes


class KindQueries(Generic[M]):
    """Queries for one kind. Its model has a column `size`: the bytes of its texts."""

    # Annotations of the kind, by name: of every item that is read, and of one item for its reader.
    numbers: ClassVar[Mapping[str, Callable[[], Any]]] = {}
    own: ClassVar[Mapping[str, Callable[[UUID], Any]]] = {}

    def __init__(self, model: type[M]) -> None:
        self.model = model
        # The lookups of items of this kind.
        self.wanted: Lookups = {"kind": model.KIND}
        self._by_id = of_model(model, self._in_order, (*_SHOWN_WITH, *self.numbers))
        # By short id, which is not converted.
        self._sizes: Prepared[tuple[str, int]] = Prepared(self._with_size, tuple)

    # Built at the first use, when all applications have added their flags.
    @cached_property
    def _one(self) -> Prepared[M]:
        return of_model(self.model, self._to_show, self._annotated)

    @cached_property
    def _one_locked(self) -> Prepared[M]:
        # Lock both tables, because PostgreSQL reads only locked rows again after it waited.
        tables = (table._meta.db_table for table in (Item, self.model))
        lock = "FOR NO KEY UPDATE OF " + ", ".join(f'"{table}"' for table in tables)
        return of_model(self.model, self._to_show, self._annotated, lock=lock)

    @property
    def _annotated(self) -> tuple[str, ...]:
        """The annotations of one item for its reader."""
        own = (*kinds.flags(), *self.own)
        return (
            *_SHOWN_WITH,
            *self.numbers,
            *own,
            "last_read_at",
            "is_pinned",
            "thread_activity_at",
        )

    def _rows(self, **wanted: QueryValue) -> ItemQuerySet[M]:
        objects: Any = self.model.objects
        rows: ItemQuerySet[M] = objects.filter(**wanted)
        return rows

    def _shown(self, **wanted: QueryValue) -> ItemQuerySet[M]:
        rows = self._rows(**wanted).with_confirmed_reads().with_parent_kind()
        numbers = {name: make() for name, make in self.numbers.items()}
        shown: ItemQuerySet[M] = rows.annotate(**numbers)
        return shown

    def _to_show(self, *, user_id: UUID, **wanted: QueryValue) -> QuerySet[M]:
        flags = {**kinds.flags(), **self.own}
        own = {name: make(user_id) for name, make in flags.items()}
        rows: ItemQuerySet[M] = self._shown(**wanted).annotate(**own)
        return rows.for_reader(user_id)

    def _in_order(self, order: Order, **wanted: QueryValue) -> QuerySet[M]:
        return self._shown(**wanted).alive().order_by(*order.columns)

    def _with_size(self, **wanted: QueryValue) -> QuerySet[Any, tuple[Any, ...]]:
        return self._rows(**wanted).values_list("truncated_id", F("size") + Bytes("title"))

    # --- One item ---------------------------------------------------------------------------

    def at(self, access: Access, item_id: str) -> M:
        """Return the item with this short or full id in the collective of the request.

        Deleted items are returned too, because they have a page. Writes lock the rows, so that
        concurrent changes of the item wait.

        Raises:
            NotFound: the item does not exist.
        """
        wanted = by_any_id(item_id)
        one = self._one_locked if access.is_writing else self._one
        here: Lookups = {"collective": access.required_place.id, **self.wanted}
        item = wanted and one.first(user_id=access.user.user_id, **here, **wanted)
        if not item:
            raise NotFound
        return item

    def live_at(self, access: Access, item_id: str, sentence: str = "Not found") -> M:
        """Return an item that is not deleted.

        Raises:
            NotFound: the item does not exist; the message is `sentence`.
        """
        try:
            item = self.at(access, item_id)
        except NotFound:
            raise NotFound(sentence) from None
        if item.is_deleted:
            raise NotFound(sentence)
        return item

    # --- Lists ------------------------------------------------------------------------------

    def listed(
        self, wanted: Lookups, order: Order, limit: int, after: Position | None = None
    ) -> CursorPage[M]:
        """Return at most `limit` items that match `wanted` and are not deleted, after a position.

        There are fewer if their texts exceed `queries.LIST_BYTES`.
        """
        places = _POSITIONS.rows(order, limit + 1, **position(after), **self.wanted, **wanted)
        return self.in_size(self.with_sizes(places), order, limit)

    def among(
        self, items: ItemQuerySet[Item], order: Order, limit: int, after: Position | None = None
    ) -> CursorPage[M]:
        """Return the first items of a queryset of this kind after a position, as `listed` does."""
        return self.in_size(self.sizes_among(items, order, limit + 1, after), order, limit)

    def sizes_among(
        self, items: ItemQuerySet[Item], order: Order, limit: int, after: Position | None = None
    ) -> list[Size]:
        """Return the first items of a queryset of this kind, without their texts."""
        if after is not None:
            items = items.filter(order.beyond(after))
        rows = items.order_by(*order.columns)[:limit]
        return self.with_sizes(rows.values_list("id", order.moment))

    def in_size(self, sizes: Sequence[Size], order: Order, limit: int) -> CursorPage[M]:
        """Return the items of `sizes` up to `limit` and `queries.LIST_BYTES`, and at least one."""
        shown = fit_bytes(sizes[:limit], queries.LIST_BYTES)
        end = shown[-1].position if len(shown) < len(sizes) else None
        return CursorPage(self.by_id((size.id for size in shown), order), end)

    def by_id(self, item_ids: Iterable[UUID], order: Order) -> Sequence[M]:
        """Return items by id that are not deleted, in an order."""
        return self._by_id.rows(order, **by_ids(item_ids))

    def fitting(self, item_ids: Iterable[UUID], collective_id: UUID) -> Included[M]:
        """Return the first items of a collective among some ids, up to `LIST_BYTES`."""
        places = [(each, NO_MOMENT) for each in dict.fromkeys(item_ids)]
        there = self.with_sizes(places, collective=collective_id)
        shown = fit_bytes(there, queries.LIST_BYTES)
        items = self.by_id((size.id for size in shown), NEWEST)
        return Included(items, frozenset(size.id for size in there[len(shown) :]))

    def with_sizes(
        self, places: Iterable[tuple[UUID, datetime]], **wanted: QueryValue
    ) -> list[Size]:
        """Add sizes to positions in a list, without items that are not found."""
        found = [(short_id(item_id), item_id, at) for item_id, at in places]
        if not found:
            return []
        named = tuple(short for short, *_ in found)
        sizes = dict(self._sizes.rows(truncated_id__in=named, **wanted))
        return [Size(item_id, at, sizes[short]) for short, item_id, at in found if short in sizes]

    def count_matching(self, wanted: Lookups) -> int:
        """Count the items that match `wanted` and are not deleted."""
        return queries.count_matching({**self.wanted, **wanted})
