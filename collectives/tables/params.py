"""Parameters of the actions of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collectives.notes.models import Note
from collectives.tables.fields import Cells, Columns, Object, Operations, Rows
from collectives.tables.reading import ASC, DESC, Operation
from collectives.tables.table import (
    DESCRIPTION_LENGTH,
    MAX_BYTES,
    MAX_ROWS,
    NAME_LENGTH,
    TYPES,
)
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import Block, Choice, Integer, Line, Params
from harmonic.kernel.parameters.widgets import PROSE, Widget

GROUP = "Tables"
QUERY_LIMIT = 20
EDIT_ACCESS = (
    (Note.EditAccess.OWNER.value, "Only you"),
    (Note.EditAccess.MEMBERS.value, "All members of this collective"),
)


def edit_access_field(initial: str = "") -> Choice:
    return Choice(
        Note.EditAccess.choices,
        required=False,
        label="Rows can be edited by",
        help_text="Who can edit the rows: owner (only the author, the default) or members.",
        widget=Widget(kind="radios", help="", options=EDIT_ACCESS, initial=initial or None),
    )


class TableParams(Params):
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Note.TITLE_LENGTH,
        help_text="The title. Default: Table.",
        widget=Widget(help="If left blank, the title is “Table”.", autocomplete=PROSE),
    )
    columns = Columns(
        help_text="The columns: objects with `name` and `type` (text, number, boolean or date).",
        widget=Widget(
            kind="lines",
            rows=4,
            help="One per line, followed by its type unless it is text, such as Price: number."
            " Types are text, number, boolean and date.",
        ),
        example=[{"name": "Item", "type": "text"}, {"name": "Price", "type": "number"}],
    )
    initial_rows = Rows(
        required=False,
        label="Rows",
        help_text="The initial rows: objects with values by column name.",
        widget=Widget(
            kind="lines",
            rows=6,
            help="CSV with the column names in the first line.",
        ),
    )
    description = Block(
        required=False,
        allow_blank=True,
        max_length=DESCRIPTION_LENGTH,
        help_text="Text above the table, in Markdown.",
        widget=Widget(rows=3, help="Text above the table. You can use Markdown."),
    )
    edit_access = edit_access_field(Note.EditAccess.OWNER)


def _row_id() -> Line:
    return Line(
        help_text="The `_id` of the row, which `query_rows` returns.",
        widget=Widget(is_chosen_before=True),
        example="3f0c7a52",
    )


class RowParams(Params):
    values = Cells(
        help_text="The values by column name.",
        widget=Widget(kind="cells", help=""),
        example={"Item": "Flour", "Price": 3},
    )


class ChangedRowParams(Params):
    row_id = _row_id()
    values = Cells(
        help_text="The new values by column name. Columns that you leave out keep their values.",
        widget=Widget(kind="cells", help=""),
        example={"Price": 4},
    )


class RowIdParams(Params):
    row_id = _row_id()


class ColumnParams(Params):
    name = Line(
        help_text=f"The name: up to {NAME_LENGTH} letters (A-Z), digits, spaces and underscores.",
        widget=Widget(help="Letters A to Z, digits, spaces and underscores."),
        example="Supplier",
    )
    type = Line(
        help_text="text, number, boolean or date.",
        widget=Widget(
            kind="select",
            help="Number columns are sorted numerically.",
            options=[(type_, type_) for type_ in TYPES],
            initial=TYPES[0],
        ),
        example="text",
    )


class ColumnNameParams(Params):
    name = Line(
        help_text="The name of the column.",
        widget=Widget(is_chosen_before=True),
        example="Supplier",
    )


class DescriptionParams(Params):
    description = Block(
        allow_blank=True,
        allow_null=True,
        max_length=DESCRIPTION_LENGTH,
        help_text="The text above the table, in Markdown. If blank, the text is removed.",
        widget=Widget(rows=4, help="You can use Markdown. Leave blank to remove it."),
        example="What we need to buy.",
    )


class BatchParams(Params):
    operations = Operations(
        help_text=(
            "Objects with `action` (add_row, update_row, delete_row, add_table_column,"
            " remove_table_column or update_table_description) and the parameters of that action."
        ),
        widget=Widget(kind="lines", rows=8, help="A JSON array of operations."),
        example=[{"action": "add_row", "values": {"Item": "Flour"}}],
    )


class ImportParams(Params):
    csv = Block(
        max_length=MAX_BYTES,
        label="CSV",
        help_text="Rows as CSV, with the column names in the first line.",
        widget=Widget(rows=6, help="The first line must contain the column names."),
        example="Item,Price\nFlour,3\n",
    )


class QueryParams(Params):
    where = Object(
        required=False,
        help_text="Values by column name. A row matches if its cells equal all of them.",
        widget=Widget(kind="lines", rows=2),
    )
    order_by = Line(
        required=False,
        allow_blank=True,
        help_text="The column to sort by. Default: the order in which rows were added.",
    )
    order = Choice([ASC, DESC], required=False, help_text="asc (default) or desc.")
    limit = Integer(required=False, help_text=f"1 to {MAX_ROWS} rows. Default: {QUERY_LIMIT}.")
    offset = Integer(required=False, help_text="The number of rows to skip. Default: 0.")


class SummaryParams(Params):
    operation = Choice(
        [each.value for each in Operation],
        help_text="count, sum, average, min or max.",
        example="sum",
    )
    column = Line(
        required=False,
        allow_blank=True,
        help_text="The column. Required, except for count.",
    )
    where = Object(
        required=False,
        help_text="Values by column name. Only rows whose cells equal all of them are included.",
        widget=Widget(kind="lines", rows=2),
    )


class TableDataParams(Params):
    """The members of `table_data` in the API."""

    columns = Columns(required=False)
    rows = Rows(required=False)
    description = Block(
        required=False, allow_blank=True, allow_null=True, max_length=DESCRIPTION_LENGTH
    )


def parsed_table(table_data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a new table from `table_data`.

    Raises:
        Invalid: a member of it is invalid.
    """
    values = validated(TableDataParams, RawParams(dict(table_data)))
    return {
        "columns": values.get("columns", []),
        "initial_rows": values.get("rows", ()),
        "description": values.get("description") or "",
    }
