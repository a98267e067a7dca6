"""Find the note of a path, or report that it is deleted."""

from __future__ import annotations

from django.urls import reverse

from collectives.items.rules import is_past_restoring, restoring
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
        NotFound: the note does not exist in the collective, or is deleted. In the latter case, the
            code is `deleted`, and the hint names the people who can restore it.
    """
    note = any_note(note_id, sentence)(access)
    if note.is_deleted:
        raise NotFound(sentence, code="deleted", hint=_restoring(access, note))
    return note


def _restoring(access: Access, note: Note) -> str:
    """Return the sentence about who can restore a deleted note, until when and how."""
    here = access.required_place.path
    route = f"POST {here}{reverse('api.note', args=[note.truncated_id])}/restore"
    where = f": {route}, or its page {note.path_in(here)}"
    who = restoring(access, note, where)
    return who if is_past_restoring(access, note) else f"This note is deleted. {who}"
