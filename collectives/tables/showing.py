"""The table on the page of a note: the rows that the query string selects, and their summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page
from django.http import HttpResponse

from accounts.queries import Person
from collectives.notes.models import Note
from collectives.notes.queries import live_note_at
from collectives.tables import rules
from collectives.tables.authors import author_for
from collectives.tables.csvs import CONTENT_TYPE, write_csv
from collectives.tables.models import TableData
from collectives.tables.reading import ASC, DESC, Operation, containing, ordered, summary_of
from collectives.tables.table import ROW_ID, Column, Row, Table, as_markdown
from harmonic.kernel.access import Access
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.refusals import NotFound
from harmonic.kernel.rendering.documents import keep_private

# Rows on a page of the note.
PAGE = 50
PARAMETERS = ("filter_by", "filter", "order_by", "order", "operation", "column")
_ORDERS = ((ASC, "Ascending"), (DESC, "Descending"))
_OPERATIONS = (("", "Nothing"), *((each.value, each.value.capitalize()) for each in Operation))


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row with its cells in the order of the columns."""

    id: str
    cells: Sequence[tuple[Column, str]]


@dataclass(frozen=True)
class TableView:
    """A table, filtered and sorted by the query string."""

    access: Access
    note: Note
    data: TableData

    @cached_property
    def table(self) -> Table:
        return self.data.table

    @cached_property
    def author(self) -> Person:
        return author_for(self.access, self.note, self.data)

    # --- What is asked for --------------------------------------------------------------------

    @cached_property
    def asked(self) -> Mapping[str, str]:
        return {name: self.access.query.get(name, "") for name in PARAMETERS}

    @property
    def is_narrowed(self) -> bool:
        return any(self.asked[name] for name in PARAMETERS if name != "order")

    @property
    def query(self) -> str:
        """The query string without the page number."""
        return urlencode({name: value for name, value in self.asked.items() if value})

    @property
    def choices(self) -> Iterable[tuple[str, str, str, Sequence[tuple[str, str]]]]:
        """The drop-down lists of the form: name, label, value and options."""
        columns = [("", "—"), *((name, name) for name in self.table.names)]
        selects = (
            ("order_by", "Sort by", columns),
            ("order", "Order", _ORDERS),
            ("operation", "Calculate", _OPERATIONS),
            ("column", "Column", columns),
        )
        return [(name, label, self.asked[name], options) for name, label, options in selects]

    @property
    def columns(self) -> Sequence[str]:
        return self.table.names

    # --- What is shown ------------------------------------------------------------------------

    @cached_property
    def matching(self) -> Sequence[Row]:
        """The rows that match the filter, in order."""
        name, text = self.asked["filter_by"], self.asked["filter"]
        is_filtered = bool(text) and self.table.column(name) is not None
        rows = containing(self.table, name, text) if is_filtered else self.table.rows
        return ordered(self.table, rows, self.asked["order_by"], self.asked["order"])

    @cached_property
    def page(self) -> Page[Any]:
        return numbered(self.matching, self.access, PAGE)

    @property
    def total(self) -> int:
        return len(self.matching)

    @property
    def rows(self) -> Iterable[ShownRow]:
        for row in self.page:
            cells = [(column, row.get(column.name) or "") for column in self.table.columns]
            yield ShownRow(row[ROW_ID], cells)

    @property
    def summary(self) -> str:
        """The sentence with the computed value, or ""."""
        operation, column = self.asked["operation"], self.asked["column"]
        is_known = operation == Operation.COUNT or self.table.column(column) is not None
        if operation not in list(Operation) or not is_known:
            return ""
        value = summary_of(self.table, self.matching, operation, column)
        of = "" if operation == Operation.COUNT else f" of {column}"
        return f"{operation}{of} = {'null' if value is None else value}"

    @property
    def text(self) -> str:
        """The rows of the page as Markdown, with their IDs if the caller can edit them."""
        names = (ROW_ID, *self.table.names) if self.may_edit_rows else self.table.names
        return as_markdown(replace(self.table, rows=tuple(self.page)), names)

    @cached_property
    def may_edit_rows(self) -> bool:
        return rules.may_edit_rows(self.access, self.note) is None

    @property
    def may_edit_columns(self) -> bool:
        return rules.may_edit_columns(self.access, self.note) is None

    @property
    def path(self) -> str:
        return self.note.path_in(self.access.required_place.path)


def table_view(access: Access, note: Note) -> TableView | None:
    """Return the table of a note, or None if the note is deleted or has none."""
    if not rules.is_table(note) or note.is_deleted:
        return None
    return TableView(access, note, rules.data_of(note))


def csv_response(access: Access, note_id: str) -> HttpResponse:
    """Return a response with the table of a note as CSV.

    Raises:
        NotFound: the note does not exist, or has no table.
    """
    note = live_note_at(access, note_id)
    if not rules.is_table(note):
        raise NotFound(hint="Only table notes can be downloaded as CSV.")
    table = rules.data_of(note).table
    response = HttpResponse(write_csv(table.names, table.rows), content_type=CONTENT_TYPE)
    name = f"{note.truncated_id}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    keep_private(response)
    return response
