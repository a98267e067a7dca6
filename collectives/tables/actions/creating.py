"""The action that creates a table note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from collectives.items import rules as items
from collectives.items.actions import creation_action, done
from collectives.notes.models import Note
from collectives.tables import rules
from collectives.tables.params import GROUP, TableParams
from collectives.tables.table import Column, Values
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome


def create(
    access: Access,
    target: object,
    *,
    columns: list[Column],
    initial_rows: Sequence[Values] = (),
    title: str = "",
    description: str = "",
    edit_access: str = Note.EditAccess.OWNER,
) -> Outcome:
    """Create a table note."""
    note = rules.create_table(
        access,
        columns=columns,
        rows=initial_rows,
        title=title,
        description=description,
        edit_access=edit_access,
    )
    return done(access, note, f"Table '{note.title}' created.", items.created(note))


create_table_note: Action[object] = replace(
    creation_action(
        Note,
        "Create a note in this collective with a table, whose rows can be queried.",
        params=TableParams,
        resources="notes",
        group=GROUP,
        effect=create,
    ),
    name="create_table_note",
    label="Create table",
)
