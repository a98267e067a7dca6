"""The search index: the folded text of each item that is not deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from collectives.items.models import Item
from harmonic.kernel.database.tenancy import TenantModel


class GramsField(models.TextField[Iterable[str], str]):
    """The tokens of a text and its item: a `tsvector` on PostgreSQL, words on SQLite."""

    def db_type(self, connection: Any) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_placeholder(self, value: Any, compiler: Any, connection: Any) -> str:
        return "array_to_tsvector(%s::text[])" if connection.vendor == "postgresql" else "%s"

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        tokens = sorted(value)
        return tokens if connection.vendor == "postgresql" else " ".join(tokens)


class SearchEntry(TenantModel):
    """The searchable text of an item. Deleted items have no entry.

    `sort_key` increases with each new entry. On SQLite, triggers keep the full-text table
    `search_grams` in sync; on PostgreSQL, `grams` has a GIN index.
    """

    id = None  # type: ignore[assignment]  # SQLite's index requires an integer key
    sort_key = models.BigAutoField(primary_key=True)
    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="search_entry")
    title = models.TextField(blank=True, default="")
    grams = GramsField(blank=True, default="")
    words = models.TextField(blank=True, default="")

    class Meta(TenantModel.Meta):
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return str(self.item_id)
