"""Notes and what happened to them, as JSON."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.queries import Person, people
from api.shapes import ts
from api.views import access_of
from collectives.models import Collective
from collectives.notes.models import Note, NoteHistoryEvent
from collectives.notes.queries import comments_of, history_of_notes
from harmonic.kernel.database.prepared import Rows
from harmonic.kernel.http import conditional
from harmonic.kernel.release import release
from harmonic.kernel.rendering.documents import origin_of

INCLUDES = ("history_events", "comments", "created_by")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extra:
    """What is included in notes, by note, and the notes of which something is left out."""

    found: Mapping[UUID, Any]
    incomplete: frozenset[UUID] = frozenset()


class NoteWriter:
    """Writes the notes of one answer: where each is, and what is included, read once for all."""

    def __init__(self, request: Request, places: Iterable[Collective] = ()) -> None:
        """Take the collectives that the notes lie in; that of the request is known."""
        access = access_of(request)
        self.origin = origin_of(request)
        self.paths: dict[UUID, str] = {place.id: place.path for place in places}
        self.paths[access.here.id] = access.here.path
        asked = ",".join(request.query_params.getlist("include")).split(",")
        self.includes = {name.strip() for name in asked} & set(INCLUDES)

    def one(self, note: Note) -> Json:
        return self.all([note])[0]

    def all(self, notes: Sequence[Note]) -> list[Json]:
        extras = [(name, find(notes)) for name, find in self._finders() if name in self.includes]
        return [self._with(extras, note) for note in notes]

    def _with(self, extras: Sequence[tuple[str, Extra]], note: Note) -> Json:
        cut = [name for name, extra in extras if note.id in extra.incomplete]
        return {
            **self.plain(note),
            **{name: extra.found[note.id] for name, extra in extras},
            **({"incomplete": cut} if cut else {}),
        }

    def etag_of(self, notes: Rows[Note]) -> str:
        """Return the tag of notes with nothing included: of what they are written from."""
        where = sorted((str(place), path) for place, path in self.paths.items())
        # Pickled in an eighth of the time that `repr` takes; nobody ever loads it.
        parts = (release(), self.origin, where, notes.raw)
        return conditional.etag_of(pickle.dumps(parts, protocol=5))

    def plain(self, note: Note) -> Json:
        path = note.path_in(self.paths[note.collective_id])
        return note_json(note, path, f"{self.origin}{path}")

    def _finders(self) -> tuple[tuple[str, Any], ...]:
        return (
            ("history_events", self._events),
            ("comments", self._comments),
            ("created_by", self._authors),
        )

    def _events(self, notes: Sequence[Note]) -> Extra:
        found: dict[UUID, list[Json]] = {note.id: [] for note in notes}
        included = history_of_notes(found)
        for event in included.rows:
            found[event.note_id].append(event_json(event))
        return Extra(found, included.incomplete)

    def _comments(self, notes: Sequence[Note]) -> Extra:
        found: dict[UUID, list[Json]] = {note.id: [] for note in notes}
        included = comments_of(found)
        for comment in included.rows:
            assert comment.commentable_id is not None  # a comment has a parent, by constraint
            found[comment.commentable_id].append(self.plain(comment))
        return Extra(found, included.incomplete)

    def _authors(self, notes: Sequence[Note]) -> Extra:
        known = people(note.created_by_id for note in notes)
        return Extra({note.id: person_json(known[note.created_by_id]) for note in notes})


def note_json(note: Note, path: str, url: str) -> Json:
    """Return a note that was read with its count of readers."""
    return {
        "id": str(note.id),
        "truncated_id": note.truncated_id,
        "subtype": note.subtype,
        "edit_access": note.edit_access,
        "title": note.shown_title,
        "text": note.text,
        "deadline": ts(note.deadline),
        "confirmed_reads": note.confirmed_reads,
        "created_at": ts(note.created_at),
        "updated_at": ts(note.updated_at),
        "created_by_id": str(note.created_by_id),
        "updated_by_id": str(note.updated_by_id),
        "commentable_type": note.commentable_type or None,
        "commentable_id": str(note.commentable_id) if note.commentable_id else None,
        "statementable_type": None,
        "statementable_id": None,
        "reminder_notification_id": None,
        "reminder_scheduled_for": None,
        "collective_id": str(note.collective_id),
        "path": path,
        "url": url,
    }


def event_json(event: NoteHistoryEvent) -> Json:
    return {
        "id": str(event.id),
        "note_id": str(event.note_id),
        "user_id": str(event.user_id),
        "event_type": event.event_type,
        "description": event.get_event_type_display(),
        "happened_at": ts(event.happened_at),
    }


def person_json(person: Person) -> Json:
    """Return somebody in short, as other objects include them."""
    return {
        "id": str(person.user_id),
        "user_type": person.user_type,
        "display_name": person.name,
        "handle": person.handle,
        "path": person.path,
    }
