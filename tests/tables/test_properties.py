"""Properties that hold for tables with any content."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collectives.tables.csvs import read_csv, write_csv
from collectives.tables.reading import (
    ASC,
    DESC,
    find_rows,
    matching,
    number_in,
    ordered,
    summarize,
)
from collectives.tables.table import (
    Column,
    Table,
    as_markdown,
    with_column,
    with_row,
    with_values,
    without_column,
    without_row,
)
from harmonic.kernel.rendering.text import is_acceptable, normalise_block

CELL = st.one_of(
    st.none(),
    st.text(max_size=12).filter(is_acceptable).map(normalise_block),
    st.integers(-99, 99).map(str),
    st.sampled_from(["=1", "'=1", "''-x", "+", "1e5", ".5", "-.5x", "|", "a\nb", '"', ","]),
)
NAMES = ("Item", "Price", "Shelf")
TABLE_COLUMNS = (Column("Item"), Column("Price", "number"), Column("Shelf", "date"))


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, CELL)), max_size=8))
    table = Table("About", TABLE_COLUMNS)
    for number, values in enumerate(rows):
        table = with_row(table, values, about(number))
    return table


def about(number: int) -> dict[str, str]:
    return {"_id": f"{number:08x}", "_created_by": "b", "_created_at": "t"}


@given(tables(), st.fixed_dictionaries({}, optional=dict.fromkeys((*NAMES, "Other"), CELL)))
def test_adding_a_row_keeps_all_others_and_deleting_it_restores_the_table(
    table: Table, values: dict[str, Any]
) -> None:
    more = with_row(table, values, about(99))

    assert more.rows[:-1] == table.rows
    assert {name: more.rows[-1][name] for name in NAMES} == {
        name: values.get(name) for name in NAMES
    }
    assert without_row(more, "00000063") == table


@given(tables(), CELL)
def test_changing_a_row_changes_nothing_else(table: Table, cell: str | None) -> None:
    table = with_row(table, {"Item": "x"}, about(99))

    changed = with_values(table, "00000063", {"Item": cell})

    assert changed.rows[:-1] == table.rows[:-1]
    assert changed.rows[-1] == {**table.rows[-1], "Item": cell}


@given(tables())
def test_adding_and_removing_a_column_leaves_the_table_unchanged(table: Table) -> None:
    wider = with_column(table, Column("Unit"))

    assert all(row["Unit"] is None for row in wider.rows)
    assert without_column(wider, "Unit") == table
    assert without_column(table, "Price").names == ("Item", "Shelf")


@given(tables())
def test_the_text_has_one_line_for_each_row_with_all_cells(table: Table) -> None:
    lines = as_markdown(replace(table, description="")).split("\n")

    assert len(lines) == 2 + len(table.rows)
    for line in lines:
        # Pipes in cells follow a backslash; all other pipes separate cells.
        assert len(re.findall(r"(?<!\\)\|", line)) == len(NAMES) + 1


@given(tables())
def test_csv_that_is_read_again_has_the_same_cells(table: Table) -> None:
    names, rows = read_csv(write_csv(table.names, table.rows), "csv")

    assert tuple(names) == table.names
    assert [{name: row.get(name) or "" for name in NAMES} for row in rows] == [
        {name: row[name] or "" for name in NAMES} for row in table.rows
    ]


@given(tables())
def test_no_cell_of_a_csv_file_begins_as_a_formula(table: Table) -> None:
    names, rows = read_csv(write_csv(table.names, table.rows).replace("'", "’"), "csv")

    assert tuple(names) == table.names
    for row in rows:
        for cell in row.values():
            is_formula = re.match(r"[=+\-@\t\r]", cell or "")
            assert not is_formula or number_in(cell) is not None


@given(tables(), st.sampled_from((*NAMES, "_id")), st.sampled_from([ASC, DESC]))
def test_sorting_keeps_all_rows_and_puts_empty_cells_last(
    table: Table, name: str, order: str
) -> None:
    rows = ordered(table, table.rows, name, order)

    assert sorted(row["_id"] or "" for row in rows) == [row["_id"] for row in table.rows]
    filled = [bool(row[name]) for row in rows]
    assert filled == sorted(filled, reverse=True)


@given(tables(), st.sampled_from([ASC, DESC]))
def test_numbers_are_sorted_by_their_value(table: Table, order: str) -> None:
    rows = ordered(table, table.rows, "Price", order)

    numbers = [found for row in rows if (found := number_in(row["Price"])) is not None]
    assert numbers == sorted(numbers, reverse=order == DESC)


@given(tables(), st.sampled_from(NAMES))
def test_rows_with_equal_cells_keep_their_order_in_both_directions(table: Table, name: str) -> None:
    same = replace(table, rows=tuple({**row, name: "7"} for row in table.rows))

    for order in (ASC, DESC):
        assert ordered(same, same.rows, name, order) == list(same.rows)


@given(tables(), CELL, st.integers(1, 5), st.integers(0, 5))
def test_pages_of_a_query_have_each_match_once(
    table: Table, cell: str | None, limit: int, offset: int
) -> None:
    where = {"Item": cell or ""}
    whole = matching(table, where)

    found = find_rows(table, where, limit=limit, offset=offset)

    assert found.total == len(whole)
    assert list(found.rows) == whole[offset : offset + limit]
    assert all(row["Item"] == where["Item"] for row in whole)


@given(tables())
@settings(max_examples=200)
def test_summaries_agree_with_the_rows(table: Table) -> None:
    numbers = [number_in(row["Price"]) or Decimal() for row in table.rows]

    assert summarize(table, "count") == str(len(table.rows))
    assert float(summarize(table, "sum", "Price") or "") == float(sum(numbers, Decimal()))
    lowest, highest = summarize(table, "min", "Price"), summarize(table, "max", "Price")
    with_number = [n for row in table.rows if (n := number_in(row["Price"])) is not None]
    if with_number:
        assert number_in(lowest) == min(with_number)
        assert number_in(highest) == max(with_number)
    else:
        assert lowest is highest is None
