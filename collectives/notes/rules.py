"""What may be done to a note, by whom, and what it does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import TenantUser
from collectives.models import Collective, Pin
from collectives.notes import queries
from collectives.notes.models import Note, NoteHistoryEvent
from collectives.rules import is_member
from harmonic.kernel import audit
from harmonic.kernel.access import Access, Denied, Invalid, Link, NotFound, Refused
from harmonic.kernel.rendering.text import is_blank

EDITORS_ONLY = "Unauthorized"
WHO_RESTORES = "Its author or an admin of the collective can restore it, for 30 days."

# --- Policies -------------------------------------------------------------------------------


def may_read(access: Access, note: Note | None) -> Denied | None:
    """A member, and a note that is still there."""
    if denied := is_member(access, note):
        return denied
    if note is None or not note.is_deleted:
        return None
    return Denied("This note has been deleted.", WHO_RESTORES, "not_found", status=404)


def may_edit_note(access: Access, note: Note | None) -> Denied | None:
    """Its creator."""
    if denied := may_read(access, note):
        return denied
    if note is None or note.created_by_id == access.user.user_id:
        return None
    back = Link("The note", note.path_in(access.here.path))
    return Denied(
        EDITORS_ONLY, "Only the note's author can edit it. Others can comment on it.", links=(back,)
    )


def may_delete_note(access: Access, note: Note | None) -> Denied | None:
    """Its creator, and admins of the collective."""
    if denied := may_read(access, note):
        return denied
    if note is None or note.created_by_id == access.user.user_id or access.is_collective_admin:
        return None
    return Denied(
        "You are not authorized to delete this content",
        "Its author or an admin of the collective can delete it.",
    )


def may_restore_note(access: Access, note: Note | None) -> Denied | None:
    """A deleted note, within its thirty days, by who could have deleted it."""
    if denied := is_member(access, note):
        return denied
    if note is None:
        return None
    is_own = note.created_by_id == access.user.user_id
    if not (is_own or access.is_collective_admin):
        return Denied("You are not authorized to restore this content", WHO_RESTORES)
    if note.hard_delete_after and note.hard_delete_after < access.now:
        return Denied(
            "This note was deleted too long ago.", "A deleted note can be restored for 30 days."
        )
    return None


# --- Effects --------------------------------------------------------------------------------


def create_note(
    access: Access,
    *,
    text: str,
    title: str = "",
    edit_access: str = Note.EditAccess.OWNER,
    parent: Note | None = None,
) -> Note:
    """Write a note in the collective of the request, or a comment on `parent`."""
    if is_blank(text):
        raise Invalid.of("text", "blank")
    note = Note(
        tenant_id=access.tenant.id,
        collective_id=access.here.id,
        title=title,
        text=text,
        edit_access=edit_access,
        deadline=access.now,
        created_by_id=access.user.user_id,
        updated_by_id=access.user.user_id,
        created_at=access.now,
        updated_at=access.now,
    )
    if parent is not None:
        note.subtype = Note.Subtype.COMMENT
        note.commentable_type, note.commentable_id = Note.ITEM_TYPE, parent.id
        note.thread_type = parent.thread_type or Note.ITEM_TYPE
        note.thread_id = parent.thread_id or parent.id
    note.save()
    note.confirmed_reads = 0
    add_event(access, note, NoteHistoryEvent.Type.CREATE)
    return note


def add_event(access: Access, note: Note, event_type: str) -> NoteHistoryEvent:
    event = NoteHistoryEvent(
        tenant_id=access.tenant.id,
        note=note,
        user_id=access.user.user_id,
        event_type=event_type,
        happened_at=access.now,
    )
    event.save(force_insert=True)
    return event


def update_note(
    access: Access,
    note: Note,
    *,
    title: str = "",
    text: str = "",
    edit_access: str = "",
    deadline: datetime | None = None,
) -> bool:
    """Change what is given and not blank; return whether anything changed."""
    wanted: dict[str, Any] = {
        "title": title,
        "text": "" if is_blank(text) else text,
        "edit_access": edit_access if edit_access in Note.EditAccess else "",
        "deadline": deadline,
    }
    changed = {
        name: value for name, value in wanted.items() if value and value != getattr(note, name)
    }
    if not changed:
        return False
    for name, value in changed.items():
        setattr(note, name, value)
    note.updated_at, note.updated_by_id = access.now, access.user.user_id
    note.save(update_fields=[*changed, "updated_at", "updated_by"])
    add_event(access, note, NoteHistoryEvent.Type.UPDATE)
    return True


def confirm_read(access: Access, note: Note) -> NoteHistoryEvent:
    """Confirm having read a note as it is now; again, it is the same confirmation."""
    last = queries.last_confirmation(note, access.user.user_id)
    if last is not None and last.happened_at >= note.updated_at:
        return last
    return add_event(access, note, NoteHistoryEvent.Type.READ_CONFIRMATION)


def delete_note(access: Access, note: Note) -> None:
    """Hide a note; its comments stay. After thirty days it cannot come back."""
    note.deleted_at, note.deleted_by_id = access.now, access.user.user_id
    note.hard_delete_after = access.now + Note.KEPT_AFTER_DELETION
    note.save(update_fields=["deleted_at", "deleted_by", "hard_delete_after"])
    Pin.objects.filter(item_type=Note.ITEM_TYPE, item_id=note.id).delete()
    if note.created_by_id != access.user.user_id:
        snapshot = f"{note.title}\n{note.text}"[:2000]
        audit.record("content_deleted", access, warn=True, note_id=note.id, snapshot=snapshot)


def restore_note(note: Note) -> None:
    note.deleted_at = note.deleted_by_id = note.hard_delete_after = None
    note.save(update_fields=["deleted_at", "deleted_by", "hard_delete_after"])


def pin_owner(access: Access) -> Any:
    """Return whose pins these are: one's own in the main collective, else the collective's."""
    return access.user.person_id if access.here.is_main else None


def is_pinned(access: Access, note: Note) -> bool:
    return Pin.objects.filter(
        collective=access.here.id,
        person=pin_owner(access),
        item_type=Note.ITEM_TYPE,
        item_id=note.id,
    ).exists()


def pin(access: Access, note: Note) -> None:
    """Pin a note; the moment of the first pin is kept.

    Raises:
        Refused: there are as many pins as a place may have.
    """
    lock_pins(access)
    if is_pinned(access, note):
        return
    pins = Pin.objects.filter(collective=access.here.id, person=pin_owner(access))
    if pins.count() >= Pin.MAX_PER_PLACE:
        raise Refused(
            f"Maximum of {Pin.MAX_PER_PLACE} pins reached.", status=422, code="limit_reached"
        )
    Pin.objects.get_or_create(
        tenant_id=access.tenant.id,
        collective_id=access.here.id,
        person_id=pin_owner(access),
        item_type=Note.ITEM_TYPE,
        item_id=note.id,
        defaults={"pinned_at": access.now},
    )


def lock_pins(access: Access) -> None:
    """Let parallel requests pin one after the other, so that they cannot pass the limit."""
    if access.here.is_main:
        rows: Any = TenantUser.objects.filter(id=access.user.person_id)
    else:
        rows = Collective.objects.filter(id=access.here.id)
    rows.select_for_update(no_key=True).get()


def unpin(access: Access, note: Note) -> None:
    Pin.objects.filter(
        collective=access.here.id,
        person=pin_owner(access),
        item_type=Note.ITEM_TYPE,
        item_id=note.id,
    ).delete()


def parent_of(access: Access, comment: Note) -> Note | None:
    """Return what a comment answers, deleted or not."""
    if comment.commentable_id is None:
        return None
    try:
        return queries.note_at(access, str(comment.commentable_id))
    except NotFound:
        return None
