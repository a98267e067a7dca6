"""Actions that change the rows, the columns and the description of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from collectives.items.actions import done
from collectives.notes.models import Note
from collectives.tables import params, rules
from collectives.tables.batches import Batch
from collectives.tables.csvs import read_csv
from collectives.tables.params import GROUP
from collectives.tables.table import (
    ROW_ID,
    Row,
    Table,
    Values,
    ignored_names,
    new_column,
    with_column,
    with_description,
    with_values,
    without_column,
    without_row,
)
from harmonic.kernel.access import Access, Policy
from harmonic.kernel.actions import Action, Confirmation, Outcome
from harmonic.kernel.capabilities import Grant, careful, usual
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.refusals import Invalid, Problem, Proof
from harmonic.kernel.scopes import Scope


def _action(
    name: str,
    sentence: str,
    label: str,
    effect: Callable[..., Outcome],
    *,
    policy: Policy[Note],
    takes: type[Params],
    grant: Grant,
    **more: Any,
) -> Action[Note]:
    """Return an action that changes a table."""
    return Action(
        name=name,
        sentence=sentence,
        label=label,
        scope=Scope("update:notes"),
        grant=grant,
        proof=Proof.NONE,
        changes_access=False,
        emits="note.updated",
        params=takes,
        policy=policy,
        is_offered=rules.has_table,
        effect=effect,
        **more,
    )


def _changed(
    access: Access,
    note: Note,
    operate: Callable[[Table], Table],
    message: str | Callable[[Table], str],
    unchanged: str = "The table already has these values.",
) -> Outcome:
    """Change a table; the message can depend on the new table."""
    table, facts = rules.change(access, note, operate)
    said = message(table) if callable(message) else message
    return done(access, note, said if facts is not None else unchanged, facts)


def _noting(outcome: Outcome, ignored: Sequence[str]) -> Outcome:
    """Return the outcome with a note about the values of unknown columns."""
    if not ignored:
        return outcome
    names = ", ".join(f"'{name[:80]}'" for name in ignored[:20])
    return replace(outcome, notes=(f"Ignored values of unknown columns: {names}.",))


def add_row_to(access: Access, note: Note, *, values: Values) -> Outcome:
    """Add a row; the data of the outcome has its ID."""
    ignored = ignored_names(rules.data_of(note).table, values)
    table, facts = rules.change(
        access, note, lambda before: rules.new_rows(access, before, [values])
    )
    row = table.rows[-1]
    outcome = done(access, note, f"Row added (id: {row[ROW_ID]})", facts)
    return _noting(replace(outcome, data={"row_id": row[ROW_ID]}), ignored)


def update_row_of(access: Access, note: Note, *, row_id: str, values: Values) -> Outcome:
    ignored = ignored_names(rules.data_of(note).table, values)
    outcome = _changed(
        access,
        note,
        lambda before: with_values(before, row_id, values),
        f"Row '{row_id}' was updated.",
        f"Row '{row_id}' already has these values.",
    )
    return _noting(outcome, ignored)


def delete_row_of(access: Access, note: Note, *, row_id: str) -> Outcome:
    message = f"Row '{row_id}' was deleted."
    return _changed(access, note, lambda before: without_row(before, row_id), message)


def _add_column(access: Access, note: Note, *, name: str, type: str) -> Outcome:
    column = new_column(name, type)
    message = f"Column '{name}' was added."
    return _changed(access, note, lambda before: with_column(before, column), message)


def _remove_column(access: Access, note: Note, *, name: str) -> Outcome:
    message = f"Column '{name}' was removed."
    return _changed(access, note, lambda before: without_column(before, name), message)


def _describe(access: Access, note: Note, *, description: str | None) -> Outcome:
    return _changed(
        access,
        note,
        lambda before: with_description(before, description or ""),
        "The description of the table was updated.",
    )


def _import(access: Access, note: Note, *, csv: str) -> Outcome:
    names, rows = read_csv(csv, "csv")
    table = rules.data_of(note).table
    if unknown := ignored_names(table, names):
        known = ", ".join(f"'{name}'" for name in table.names)
        sentence = (
            f"has a column '{unknown[0][:80]}', which is not in the table. Its columns are {known}"
        )
        raise Invalid(Problem("csv", sentence))
    number = len(rows)
    message = f"{number} row{'' if number == 1 else 's'} imported."
    unchanged = "The CSV has no rows."
    return _changed(
        access, note, lambda before: rules.new_rows(access, before, rows), message, unchanged
    )


def _batch(access: Access, note: Note, *, operations: Sequence[Mapping[str, Any]]) -> Outcome:
    batch = Batch(access, note, OPERATIONS)
    message = f"{len(operations)} operations applied."
    outcome = _changed(access, note, lambda before: batch.applied(before, operations), message)
    return replace(outcome, json={"success": True, "message": outcome.message})


def _shown_row(access: Access, note: Note | None) -> Row | None:
    """Return the row in the query string of a form, if it exists."""
    row_id = access.query.get("row_id", "")
    if note is None or not row_id or not rules.is_table(note):
        return None
    return rules.data_of(note).table.row(row_id)


def _empty_row(access: Access, note: Note | None) -> Mapping[str, Any]:
    if note is None or not rules.is_table(note):
        return {}
    return {"values": dict.fromkeys(rules.data_of(note).table.names, "")}


def _current_row(access: Access, note: Note | None) -> Mapping[str, Any]:
    if note is None or not rules.is_table(note):
        return {}
    row = _shown_row(access, note) or {}
    return {"values": {name: row.get(name) or "" for name in rules.data_of(note).table.names}}


def _current_description(access: Access, note: Note | None) -> Mapping[str, Any]:
    if note is None or not rules.is_table(note):
        return {}
    return {"description": rules.data_of(note).description}


def _ask_to_delete_row(access: Access, note: Note) -> Confirmation:
    row = _shown_row(access, note) or {}
    names = rules.data_of(note).table.names if row else ()
    facts = tuple((name, row.get(name) or "") for name in names)
    return Confirmation("Delete this row?", facts, "This cannot be undone.")


def _ask_to_remove_column(access: Access, note: Note) -> Confirmation:
    name = access.query.get("name", "")
    column = rules.data_of(note).table.column(name) if rules.is_table(note) else None
    heading = f"Remove the column “{column.name}”?" if column else "Remove a column?"
    return Confirmation(
        heading, consequence="All values in this column are deleted. This cannot be undone."
    )


add_row = _action(
    "add_row",
    "Add a row to this table.",
    "Add row",
    add_row_to,
    policy=rules.may_edit_rows,
    takes=params.RowParams,
    grant=usual(GROUP),
    initial=_empty_row,
    is_additive=True,
)
update_row = _action(
    "update_row",
    "Change values in a row of this table.",
    "Save row",
    update_row_of,
    policy=rules.may_edit_rows,
    takes=params.ChangedRowParams,
    grant=usual(GROUP),
    initial=_current_row,
    confirm="Edit row",
)
delete_row = _action(
    "delete_row",
    "Delete a row from this table.",
    "Delete row",
    delete_row_of,
    policy=rules.may_edit_rows,
    takes=params.RowIdParams,
    grant=careful(GROUP),
    is_dangerous=True,
    confirm=_ask_to_delete_row,
)
add_table_column = _action(
    "add_table_column",
    "Add a column to this table. Its cells in existing rows are empty.",
    "Add column",
    _add_column,
    policy=rules.may_edit_columns,
    takes=params.ColumnParams,
    grant=usual(GROUP),
)
remove_table_column = _action(
    "remove_table_column",
    "Remove a column and all its values from this table.",
    "Remove column",
    _remove_column,
    policy=rules.may_edit_columns,
    takes=params.ColumnNameParams,
    grant=careful(GROUP),
    is_dangerous=True,
    confirm=_ask_to_remove_column,
)
update_table_description = _action(
    "update_table_description",
    "Change the text above this table.",
    "Save description",
    _describe,
    policy=rules.may_edit_columns,
    takes=params.DescriptionParams,
    grant=usual(GROUP),
    initial=_current_description,
)
import_rows = _action(
    "import_rows",
    "Add rows from CSV to this table.",
    "Import rows",
    _import,
    policy=rules.may_edit_rows,
    takes=params.ImportParams,
    grant=usual(GROUP),
    # An agent that may add rows may also import them.
    capability="add_row",
    is_additive=True,
)
batch_table_update = _action(
    "batch_table_update",
    "Apply several operations to this table, all or none of them.",
    "Apply operations",
    _batch,
    policy=rules.may_edit_rows,
    takes=params.BatchParams,
    grant=usual(GROUP),
)
OPERATIONS = {
    action.name: action
    for action in (
        add_row,
        update_row,
        delete_row,
        add_table_column,
        remove_table_column,
        update_table_description,
    )
}
CHANGES: tuple[Action[Note], ...] = (
    *OPERATIONS.values(),
    batch_table_update,
    import_rows,
)
