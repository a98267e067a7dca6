"""Actions of notes and comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from collectives.items import rules as items
from collectives.items.actions import about, creation_action, done, lifecycle_actions
from collectives.items.deadlines import FlexibleTime, TypedTime, resolved
from collectives.items.models import Item
from collectives.notes import queries, rules, threads
from collectives.notes.models import Note
from collectives.reminders import rules as reminders
from collectives.reminders.params import TIMES, timezone_field
from collectives.tables.params import edit_access_field
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.capabilities import usual
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.parameters.fields import Block, DateTime, Flag, Line, Params
from harmonic.kernel.parameters.widgets import PROSE, Widget
from harmonic.kernel.refusals import NotFound, Proof
from harmonic.kernel.scopes import Scope

# --- Create, update, comment ----------------------------------------------------------------


class NoteParams(Params):
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Note.TITLE_LENGTH,
        help_text="The title. If left out, the first line of the text is shown.",
        widget=Widget(
            help="If left blank, the first line of the text is shown.", autocomplete=PROSE
        ),
    )
    text = Block(
        max_length=Note.TEXT_LENGTH,
        help_text="The text of the note, in Markdown.",
        widget=Widget(
            rows=12,
            help="You can use Markdown: lists, links, tables, code.",
            autocomplete=PROSE,
        ),
        example="Sharpen weekly.",
    )


def create(
    access: Access,
    target: object,
    *,
    text: str,
    title: str = "",
    edit_access: str = Note.EditAccess.OWNER,
) -> Outcome:
    """Create a note that is not a comment. Only the API sends `edit_access`."""
    note = rules.create_note(access, text=text, title=title, edit_access=edit_access)
    return done(access, note, "Note created.", items.created(note))


create_note = creation_action(
    Note,
    "Write a note in this collective.",
    params=NoteParams,
    resources="notes",
    group="Notes",
    effect=create,
)


class TitleParams(Params):
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Note.TITLE_LENGTH,
        help_text="The new title. If blank, the current title is kept.",
        widget=Widget(help="", autocomplete=PROSE),
    )


def _deadline() -> DateTime:
    return DateTime(
        required=False,
        help_text="A point in time that the note refers to.",
        widget=Widget(is_hidden=True),
    )


def _text() -> Block:
    return Block(
        required=False,
        allow_blank=True,
        max_length=Note.TEXT_LENGTH,
        help_text="The new text, in Markdown. If blank, the current text is kept.",
        widget=Widget(rows=16, help="Leave blank to keep the current text.", autocomplete=PROSE),
    )


class EditParams(TitleParams):
    text = _text()
    deadline = _deadline()
    edit_access = Line(
        required=False,
        allow_blank=True,
        help_text="Who can edit the rows of a table: owner or members.",
        is_unlisted=True,
        widget=Widget(is_hidden=True, options=Note.EditAccess.choices),
    )
    scheduled_for = FlexibleTime(
        required=False,
        is_unlisted=True,
        help_text=f"The new time of a pending reminder: {TIMES}",
        widget=Widget(is_hidden=True),
    )
    timezone = Line(
        required=False,
        allow_blank=True,
        max_length=64,
        is_unlisted=True,
        help_text="The timezone of a local time. Default: the collective's timezone.",
        widget=Widget(is_hidden=True),
    )
    cancel_reminder = Flag(
        required=False,
        is_unlisted=True,
        help_text="true: cancel a pending reminder.",
        widget=Widget(is_hidden=True),
    )


class ReminderEditParams(TitleParams):
    """The parameters of an edit of a pending reminder."""

    text = _text()
    scheduled_for = FlexibleTime(
        required=False,
        label="When",
        help_text=f"The new time: {TIMES} If left out, the current time is kept.",
        widget=Widget(kind="datetime", help="Leave blank to keep the current time."),
    )
    timezone = timezone_field()


class TableEditParams(TitleParams):
    """The parameters of an edit of a table note, whose text is made from its rows."""

    deadline = _deadline()
    edit_access = edit_access_field()


def _edit_params(access: Access, note: Note | None) -> type[Params]:
    return EDITS.get(note.subtype, EditParams) if note else EditParams


EDITS: Mapping[str, type[Params]] = {
    Note.Subtype.TABLE: TableEditParams,
    Note.Subtype.REMINDER: ReminderEditParams,
}


def _update(
    access: Access,
    note: Note,
    *,
    title: str = "",
    text: str = "",
    deadline: datetime | None = None,
    edit_access: str = "",
    scheduled_for: TypedTime | None = None,
    timezone: str = "",
    cancel_reminder: bool = False,
) -> Outcome:
    reminders.require_editable(note)
    facts = rules.update_note(
        access, note, title=title, text=text, deadline=deadline, edit_access=edit_access
    )
    if reminders.is_reminder(note):
        moment = resolved(access, scheduled_for, timezone) if scheduled_for else None
        facts = _with_schedule(access, note, facts, moment, is_cancelled=cancel_reminder)
    message = "Note updated." if facts else "The note already has these values."
    return done(access, note, message, facts)


def _with_schedule(
    access: Access,
    note: Note,
    facts: dict[str, Any] | None,
    moment: datetime | None,
    *,
    is_cancelled: bool,
) -> dict[str, Any] | None:
    """Change the schedule of a pending reminder, and return the facts of the whole change."""
    if facts:
        reminders.retitle(note)
    if is_cancelled:
        more: dict[str, Any] | None = reminders.cancel(access, note)
    else:
        more = reminders.reschedule(access, note, moment) if moment else None
    if not (facts and more):
        return facts or more
    return {"changed": {**facts["changed"], **more["changed"]}}


def _current(access: Access, note: Note | None) -> Mapping[str, Any]:
    return {"title": note.title, "text": note.text, "edit_access": note.edit_access} if note else {}


update_note: Action[Note] = Action(
    name="update_note",
    sentence="Change the title or the text of this note.",
    label="Save changes",
    scope=Scope("update:notes"),
    grant=usual("Notes"),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.updated",
    params=EditParams,
    policy=items.may_edit,
    effect=_update,
    params_here=_edit_params,
    initial=_current,
)


class CommentParams(Params):
    text = Block(
        max_length=Note.TEXT_LENGTH,
        label="Your comment",
        help_text="The text of the comment, in Markdown.",
        widget=Widget(rows=4, help="", autocomplete=PROSE),
        example="Ten strokes on each side.",
    )
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Note.TITLE_LENGTH,
        help_text="A title. Comments rarely have one.",
        is_unlisted=True,
        widget=Widget(is_hidden=True),
    )
    replying_to_id = Line(
        required=False,
        allow_blank=True,
        help_text="The id of a comment in the same thread to reply to.",
        is_unlisted=True,
        widget=Widget(is_hidden=True),
    )


def _comment(
    access: Access, parent: Item, *, text: str, title: str = "", replying_to_id: str = ""
) -> Outcome:
    answered = _in_thread(access, parent, replying_to_id) if replying_to_id else parent
    comment = rules.create_note(access, text=text, title=title, parent=answered)
    outcome = done(access, comment, "Comment added successfully.", items.created(comment))
    is_browser = access.format == Format.HTML
    return replace(
        outcome,
        parent=about(access, answered),
        browser_path=threads.path_at(access, comment, answered) if is_browser else "",
    )


def _in_thread(access: Access, parent: Item, note_id: str) -> Note:
    """Return the comment to reply to, which must be in the same thread."""
    answered = queries.live_note_at(access, note_id, "Comment not found")
    if answered.id != parent.id and answered.root_id != (parent.root_id or parent.id):
        raise NotFound("Comment not found")
    return answered


add_comment: Action[Item] = Action(
    name="add_comment",
    sentence="Comment on this item or reply to this comment.",
    label="Add comment",
    scope=Scope("create:notes"),
    grant=usual("Comments"),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.created",
    params=CommentParams,
    policy=items.may_read,
    effect=_comment,
)

# --- Pin, unpin, delete, restore ------------------------------------------------------------

pin_note, unpin_note, delete_note, restore_note = lifecycle_actions(
    "note", resources="notes", group="Notes"
)
