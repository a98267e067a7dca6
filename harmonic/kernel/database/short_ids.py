"""Ids as people write them: the first eight characters of a UUID, unique in a tenant."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import DatabaseError, IntegrityError, models

from harmonic.kernel.database.tenancy import TenantModel, parse_uuid


class ShortIdModel(TenantModel):
    """A row that people address by the first eight characters of its id."""

    SHORT = 8
    truncated_id = models.CharField(max_length=SHORT, editable=False)

    class Meta(TenantModel.Meta):
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.truncated_id = self.truncated_id or short_id(self.id)
        super().save(*args, **kwargs)


def is_short_id_collision(error: DatabaseError) -> bool:
    """Return whether a row was refused because its short id belongs to another one.

    No query looks for a free id first: of four billion, one that is taken is drawn so rarely that
    running the write again with another one costs less.
    """
    if not isinstance(error, IntegrityError):
        return False
    # PostgreSQL names the constraint, SQLite its columns.
    return "short_id" in str(error) or ".truncated_id" in str(error)


def short_id(whole: uuid.UUID) -> str:
    return str(whole)[: ShortIdModel.SHORT]


def by_any_id(value: str) -> dict[str, Any] | None:
    """Return the filter for an id as it stands in a path: short or whole; None if neither."""
    if len(value) == ShortIdModel.SHORT:
        return {"truncated_id": value.lower()}
    parsed = parse_uuid(value)
    return {"id": parsed} if parsed else None
