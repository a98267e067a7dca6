"""Reading a table: filtering, sorting and aggregating its rows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from collectives.tables.table import ABOUT_ROW, Row, Table, existing_column
from harmonic.kernel.refusals import Invalid, Problem

ASC, DESC = "asc", "desc"
_NUMBER = re.compile(r"\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?)")


class Operation(StrEnum):
    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Found:
    """The matching rows, in order, and their total number before the limit."""

    total: int
    rows: Sequence[Row]


def find_rows(
    table: Table,
    where: Mapping[str, str],
    *,
    order_by: str = "",
    order: str = ASC,
    limit: int,
    offset: int = 0,
) -> Found:
    """Return the rows whose cells equal all values of `where`. An unknown column never matches."""
    rows = ordered(table, matching(table, where), order_by, order)
    return Found(len(rows), rows[offset : offset + limit])


def matching(table: Table, where: Mapping[str, str]) -> list[Row]:
    known = {*table.names, *ABOUT_ROW}
    if not where.keys() <= known:
        return []
    return [
        row for row in table.rows if all(row.get(name) == value for name, value in where.items())
    ]


def containing(table: Table, name: str, text: str) -> list[Row]:
    """Return the rows whose cell in a column contains a text, ignoring case."""
    wanted = text.casefold()
    return [row for row in table.rows if wanted in (row.get(name) or "").casefold()]


def ordered(table: Table, rows: Sequence[Row], order_by: str, order: str) -> list[Row]:
    """Return rows sorted by a column, or unchanged if the column is unknown.

    Empty cells come last in both directions. In a number column, cells without a number come after
    those with one. Rows with equal cells keep their order.
    """
    column = table.column(order_by)
    if column is None and order_by not in ABOUT_ROW:
        return list(rows)
    filled = [row for row in rows if row.get(order_by)]
    empty = [row for row in rows if not row.get(order_by)]
    is_reversed = order == DESC

    def text_of(row: Row) -> str:
        return row[order_by] or ""

    if column is None or not column.is_number:
        return [*sorted(filled, key=text_of, reverse=is_reversed), *empty]
    numbers = {id(row): number_in(row[order_by]) for row in filled}
    numeric = [row for row in filled if numbers[id(row)] is not None]
    others = [row for row in filled if numbers[id(row)] is None]

    def number_of(row: Row) -> Decimal:
        return numbers[id(row)] or Decimal()

    return [
        *sorted(numeric, key=number_of, reverse=is_reversed),
        *sorted(others, key=text_of, reverse=is_reversed),
        *empty,
    ]


def number_in(cell: str | None) -> Decimal | None:
    """Return the number at the beginning of a cell, or None."""
    found = _NUMBER.match(cell or "")
    return Decimal(found[1]) if found else None


# --- Summaries ------------------------------------------------------------------------------


def summarize(
    table: Table, operation: str, column: str = "", where: Mapping[str, str] | None = None
) -> str | None:
    """Return the count, sum, average, minimum or maximum of the matching rows.

    Raises:
        Invalid: the operation requires a column, and none is given.
        NotPossible: the column does not exist.
    """
    return summary_of(table, matching(table, where or {}), operation, column)


def summary_of(table: Table, rows: Sequence[Row], operation: str, column: str) -> str | None:
    if operation == Operation.COUNT:
        return str(len(rows))
    if not column:
        raise Invalid(Problem("column", f"is required for {operation}"))
    is_number = existing_column(table, column).is_number
    cells = [row.get(column) for row in rows]
    if operation in (Operation.MIN, Operation.MAX):
        return _extreme(cells, min if operation == Operation.MIN else max, is_number=is_number)
    total = sum(((number_in(cell) or Decimal()) for cell in cells), Decimal())
    if operation == Operation.AVERAGE:
        return _as_decimal(total / len(cells) if cells else Decimal())
    return _as_decimal(total)


def _extreme(
    cells: Iterable[str | None], choose: Callable[..., str], *, is_number: bool
) -> str | None:
    """Return the smallest or largest cell: numerically in a number column, otherwise as text."""
    texts = [cell for cell in cells if cell is not None]
    if not is_number:
        return choose(texts, default=None)
    numbers = [cell for cell in texts if number_in(cell) is not None]
    return choose(numbers, key=number_in, default=None)


def _as_decimal(value: Decimal) -> str:
    """Return a number as a decimal: 30 is `30.0`."""
    number = float(value)
    return repr(number) if math.isfinite(number) else str(value)
