"""Creating notes over REST: texts, tables, reminders and comments, depending on the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.writes import RestBinding, over_rest
from collectives.items.deadlines import FlexibleTime
from collectives.items.models import Item
from collectives.items.queries import live_item_at
from collectives.notes import actions
from collectives.notes.models import Note
from collectives.reminders.actions import create_reminder_note
from collectives.reminders.params import TIMES, timezone_field
from collectives.tables.actions.creating import create as create_table
from collectives.tables.actions.creating import create_table_note
from collectives.tables.fields import Object
from collectives.tables.params import parsed_table
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Outcome
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.parameters.fields import Choice, Line, Params
from harmonic.kernel.refusals import Invalid, Problem, Refused

TABLE = Note.Subtype.TABLE.value
NEED_A_PARENT = {
    "comment": "cannot be comment for standalone notes",
    "statement": "cannot be statement without a statementable parent",
}
PARENTS = ("Note", "Decision", "Commitment", "RepresentationSession")


class NewNoteParams(actions.NoteParams):
    """Parameters of a new note in the API."""

    subtype = Choice(
        [Note.Subtype.TEXT, "reminder", TABLE, *NEED_A_PARENT],
        aliases={"post": "text"},
        unlisted=NEED_A_PARENT,
        required=False,
        help_text="text (default) or its alias post; reminder, which requires `scheduled_for`;"
        " table, which requires `table_data` instead of `text`. comment requires a parent.",
    )
    edit_access = Choice(
        Note.EditAccess.choices,
        required=False,
        help_text="Who can edit the rows of a table: owner or members.",
    )


def _create(
    access: Access,
    target: object,
    *,
    text: str,
    title: str = "",
    edit_access: str = Note.EditAccess.OWNER,
    subtype: str = "",
) -> Outcome:
    """Create a note without a parent.

    Raises:
        Invalid: the subtype requires a parent.
    """
    if sentence := NEED_A_PARENT.get(subtype):
        raise Invalid(Problem("subtype", sentence))
    return actions.create(access, target, text=text, title=title, edit_access=edit_access)


def _table_data() -> Object:
    return Object(
        required=False,
        help_text="For tables: an object with `columns`, `rows` and `description`. Columns have a"
        " `name` and a `type` (text, number, boolean or date), and rows values by column.",
    )


class NewTableParams(Params):
    """Parameters of a new table note in the API."""

    title = Line(required=False, allow_blank=True, max_length=Note.TITLE_LENGTH)
    edit_access = Choice(Note.EditAccess.choices, required=False)
    table_data = _table_data()


def _create_table(
    access: Access,
    target: object,
    *,
    table_data: Mapping[str, Any] | None = None,
    title: str = "",
    edit_access: str = Note.EditAccess.OWNER,
) -> Outcome:
    """Create a table note.

    Raises:
        Invalid: `table_data` is missing, or a part of it is invalid.
    """
    if table_data is None:
        raise Invalid(Problem("table_data", "must be present"))
    return create_table(
        access, target, title=title, edit_access=edit_access, **parsed_table(table_data)
    )


class ParentParams(Params):
    """Parameters that name the parent of a new comment."""

    subtype = Choice([Note.Subtype.COMMENT], required=False)
    commentable_type = Choice(
        PARENTS, unlisted=PARENTS[1:], help_text="The kind of item to comment on."
    )
    commentable_id = Line(help_text="The ID of the item to comment on.")


# Parameters of subtypes with their own bindings.
OF_TABLES = ("table_data",)
OF_REMINDERS = ("scheduled_for", "timezone")
REMINDER = Note.Subtype.REMINDER.value
CREATE = over_rest(
    actions.create_note,
    params=NewNoteParams,
    effect=_create,
    within="note",
    ignored=(*ParentParams().fields, "deadline", *OF_TABLES, *OF_REMINDERS),
)
CREATE_REMINDER = over_rest(
    create_reminder_note,
    within="note",
    ignored=("subtype", "edit_access", "deadline", *OF_TABLES),
)
CREATE_TABLE = over_rest(
    create_table_note,
    params=NewTableParams,
    effect=_create_table,
    within="note",
    ignored=("text", "subtype", "deadline", *OF_REMINDERS),
)


def has_parent(raw: RawParams) -> bool:
    """Return whether a new note names a parent."""
    named = {"commentable_type", "commentable_id"}
    return not named.isdisjoint(raw.values)


def parent_named(raw: RawParams, access: Access) -> Item:
    """Return the parent of a new note.

    Raises:
        Invalid: a parameter of the parent is missing.
        NotFound: the parent does not exist.
    """
    params = validated(ParentParams, raw)
    kind, item_id = params["commentable_type"], params["commentable_id"]
    return live_item_at(access, kind=kind, item_id=item_id, sentence=f"{kind} not found")


# The bindings of subtypes whose parameters differ from those of a text note.
BY_SUBTYPE: Mapping[str, RestBinding[Any]] = {
    TABLE: CREATE_TABLE,
    REMINDER: CREATE_REMINDER,
}


def subtype_of(raw: RawParams | Refused) -> str:
    """Return the subtype of a new note as sent, or ""."""
    sent = raw.values.get("subtype") if isinstance(raw, RawParams) else None
    last = sent[-1] if isinstance(sent, list) and sent else sent
    return last.strip() if isinstance(last, str) else ""


class DocumentedParams(NewNoteParams):
    """The parameters of new notes of all subtypes, for the description of the API."""

    table_data = _table_data()
    scheduled_for = FlexibleTime(required=False, help_text=f"For reminders: the time. {TIMES}")
    timezone = timezone_field()
