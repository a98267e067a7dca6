"""The rows and columns of table notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, NotRequired

from django.urls import URLPattern
from rest_framework.request import Request
from typing_extensions import TypedDict

from api.operations import Operation
from api.responses.schema import Doc, DryRun, Id, OneOf, Timestamp
from api.v1.notes.finding import live_note
from api.v1.notes.resource import NOT_FOUND, NoteId
from api.views import Base, Message, ObjectResponse, Resource, access_of, created, route
from api.writes import over_rest, read_params_of, with_path
from collectives.notes.models import Note
from collectives.tables import rules
from collectives.tables.actions import changing
from collectives.tables.params import BatchParams, RowParams
from collectives.tables.table import CREATED_AT, CREATED_BY, ROW_ID, TYPES, Row, Table
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import Outcome
from harmonic.kernel.parameters.fields import Line, Params
from harmonic.kernel.pipeline import Find
from harmonic.kernel.refusals import NotFound

BASES = Base
RowId = Annotated[str, Doc("The ID of the row: eight hexadecimal digits.", example="b080b971")]


class ColumnJson(TypedDict):
    """A column of a table."""

    name: Annotated[str, Doc(example="Price")]
    type: Annotated[str, OneOf("ColumnType", TYPES)]


class RowJson(TypedDict):
    """A row of a table. All values are text, or null."""

    id: RowId
    values: Annotated[
        dict[str, str | None],
        Doc("The values by column name.", example={"Item": "Flour", "Price": "3"}),
    ]
    created_by_id: Id
    created_at: Timestamp
    dry_run: NotRequired[DryRun]


class TableJson(TypedDict):
    """The table of a note."""

    description: Annotated[
        str | None, Doc("The text above the table, in Markdown.", example="What we need.")
    ]
    columns: list[ColumnJson]
    rows: list[RowJson]
    dry_run: NotRequired[DryRun]


def row_json(row: Row, table: Table) -> RowJson:
    return {
        "id": str(row[ROW_ID]),
        "values": {name: row.get(name) for name in table.names},
        "created_by_id": str(row[CREATED_BY]),
        "created_at": str(row[CREATED_AT]),
    }


def table_json(table: Table) -> TableJson:
    return {
        "description": table.description or None,
        "columns": [{"name": each.name, "type": each.type} for each in table.columns],
        "rows": [row_json(row, table) for row in table.rows],
    }


def live_table(note_id: str) -> Find[Note]:
    """Return a function that finds the table note of a path, unless it is deleted."""

    def find(access: Access) -> Note:
        note = live_note(access, note_id, NOT_FOUND)
        if not rules.is_table(note):
            raise NotFound(rules.NOT_A_TABLE, hint="Only notes with the subtype `table` have rows.")
        return note

    return find


def row_of(note: Note, row_id: str) -> Row:
    """Return a row of a table note.

    Raises:
        NotFound: the row does not exist.
    """
    row = rules.data_of(note).table.row(row_id)
    if row is None:
        raise NotFound(f"Row '{row_id[:80]}' not found")
    return row


# --- Bindings -------------------------------------------------------------------------------


class RowChangeParams(RowParams):
    # From the path.
    row_id = Line(required=False, is_unlisted=True)


class RowDeletionParams(Params):
    # From the path.
    row_id = Line(required=False, is_unlisted=True)


def _update(access: Access, note: Note, *, values: Mapping[str, Any], row_id: str = "") -> Outcome:
    row_of(note, row_id)
    outcome = changing.update_row_of(access, note, row_id=row_id, values=values)
    return replace(outcome, data={"row_id": row_id})


def _delete(access: Access, note: Note, *, row_id: str = "") -> Outcome:
    row_of(note, row_id)
    return changing.delete_row_of(access, note, row_id=row_id)


ADD = over_rest(changing.add_row)
UPDATE = over_rest(changing.update_row, params=RowChangeParams, effect=_update)
DELETE = over_rest(changing.delete_row, params=RowDeletionParams, effect=_delete)
BATCH = over_rest(changing.batch_table_update)


class Tables(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    writes = {"update": BATCH}

    @Operation("read_table", tag="tables")
    def retrieve(self, request: Request, note_id: NoteId) -> ObjectResponse[TableJson]:
        """Retrieve the columns and rows of a table note."""
        note = live_table(note_id)(access_of(request))
        return ObjectResponse(table_json(rules.data_of(note).table))

    @Operation("update_table", body=BatchParams, tag="tables")
    def update(self, request: Request, note_id: NoteId) -> ObjectResponse[TableJson]:
        """Apply operations to a table, all or none of them."""
        note = self.perform(BATCH, live_table(note_id)).object
        return ObjectResponse(table_json(rules.data_of(note).table))

    def shown(self, access: Access, note: Note) -> TableJson:
        return table_json(rules.data_of(note).table)


class Rows(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    writes = {"create": ADD, "update": UPDATE, "destroy": DELETE}

    @Operation("create_row", body=RowParams, tag="tables")
    def create(self, request: Request, note_id: NoteId) -> ObjectResponse[RowJson]:
        """Add a row to a table."""
        outcome = self.perform(ADD, live_table(note_id))
        row_id = outcome.data["row_id"]
        shown = self._row(outcome.object, row_id)
        return created(request, shown, f"{request.path}/{row_id}")

    @Operation("read_row", tag="tables")
    def retrieve(self, request: Request, note_id: NoteId, row_id: RowId) -> ObjectResponse[RowJson]:
        """Retrieve a row of a table."""
        return ObjectResponse(self._row(live_table(note_id)(access_of(request)), row_id))

    @Operation("update_row", body=RowParams, tag="tables")
    def update(self, request: Request, note_id: NoteId, row_id: RowId) -> ObjectResponse[RowJson]:
        """Change values in a row. Columns that you leave out keep their values."""
        raw = with_path(read_params_of(UPDATE, request), row_id=row_id)
        note = self.perform(UPDATE, live_table(note_id), raw=raw).object
        return ObjectResponse(self._row(note, row_id))

    @Operation("delete_row", tag="tables")
    def destroy(self, request: Request, note_id: NoteId, row_id: RowId) -> ObjectResponse[Message]:
        """Delete a row of a table."""
        raw = with_path(read_params_of(DELETE, request), row_id=row_id)
        self.perform(DELETE, live_table(note_id), raw=raw)
        return ObjectResponse({"message": "Row deleted"})

    def shown(self, access: Access, note: Note) -> RowJson:
        """Return the row in the path as a read returns it, for preconditions."""
        return self._row(note, self.kwargs.get("row_id", ""))

    def _row(self, note: Note, row_id: str) -> RowJson:
        return row_json(row_of(note, row_id), rules.data_of(note).table)


def urls() -> list[URLPattern]:
    table = "api/v1/notes/<str:note_id>/table"
    return [
        route(table, Tables, get="retrieve", put="update", patch="update"),
        route(f"{table}/rows", Rows, post="create"),
        route(
            f"{table}/rows/<str:row_id>",
            Rows,
            get="retrieve",
            put="update",
            patch="update",
            delete="destroy",
        ),
    ]
