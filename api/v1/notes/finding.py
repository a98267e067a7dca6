"""Find the note of a path, or report that it is deleted."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from collectives.items.queries import restorers_of
from collectives.notes.models import Note
from collectives.notes.queries import note_at
from harmonic.kernel.access import Access
from harmonic.kernel.pipeline import Find
from harmonic.kernel.refusals import NotFound


def any_note(note_id: str, sentence: str = "Note not found") -> Find[Note]:
    """Return a function that finds a note, deleted or not."""

    def find(access: Access) -> Note:
        try:
            return note_at(access, note_id)
        except NotFound:
            raise NotFound(sentence) from None

    return find


def live_note(access: Access, note_id: str, sentence: str = "Not found") -> Note:
    """Return a note that is not deleted.

    Raises:
        NotFound: there is no such note in the collective, or it is deleted. Then the code is
            `deleted`, and the hint names who can restore it.
    """
    note = any_note(note_id, sentence)(access)
    if note.is_deleted:
        raise NotFound(sentence, code="deleted", hint=restoring(access, note))
    return note


def restoring(access: Access, note: Note) -> str:
    """Return the sentence about who can restore a deleted note, until when and how."""
    until = note.hard_delete_after
    if until is None or until < access.now:
        return "This note was deleted more than 30 days ago and cannot be restored."
    who = _either(f"@{person.handle}" for person in restorers_of(note))
    place = f"{access.here.path}{reverse('api.note', args=[note.truncated_id])}"
    return (
        f"This note is deleted. {who} can restore it until {until:%Y-%m-%d}:"
        f" POST {place}/restore, or its page {note.path_in(access.here.path)}."
    )


def _either(names: Iterable[str]) -> str:
    """Return names as alternatives: `@alice, @bob or @carol`."""
    *before, last = list(names) or ["An admin of the collective"]
    return f"{', '.join(before)} or {last}" if before else last
