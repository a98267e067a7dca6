"""What people, programs and agents can do with notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from collectives.items import rules as items
from collectives.items.models import Item
from collectives.items.queries import last_confirmation, parent_of
from collectives.notes import queries, rules
from collectives.notes.models import Note
from collectives.rules.policies import is_member
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Outcome, Resource
from harmonic.kernel.capabilities import NEVER, careful, usual
from harmonic.kernel.parameters.fields import Block, Line, Moment, Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import NotFound, Proof
from harmonic.kernel.scopes import Scope


def resource(access: Access, item: Item) -> Resource:
    return Resource(item.kind, item.truncated_id, item.path_in(access.here.path))


def home(access: Access) -> str:
    return access.here.path or "/"


def done(
    access: Access, note: Note, message: str, facts: Mapping[str, Any] | None = None
) -> Outcome:
    """Return the outcome of an action on a note; without `facts`, nothing was changed."""
    path = note.path_in(access.here.path)
    return Outcome(message, path, resource(access, note), note, item_id=note.id, facts=facts)


# --- Writing --------------------------------------------------------------------------------


class NoteParams(Params):
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Note.TITLE_LENGTH,
        help_text="A title. Without one, the first line of the text stands in.",
        widget=Widget(help="Without one, the first line of the text stands in."),
    )
    text = Block(
        max_length=Note.TEXT_LENGTH,
        help_text="The note, in Markdown.",
        widget=Widget(rows=12, help="Markdown works: lists, links, tables, code."),
    )


def create(
    access: Access,
    target: None,
    *,
    text: str,
    title: str = "",
    edit_access: str = Note.EditAccess.OWNER,
) -> Outcome:
    """Create a note that stands alone. Only the API sends `edit_access`."""
    note = rules.create_note(access, text=text, title=title, edit_access=edit_access)
    return done(access, note, "Note created.", items.created(note))


create_note: Action[None] = Action(
    name="create_note",
    sentence="Write a note in this collective.",
    label="Create note",
    scope=Scope("create:notes"),
    grant=usual("Notes"),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.created",
    params=NoteParams,
    policy=is_member,
    effect=create,
)


class EditParams(Params):
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Note.TITLE_LENGTH,
        help_text="A new title; blank leaves it as it is.",
        widget=Widget(help=""),
    )
    text = Block(
        required=False,
        allow_blank=True,
        max_length=Note.TEXT_LENGTH,
        help_text="The new text, in Markdown; blank leaves it as it is.",
        widget=Widget(rows=16, help="Leave blank to keep the current text."),
    )
    deadline = Moment(
        required=False,
        help_text="A moment that the note is about.",
        widget=Widget(is_hidden=True),
    )
    edit_access = Line(
        required=False,
        allow_blank=True,
        help_text="Who may edit the rows of a table: owner or members.",
        is_unlisted=True,
        widget=Widget(is_hidden=True, options=Note.EditAccess.choices),
    )


def _update(
    access: Access,
    note: Note,
    *,
    title: str = "",
    text: str = "",
    deadline: datetime | None = None,
    edit_access: str = "",
) -> Outcome:
    facts = rules.update_note(
        access, note, title=title, text=text, deadline=deadline, edit_access=edit_access
    )
    message = "Note updated." if facts else "Nothing changed: the note is as it was."
    return done(access, note, message, facts)


def _current(access: Access, note: Note | None) -> Mapping[str, Any]:
    return {"title": note.title, "text": note.text} if note else {}


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
    initial=_current,
)


class CommentParams(Params):
    text = Block(
        max_length=Note.TEXT_LENGTH,
        label="Your comment",
        help_text="The comment, in Markdown.",
        widget=Widget(rows=4, help=""),
    )
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Note.TITLE_LENGTH,
        help_text="A title, seldom needed.",
        is_unlisted=True,
        widget=Widget(is_hidden=True),
    )
    replying_to_id = Line(
        required=False,
        allow_blank=True,
        help_text="The id of the comment to answer, in the same thread.",
        is_unlisted=True,
        widget=Widget(is_hidden=True),
    )


def _comment(
    access: Access, parent: Item, *, text: str, title: str = "", replying_to_id: str = ""
) -> Outcome:
    answered = _in_thread(access, parent, replying_to_id) if replying_to_id else parent
    comment = rules.create_note(access, text=text, title=title, parent=answered)
    outcome = done(access, comment, "Comment added successfully.", items.created(comment))
    return replace(outcome, resource=resource(access, parent))


def _in_thread(access: Access, parent: Item, note_id: str) -> Note:
    """Return the comment to answer, which must hang below the same item."""
    answered = queries.live_note_at(access, note_id, "Comment not found")
    if answered.id != parent.id and answered.root_id != (parent.root_id or parent.id):
        raise NotFound("Comment not found")
    return answered


add_comment: Action[Item] = Action(
    name="add_comment",
    sentence="Comment on this note; on a comment, reply to it.",
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

# --- Reading --------------------------------------------------------------------------------


def _confirm(access: Access, note: Note) -> Outcome:
    """Confirm reading a note as it is now; a confirmation that still holds is not repeated."""
    if last := last_confirmation(note, access.user.user_id):
        return replace(done(access, note, "You had confirmed it already."), object=last)
    return done(access, note, "You confirmed reading this note.", {})


def _is_to_confirm(access: Access, note: Note | None) -> bool:
    """Return whether to offer a confirmation; authors may confirm but have no reason to."""
    return note is None or not (note.is_confirmed or note.created_by_id == access.user.user_id)


confirm_read: Action[Note] = Action(
    name="confirm_read",
    sentence="Tell the others that you have read this note as it is now.",
    label="Confirm that I read this",
    scope=Scope("create:confirmations"),
    grant=usual("Reading and reminders"),
    other_scopes=(Scope("create:notes"),),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.confirmed",
    policy=items.may_read,
    is_offered=_is_to_confirm,
    effect=_confirm,
)

# --- Keeping --------------------------------------------------------------------------------


def _pin(access: Access, note: Note) -> Outcome:
    return done(access, note, "The note is pinned.", {} if items.pin(access, note) else None)


def _unpin(access: Access, note: Note) -> Outcome:
    return done(
        access, note, "The note is no longer pinned.", {} if items.unpin(access, note) else None
    )


pin_note: Action[Note] = Action(
    name="pin_note",
    sentence="Keep this note in sight: on the collective's page, or on your own profile.",
    label="Pin",
    scope=Scope("update:notes"),
    grant=usual("Notes"),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.pinned",
    policy=items.may_read,
    is_offered=lambda access, note: note is None or not items.is_pinned(access, note),
    effect=_pin,
)
unpin_note: Action[Note] = Action(
    name="unpin_note",
    sentence="Take this note off the pinned ones.",
    label="Unpin",
    scope=Scope("update:notes"),
    grant=usual("Notes"),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.unpinned",
    policy=items.may_read,
    is_offered=lambda access, note: note is None or items.is_pinned(access, note),
    effect=_unpin,
)


def _delete(access: Access, note: Note) -> Outcome:
    parent = parent_of(note)
    items.delete(access, note)
    after = parent.path_in(access.here.path) if parent and not parent.is_deleted else home(access)
    return replace(done(access, note, "The note is deleted.", {}), path=after)


def _ask_to_delete(access: Access, note: Note) -> Confirmation:
    facts = (
        ("Written", note.created_at),
        ("Reads", str(note.confirmed_reads)),
    )
    return Confirmation(f"Delete “{note.shown_title}”?", facts)


delete_note: Action[Note] = Action(
    name="delete_note",
    sentence="Delete this note. Comments of others stay; it can be restored for 30 days.",
    label="Delete note",
    scope=Scope("delete:notes"),
    grant=careful("Notes"),
    proof=Proof.NONE,
    changes_access=False,
    emits="note.deleted",
    policy=items.may_delete,
    effect=_delete,
    is_dangerous=True,
    confirm=_ask_to_delete,
)


def _restore(access: Access, note: Note) -> Outcome:
    return done(access, note, "The note is back.", {} if items.restore(note) else None)


restore_note: Action[Note] = Action(
    name="restore_note",
    sentence="Bring this deleted note back.",
    label="Restore note",
    scope=Scope("update:notes"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=False,
    emits="note.restored",
    policy=items.may_restore,
    is_offered=lambda access, note: note is None or note.is_deleted,
    effect=_restore,
    people_only="Only people can restore notes.",
)
