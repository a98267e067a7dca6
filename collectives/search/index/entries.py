"""The search index: writing entries, and finding texts that contain terms.

`candidates` and `HasKey` are the only parts that depend on the database. The first asks the
full-text index of SQLite (FTS5) or PostgreSQL (GIN) for the newest texts with some tokens. Their
number is limited, so that the cost of a search is, however many texts there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from collectives.items.kinds import kind_named
from collectives.items.models import Item
from collectives.search.index.folding import fold
from collectives.search.index.grams import (
    WANTED,
    by_author,
    grams_in,
    grams_of,
    in_place,
    of_kind,
)
from collectives.search.models import SearchEntry

# The texts that a search compares with its terms and conditions.
LOOKED_AT = 5_000
# The rows of one statement.
BATCH = 100
_SQLITE = """
    SELECT rowid FROM search_grams WHERE search_grams MATCH %s ORDER BY rowid {way} LIMIT %s
"""
_POSTGRESQL = """
    SELECT sort_key FROM search_searchentry WHERE grams @@ %s::tsquery
    ORDER BY sort_key {way} LIMIT %s
"""


# --- Finding --------------------------------------------------------------------------------


def candidates(
    facets: Iterable[Sequence[str]],
    terms: Sequence[str] = (),
    *,
    is_oldest_first: bool = False,
    limit: int,
) -> list[int]:
    """Return the keys of the newest entries with a facet of each group and all grams of the terms.

    Most of them contain the folded terms; `containing` compares.
    """
    grams = sorted({gram for term in terms for gram in grams_in(term)})[:WANTED]
    is_sqlite = connection.vendor == "sqlite"
    either, both = (" OR ", " AND ") if is_sqlite else (" | ", " & ")
    quote = '"' if is_sqlite else "'"
    groups = [*facets, *([gram] for gram in grams)]
    if not all(groups):
        return []
    wanted = both.join(
        f"({either.join(f'{quote}{token}{quote}' for token in group)})" for group in groups
    )
    statement = (_SQLITE if is_sqlite else _POSTGRESQL).format(
        way="ASC" if is_oldest_first else "DESC"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [wanted, limit])
        return [key for (key,) in cursor.fetchall()]


class HasKey(Func):
    """Condition that a column has one of some keys, which are one parameter of the statement."""

    output_field = BooleanField()

    def __init__(self, key: str, keys: Sequence[int], **extra: Any) -> None:
        super().__init__(F(key), **extra)
        self.keys = tuple(keys)

    @property
    def identity(self) -> Any:
        return (*super().identity, self.keys)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        listed = "IN (SELECT value FROM json_each(%s))"
        return f"{self._column(compiler)} {listed}", [json.dumps(self.keys)]

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return f"{self._column(compiler)} = ANY(%s)", [list(self.keys)]

    def _column(self, compiler: Any) -> str:
        return str(compiler.compile(self.get_source_expressions()[0])[0])


def containing(keys: Sequence[int], terms: Iterable[str], excluded: Iterable[str] = ()) -> Q:
    """Return the condition of the items among `keys` with all terms and without the excluded."""
    conditions = [*map(_has, terms), *(~_has(term) for term in excluded)]
    entries = SearchEntry.objects.filter(HasKey("sort_key", keys), *conditions)
    return Q(pk__in=entries.values("item"))


def _has(term: str) -> Q:
    return Q(GreaterThan(StrIndex(F("words"), Value(term)), 0))


# --- Writing --------------------------------------------------------------------------------


def index_items(items: Sequence[Item]) -> None:
    """Store the entries of items of one kind, and remove those of deleted items.

    Every write of a text calls it, in the same transaction.
    """
    gone = [item.id for item in items if item.is_deleted]
    if gone:
        SearchEntry.unscoped.filter(item__in=gone).delete()
    shown = [item for item in items if not item.is_deleted]
    if not shown:
        return
    more = kind_named(shown[0].kind).more_text(shown)
    SearchEntry.unscoped.bulk_create(
        (_entry(item, more.get(item.id, "")) for item in shown),
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["title", "grams", "words"],
    )


def _entry(item: Item, more: str) -> SearchEntry:
    title = fold(item.title)
    words = fold("\n".join(filter(None, (item.title, item.opening, more))))
    facets = (in_place(item.collective_id), by_author(item.created_by_id), of_kind(item.kind))
    return SearchEntry(
        tenant_id=item.tenant_id,
        item_id=item.id,
        title=title,
        grams={*facets, *grams_of(words)},
        words=words,
    )
