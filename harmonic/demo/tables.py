"""The table notes of the demo world."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoTable:
    """A table note in the kitchen: columns by name with their types, and the rows of authors."""

    title: str
    author: str
    days_ago: float
    description: str
    columns: dict[str, str]
    rows: tuple[tuple[str, ...], ...]
    # Rows that others added later, by handle.
    later: tuple[tuple[str, tuple[str, ...]], ...] = ()


TABLES = (
    DemoTable(
        "Who brings what to the open day",
        "bob",
        4.5,
        "Add what you bring. Bowls are counted in portions.",
        {"Dish": "text", "Portions": "number", "Vegan": "boolean", "Ready on": "date"},
        (
            ("Leek and potato soup", "40", "true", "2031-03-20"),
            ("Rye bread", "60", "true", "2031-03-21"),
            ("Cheese board", "25", "false", ""),
        ),
        later=(
            ("alice", ("Apple cake", "48", "false", "2031-03-21")),
            ("scout", ("Water and glasses", "100", "true", "")),
        ),
    ),
)
