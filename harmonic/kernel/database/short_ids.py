"""Short IDs: the first eight characters of a UUID, unique in a tenant."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import DatabaseError, IntegrityError, models

from harmonic.kernel.database.tenancy import TenantModel, parse_uuid


class ShortIdModel(TenantModel):
    """A row with a short ID."""

    SHORT = 8
    truncated_id = models.CharField(max_length=SHORT, editable=False)

    class Meta(TenantModel.Meta):
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.truncated_id = self.truncated_id or short_id(self.id)
        super().save(*args, **kwargs)


def is_short_id_collision(error: DatabaseError) -> bool:
    """Return whether a row was refused because another row has its short ID.

    There are four billion short IDs and collisions are rare, so running the write again costs less
    than a query for a free ID before each.
    """
    if not isinstance(error, IntegrityError):
        return False
    # The message of PostgreSQL names the constraint, that of SQLite the columns.
    return "short_id" in str(error) or ".truncated_id" in str(error)


def short_id(whole: uuid.UUID) -> str:
    return str(whole)[: ShortIdModel.SHORT]


def by_any_id(value: str) -> dict[str, Any] | None:
    """Return the filter for a short or whole ID from a path, or None if it is neither."""
    if len(value) == ShortIdModel.SHORT:
        return {"truncated_id": value.lower()}
    parsed = parse_uuid(value)
    return {"id": parsed} if parsed else None
