"""Ids as people write them: the first eight characters of a UUID, unique in a tenant."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from django.db import models

from harmonic.kernel.database.prepared import Prepared, Values
from harmonic.kernel.database.tenancy import TenantModel, parse_uuid


class ShortIdModel(TenantModel):
    """A row that people address by the first eight characters of its id."""

    SHORT = 8
    truncated_id = models.CharField(max_length=SHORT, editable=False)

    class Meta(TenantModel.Meta):
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self._draw_free_id()
        super().save(*args, **kwargs)

    def _draw_free_id(self) -> None:
        taken = _taken(type(self))
        while taken.first(truncated_id=short_id(self.id)):
            self.id = uuid.uuid4()
        self.truncated_id = short_id(self.id)


@cache
def _taken(model: type[ShortIdModel]) -> Prepared[tuple[Any, ...]]:
    """Return the compiled query for rows of the bound tenant that have a short id."""

    def rows(*, truncated_id: str) -> Values:
        return model._default_manager.filter(truncated_id=truncated_id).values_list("truncated_id")

    return Prepared(rows, tuple)


def short_id(whole: uuid.UUID) -> str:
    return str(whole)[: ShortIdModel.SHORT]


def by_any_id(value: str) -> dict[str, Any] | None:
    """Return the filter for an id as it stands in a path: short or whole; None if neither."""
    if len(value) == ShortIdModel.SHORT:
        return {"truncated_id": value.lower()}
    parsed = parse_uuid(value)
    return {"id": parsed} if parsed else None
