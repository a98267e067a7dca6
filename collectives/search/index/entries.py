"""The index of searches: writing it, and finding texts that contain terms.

`Contains` is the only part that depends on the database: it asks the full-text index of SQLite
(FTS5) or PostgreSQL (GIN) for texts with the grams of the terms, and compares those with the terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, Func, Q

from collectives.items.kinds import kind_named
from collectives.items.models import Item
from collectives.search.index.folding import fold
from collectives.search.index.grams import WANTED, grams_in
from collectives.search.models import SearchEntry

# The rows of one statement.
BATCH = 100


# --- Finding --------------------------------------------------------------------------------


class Contains(Func):
    """Condition of entries whose text contains all of some folded terms."""

    output_field = BooleanField()

    def __init__(self, terms: Sequence[str], **extra: Any) -> None:
        super().__init__(F("sort_key"), F("grams"), F("words"), **extra)
        self.terms = tuple(terms)

    @property
    def identity(self) -> Any:
        return (*super().identity, self.terms)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        key, _, words = self._columns(compiler)
        indexed = f"{key} IN (SELECT rowid FROM search_grams WHERE search_grams MATCH %s)"  # noqa: S608 our own words
        compared = [f"INSTR({words}, %s) > 0" for _ in self.terms]
        wanted = " AND ".join(f'"{gram}"' for gram in self._wanted())
        return f"({' AND '.join([indexed, *compared])})", [wanted, *self.terms]

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        _, grams, words = self._columns(compiler)
        indexed = f"{grams} @@ %s::tsquery"
        compared = [f"STRPOS({words}, %s) > 0" for _ in self.terms]
        wanted = " & ".join(f"'{gram}'" for gram in self._wanted())
        return f"({' AND '.join([indexed, *compared])})", [wanted, *self.terms]

    def _columns(self, compiler: Any) -> list[str]:
        return [compiler.compile(each)[0] for each in self.get_source_expressions()]

    def _wanted(self) -> list[str]:
        grams = {gram for term in self.terms for gram in grams_in(term)}
        return sorted(grams)[:WANTED]


def containing(terms: Sequence[str]) -> Q:
    """Return the condition of the items whose texts contain all of some folded terms."""
    return Q(pk__in=SearchEntry.objects.filter(Contains(terms)).values("item"))


# --- Writing --------------------------------------------------------------------------------


def index_items(items: Sequence[Item]) -> None:
    """Store the texts of items of one kind, and remove those of deleted items.

    It is called with each write of a text, in the same transaction.
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
    return SearchEntry(
        tenant_id=item.tenant_id, item_id=item.id, title=title, grams=words, words=words
    )
