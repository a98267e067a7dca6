"""The order of the items of a cycle: `sort_by=title-asc`."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, Expression, F, OrderBy, When
from django.db.models.functions import Lower

from collectives.items import kinds
from harmonic.kernel.rendering.text import FIRST_LINE_SOURCE

CREATED = "created_at"
# Times, by which lists have cursors too.
MOMENTS = (CREATED, "updated_at", "deadline")
COLUMNS = {
    **{name: name for name in MOMENTS},
    "item_type": "kind",
    "created_by_id": "created_by",
    "updated_by_id": "updated_by",
}
NUMBERS = ("link_count", "backlink_count", "participant_count", "voter_count", "option_count")
KEYS = ("item_type", "title", *(key for key in COLUMNS if key != "item_type"), *NUMBERS)


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort key and its direction."""

    key: str = CREATED
    is_descending: bool = True

    @property
    def name(self) -> str:
        return f"{self.key}-{'desc' if self.is_descending else 'asc'}"

    @property
    def is_by_time(self) -> bool:
        return self.key in MOMENTS

    def order_by(self) -> list[OrderBy]:
        """Return the order of items. Ties are in the order of creation.

        Items of kinds without the number of the key are sorted by creation.
        """
        ties = ("id",) if self.is_by_time else (CREATED, "id")
        key = self._expression()
        columns = [OrderBy(F(name), descending=self.is_descending) for name in ties]
        return [OrderBy(key, descending=self.is_descending), *columns] if key else columns

    def _expression(self) -> Expression | F | None:
        if self.key == "title":
            untitled = kinds.opening(FIRST_LINE_SOURCE)
            return Lower(Case(When(title="", then=untitled), default=F("title")))
        return F(COLUMNS[self.key]) if self.key in COLUMNS else kinds.number(self.key)


def parse_sort(text: str) -> Sort:
    """Return the sort of a `sort_by`: an unknown key is `created_at`, an unknown way `desc`."""
    key, _, way = text.partition("-")
    return Sort(key if key in KEYS else CREATED, is_descending=way != "asc")
