"""Rules of creating and changing notes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from collectives.items import rules as items
from collectives.items.models import Item
from collectives.notes.models import Note
from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Invalid
from harmonic.kernel.rendering.text import is_blank


def create_note(
    access: Access,
    *,
    text: str,
    title: str = "",
    edit_access: str = Note.EditAccess.OWNER,
    parent: Item | None = None,
    subtype: str = Note.DEFAULT_SUBTYPE,
) -> Note:
    """Create a note in the collective of the request, or a comment on `parent`."""
    if is_blank(text):
        raise Invalid.of("text", "blank")
    values = {"title": title, "text": text, "edit_access": edit_access, "subtype": subtype}
    return items.create(access, Note, parent=parent, **values)


def update_note(
    access: Access,
    note: Note,
    *,
    title: str,
    text: str,
    edit_access: str,
    deadline: datetime | None,
) -> dict[str, Any] | None:
    """Change the given values that are not blank. The text of a table is made from its rows.

    Returns the facts of the event, or None if nothing changed.
    """
    wanted: dict[str, Any] = {
        "title": title,
        "text": "" if is_blank(text) or note.subtype == Note.Subtype.TABLE else text,
        "edit_access": edit_access if edit_access in Note.EditAccess else "",
        "deadline": deadline,
    }
    changed = {
        name: value for name, value in wanted.items() if value and value != getattr(note, name)
    }
    if not changed:
        return None
    facts = items.changed(note, changed)
    for name, value in changed.items():
        setattr(note, name, value)
    note.updated_at = note.last_activity_at = access.now
    note.updated_by_id = access.user.user_id
    note.save(update_fields=[*changed, "updated_at", "last_activity_at", "updated_by"])
    items.record_activity(note, access.now)
    return facts
