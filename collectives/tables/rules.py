"""Policies and changes of table notes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collectives.items import rules as items
from collectives.notes.models import Note
from collectives.tables.models import TableData
from collectives.tables.table import (
    CREATED_AT,
    CREATED_BY,
    ROW_ID,
    Column,
    Table,
    Values,
    as_markdown,
    checked,
    require_room,
    with_row,
)
from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Denied, NotPossible
from harmonic.kernel.rendering.text import normalise_block

NOT_A_TABLE = "Not a table note"
DEFAULT_TITLE = "Table"


def is_table(note: Note) -> bool:
    return note.subtype == Note.Subtype.TABLE


def has_table(access: Access, note: Note | None) -> bool:
    """Return whether to offer the actions of tables on a note."""
    return note is None or (is_table(note) and not note.is_deleted)


# --- Policies -------------------------------------------------------------------------------


def may_edit_rows(access: Access, note: Note | None) -> Denied | None:
    """Allow the author, and all members if the author has allowed them to edit rows.

    For a note without a table, the effect raises the refusal.
    """
    if denied := items.may_read(access, note):
        return denied
    if note is None or note.edit_access == Note.EditAccess.MEMBERS or not is_table(note):
        return None
    return items.may_edit(access, note)


def may_edit_columns(access: Access, note: Note | None) -> Denied | None:
    """Allow the author. For a note without a table, the effect raises the refusal."""
    if denied := items.may_read(access, note):
        return denied
    return None if note is None or not is_table(note) else items.may_edit(access, note)


# --- Reading and changing -------------------------------------------------------------------


def data_of(note: Note) -> TableData:
    """Return the stored table of a note, loaded once. In a write, the note is already locked.

    Raises:
        NotPossible: the note has no table.
    """
    if not is_table(note):
        raise NotPossible(NOT_A_TABLE, hint="Only notes with the subtype `table` have rows.")
    data: TableData = note.table
    return data


def create_table(
    access: Access,
    *,
    columns: Sequence[Column],
    rows: Sequence[Values] = (),
    title: str = "",
    description: str = "",
    edit_access: str = Note.EditAccess.OWNER,
) -> Note:
    """Create a table note in the collective of the request.

    Raises:
        Refused: the table exceeds a limit.
    """
    table = checked(Table(normalise_block(description).strip(), tuple(columns)), "columns")
    table = checked(new_rows(access, table, rows))
    note = items.create(
        access,
        Note,
        title=title or DEFAULT_TITLE,
        text=as_markdown(table),
        edit_access=edit_access,
        subtype=Note.Subtype.TABLE,
    )
    data = TableData(tenant_id=note.tenant_id, note=note)
    _store(access, data, table)
    return note


def new_rows(access: Access, table: Table, rows: Sequence[Values]) -> Table:
    """Return the table with rows by the caller added at the end.

    Raises:
        Refused: the table would have too many rows, or a cell is too long.
    """
    require_room(table, len(rows))
    taken = {row[ROW_ID] for row in table.rows}
    for values in rows:
        row_id = secrets.token_hex(4)
        while row_id in taken:
            row_id = secrets.token_hex(4)
        taken.add(row_id)
        about = {
            ROW_ID: row_id,
            CREATED_BY: str(access.user.user_id),
            CREATED_AT: access.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        table = with_row(table, values, about)
    return table


def change(
    access: Access, note: Note, operate: Callable[[Table], Table]
) -> tuple[Table, Mapping[str, Any] | None]:
    """Change the table and the text of a note.

    Return the new table, and the facts of the event, which are None if nothing changed.

    Raises:
        Refused: the note has no table, or the operation is not possible.
    """
    data = data_of(note)
    before = data.table
    table = checked(operate(before))
    if table == before:
        return table, None
    _store(access, data, table)
    text = as_markdown(table)
    facts = items.changed(note, {"text": text})
    note.text = text
    note.updated_at = note.last_activity_at = access.now
    note.updated_by_id = access.user.user_id
    note.save(update_fields=["text", "updated_at", "last_activity_at", "updated_by"])
    return table, facts


def _store(access: Access, data: TableData, table: Table) -> None:
    data.table = table
    if access.user.is_agent:
        data.add_writer(access.user.user_id)
    data.save()
