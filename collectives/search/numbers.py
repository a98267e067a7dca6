"""Counts of comments, readers, links and so on, which searches compare and show."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, Count, IntegerField, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce

from collectives.items import kinds
from collectives.items.models import COMMENT, Item, readers


def number(name: str) -> Any:
    """Return the expression for a count of an item, by its name in operators."""
    if name == "comments":
        return _comments()
    if name == "readers":
        return readers()
    if name == "participants":
        return _participants()
    return kinds.number(f"{name.removesuffix('s')}_count") or Value(0)


def _comments() -> Coalesce:
    rows = Item.unscoped.filter(
        tenant=OuterRef("tenant"), parent=OuterRef("pk"), subtype=COMMENT, deleted_at=None
    )
    counts = rows.order_by().values("parent").annotate(comment_count=Count("id"))
    return Coalesce(Subquery(counts.values("comment_count")), 0)


def _participants() -> Case:
    """Return the number of readers for notes, and of participants for other items."""
    others = kinds.number("participant_count") or Value(0)
    read = When(kind__in=kinds.confirmed(), then=readers())
    return Case(read, default=others, output_field=IntegerField())
