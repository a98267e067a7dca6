"""The contents of a table note: columns and rows, and the operations on them.

A `Table` is immutable; each operation returns a new one. `checked` enforces the limits of a whole
table, once for several operations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harmonic.kernel.refusals import Invalid, NotPossible, Problem
from harmonic.kernel.rendering.text import is_acceptable, normalise_block

MAX_COLUMNS = 20
MAX_ROWS = 500
CELL_LENGTH = 1_000
NAME_LENGTH = 50
DESCRIPTION_LENGTH = 100_000
# The size of the table as JSON.
MAX_BYTES = 2_000_000
TYPES = ("text", "number", "boolean", "date")
ROW_ID, CREATED_BY, CREATED_AT = "_id", "_created_by", "_created_at"
ABOUT_ROW = (ROW_ID, CREATED_BY, CREATED_AT)

# The ID, author and time of a row, and its cells by column name. Column names do not start with an
# underscore.
Row = Mapping[str, str | None]
# Values as sent, by column name.
Values = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z0-9 _]+")


@dataclass(frozen=True, slots=True)
class Column:
    """A column. Its type is only a hint: all cells are text."""

    name: str
    type: str = TYPES[0]

    @property
    def is_number(self) -> bool:
        return self.type == "number"


@dataclass(frozen=True, slots=True)
class Table:
    description: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def row(self, row_id: str) -> Row | None:
        return next((row for row in self.rows if row[ROW_ID] == row_id), None)

    def as_json(self) -> dict[str, Any]:
        """Return the table as a JSON object, for the size limit and for storage."""
        return {
            "description": self.description or None,
            "columns": [{"name": each.name, "type": each.type} for each in self.columns],
            "rows": [dict(row) for row in self.rows],
        }


# --- Checks ---------------------------------------------------------------------------------


def new_column(name: str, type_: str, param: str = "name") -> Column:
    """Return a column; `param` is the parameter that contains its name.

    Raises:
        Invalid: the name or the type is not allowed.
    """
    if fault := _fault_of_name(name):
        raise Invalid(Problem(param, fault))
    if type_ not in TYPES:
        where = "type" if param == "name" else param
        sentence = f"has an invalid column type: '{type_[:40]}'. Use one of {', '.join(TYPES)}"
        raise Invalid(Problem(where, sentence))
    return Column(name, type_)


def _fault_of_name(name: str) -> str:
    if not name.strip():
        return "must not be blank"
    shown = name[: NAME_LENGTH + 10]
    if len(name) > NAME_LENGTH:
        return f"must have at most {NAME_LENGTH} characters: '{shown}'"
    if name.startswith("_"):
        return f"must not start with an underscore: '{shown}'"
    if not _NAME.fullmatch(name):
        return f"has invalid characters: '{shown}'. Use letters A-Z, digits, spaces and underscores"
    return ""


def checked(table: Table, param: str = "name") -> Table:
    """Return the table if it is within the limits; `param` is the parameter with column names.

    Raises:
        Invalid: two columns have the same name.
        NotPossible: the table is too large.
    """
    names = table.names
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise Invalid(Problem(param, f"must be unique: the table already has a column '{twice}'"))
    if len(names) > MAX_COLUMNS:
        raise _too_large(f"A table cannot have more than {MAX_COLUMNS} columns.")
    require_room(table, 0)
    if len(json.dumps(table.as_json(), ensure_ascii=False).encode()) > MAX_BYTES:
        raise _too_large(f"A table cannot have more than {MAX_BYTES:,} bytes.")
    return table


def require_room(table: Table, more: int) -> None:
    """Require room for some more rows in a table.

    Raises:
        NotPossible: the table would have too many rows.
    """
    if len(table.rows) + more > MAX_ROWS:
        raise _too_large(f"A table cannot have more than {MAX_ROWS} rows.")


def _too_large(sentence: str) -> NotPossible:
    return NotPossible(sentence, code="limit_reached", hint="Nothing was written.")


def as_cell(column: str, value: object, param: str = "values") -> str | None:
    """Return a value as the text of a cell, or None for null.

    Raises:
        Invalid: the text is too long, or has characters that cannot be stored.
    """
    text = as_text(value)
    if text is None:
        return None
    if len(text) > CELL_LENGTH:
        sentence = f"has a value for '{column}' that is longer than {CELL_LENGTH} characters"
        raise Invalid(Problem(param, sentence))
    if not is_acceptable(text):
        raise Invalid(Problem(param, "unacceptable"))
    return normalise_block(text)


def as_text(value: object) -> str | None:
    """Return a JSON value as text: strings unchanged, other values as JSON, null as None."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


# --- Operations -----------------------------------------------------------------------------


def ignored_names(table: Table, names: Iterable[str]) -> list[str]:
    """Return the names that are not columns of the table."""
    return [name for name in names if name not in table.names]


def with_row(table: Table, values: Values, about: Mapping[str, str]) -> Table:
    """Return the table with another row; `about` has its ID, author and time."""
    cells = {name: as_cell(name, values.get(name)) for name in table.names}
    return replace(table, rows=(*table.rows, {**about, **cells}))


def with_values(table: Table, row_id: str, values: Values) -> Table:
    """Return the table with new values in some cells of a row.

    Raises:
        NotPossible: the row does not exist.
    """
    row = existing_row(table, row_id)
    cells = {name: as_cell(name, values[name]) for name in table.names if name in values}
    return replace(
        table, rows=tuple({**each, **cells} if each is row else each for each in table.rows)
    )


def without_row(table: Table, row_id: str) -> Table:
    """Return the table without a row.

    Raises:
        NotPossible: the row does not exist.
    """
    row = existing_row(table, row_id)
    return replace(table, rows=tuple(each for each in table.rows if each is not row))


def with_column(table: Table, column: Column) -> Table:
    """Return the table with another column, which is null in all rows."""
    rows = tuple({**row, column.name: row.get(column.name)} for row in table.rows)
    return replace(table, columns=(*table.columns, column), rows=rows)


def without_column(table: Table, name: str) -> Table:
    """Return the table without a column and its values.

    Raises:
        NotPossible: the column does not exist.
    """
    column = existing_column(table, name)
    columns = tuple(each for each in table.columns if each is not column)
    rows = tuple({key: value for key, value in row.items() if key != name} for row in table.rows)
    return replace(table, columns=columns, rows=rows)


def with_description(table: Table, description: str) -> Table:
    return replace(table, description=description.strip())


def existing_row(table: Table, row_id: str) -> Row:
    """Return a row.

    Raises:
        NotPossible: the row does not exist.
    """
    row = table.row(row_id)
    if row is None:
        hint = "`query_rows` returns the rows with their IDs."
        raise NotPossible(f"Row '{row_id[:80]}' not found", hint=hint)
    return row


def existing_column(table: Table, name: str) -> Column:
    """Return a column.

    Raises:
        NotPossible: the column does not exist.
    """
    column = table.column(name)
    if column is None:
        columns = ", ".join(f"'{each}'" for each in table.names) or "none"
        raise NotPossible(f"Column '{name[:80]}' not found", hint=f"Columns: {columns}.")
    return column


# --- As Markdown ----------------------------------------------------------------------------

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_BREAKS = re.compile("\r\n|[\r\n\u2028\u2029]")


def as_markdown(table: Table, names: Sequence[str] = ()) -> str:
    """Return the text of the note: the description, then the table with all or some columns."""
    description = table.description.strip()
    if not table.columns:
        return f"{description}\n" if description else ""
    lines = markdown_table(names or table.names, table.rows)
    return f"{description}\n\n\n{lines}" if description else lines


def markdown_table(names: Sequence[str], rows: Iterable[Row]) -> str:
    """Return rows as a Markdown table of the given columns."""
    head = (_line(names), _line("---" for _ in names))
    return "\n".join((*head, *(_line(row.get(name) for name in names) for row in rows)))


def _line(cells: Iterable[str | None]) -> str:
    return f"| {' | '.join(_cell(cell or '') for cell in cells)} |"


def _cell(text: str) -> str:
    return _BREAKS.sub(" ", _CONTROLS.sub("", text)).replace("|", "\\|")
