"""Columns with the folded form of another column, for unique constraints and lookups.

The application folds the text, since `LOWER` and `UPPER` depend on the database and its locale.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from harmonic.kernel.rendering.text import folded


class FoldedField(models.CharField):  # type: ignore[type-arg]  # no generic at run time
    """The folded form of the field `source`, computed whenever the row is saved.

    `update_fields` of `save` must contain both fields.
    """

    def __init__(self, *, source: str = "", **options: Any) -> None:
        super().__init__(**{**options, "editable": False})
        self.source = source

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = folded(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, key)
        return key

    def deconstruct(self) -> Any:
        """Return a plain column for migrations, which fill it themselves."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.CharField", args, options
