"""The JSON of notes and their history."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NotRequired, TypeVar
from uuid import UUID

from rest_framework.request import Request
from typing_extensions import TypedDict

from accounts.queries import Person, people
from api.backlinks import Backlinks, LinkedItemJson, included_backlinks
from api.kinds import KindJson, register_json
from api.responses.schema import (
    Count,
    Doc,
    DryRun,
    Id,
    KindOfUser,
    OneOf,
    ShortId,
    Timestamp,
    Url,
)
from api.responses.timestamps import format_timestamp
from api.views import access_of
from collectives.decisions.models import Decision
from collectives.decisions.queries import decisions_of
from collectives.events.models import HISTORY, Event, HistoryType
from collectives.items.models import STATEMENT
from collectives.items.queries import history_of_items
from collectives.models import Collective
from collectives.notes.models import Note
from collectives.notes.queries import NOTES, comments_of
from collectives.reminders.models import Reminder
from collectives.reminders.rules import reminders_of
from harmonic.kernel import events
from harmonic.kernel.database.prepared import Rows
from harmonic.kernel.http import conditional
from harmonic.kernel.operations.release import release
from harmonic.kernel.rendering.documents import origin_of

INCLUDES = ("history_events", "comments", "backlinks", "created_by")
SUBTYPES = ("text", "reminder", "table", "comment", "statement", "summary")


class HistoryEventJson(TypedDict):
    """An entry in the history of a note."""

    id: Id
    note_id: Id
    user_id: Id
    event_type: Annotated[str, OneOf("HistoryEventType", HistoryType)]
    description: Annotated[
        str, Doc("The event as a sentence.", example="confirmed reading this note")
    ]
    happened_at: Timestamp
    dry_run: NotRequired[DryRun]


class PersonJson(TypedDict):
    """The short form of a user that other objects include."""

    id: Id
    user_type: KindOfUser
    display_name: Annotated[str, Doc(example="Alice")]
    handle: Annotated[str, Doc(example="alice")]
    path: Annotated[str, Doc("The user's page.", example="/u/alice")]


class NoteJson(TypedDict):
    """A note, or a comment on one."""

    id: Id
    truncated_id: ShortId
    subtype: Annotated[str, OneOf("NoteSubtype", Note.Subtype)]
    edit_access: Annotated[str, OneOf("NoteEditAccess", Note.EditAccess)]
    title: Annotated[
        str, Doc("The title, or the first line of the text.", example="Sharpen weekly.")
    ]
    text: Annotated[str, Doc("The text, in Markdown.", example="Sharpen weekly.\n\nSee the rota.")]
    deadline: Timestamp
    confirmed_reads: Annotated[Count, Doc("The number of users who confirmed reading the note.")]
    created_at: Timestamp
    updated_at: Timestamp
    created_by_id: Id
    updated_by_id: Id
    commentable_type: Annotated[
        str | None, Doc("The kind of the parent, for comments.", example=None)
    ]
    commentable_id: Annotated[Id | None, Doc("The ID of the parent, for comments.", example=None)]
    statementable_type: Annotated[
        str | None, Doc("The kind of the item whose final statement this is.", example=None)
    ]
    statementable_id: Annotated[
        Id | None, Doc("The ID of the item whose final statement this is.", example=None)
    ]
    reminder_notification_id: Annotated[
        Id | None,
        Doc("The ID of a reminder's notification, null once it is cancelled.", example=None),
    ]
    reminder_scheduled_for: Annotated[
        Timestamp | None, Doc("When a reminder is due.", example=None)
    ]
    collective_id: Id
    path: Annotated[str, Doc("The note's page.", example="/collectives/kitchen/n/3f0c7a52")]
    url: Annotated[Url, Doc(example="http://garden.localhost:8000/collectives/kitchen/n/3f0c7a52")]
    last_activity_at: Annotated[
        Timestamp,
        Doc("The time of the last change of the note, or of a comment below it."),
    ]
    history_events: NotRequired[
        Annotated[list[HistoryEventJson], Doc("With `include=history_events`.")]
    ]
    comments: NotRequired[
        Annotated[list[NoteJson], Doc("The direct comments, with `include=comments`.")]
    ]
    backlinks: NotRequired[Backlinks]
    created_by: NotRequired[Annotated[PersonJson, Doc("With `include=created_by`.")]]
    incomplete: NotRequired[
        Annotated[
            list[Annotated[str, OneOf("NoteIncompleteItem", INCLUDES[:3])]],
            Doc("Included lists that are truncated. Absent if all are complete."),
        ]
    ]
    dry_run: NotRequired[DryRun]


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Extra(Generic[T]):
    """Included data by note, and the notes whose data is truncated."""

    found: Mapping[UUID, T]
    incomplete: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Origins:
    """The decisions of final statements and the schedules of reminders, by the note's ID."""

    decisions: Mapping[UUID, UUID]
    reminders: Mapping[UUID, Reminder]


@dataclass(frozen=True, slots=True)
class Extras:
    """The included data of several notes; None if it was not asked for."""

    events: Extra[list[HistoryEventJson]] | None
    comments: Extra[list[NoteJson]] | None
    backlinks: Extra[list[LinkedItemJson]] | None
    authors: Extra[PersonJson] | None


class NoteWriter:
    """Builds the JSON of the notes of one response, with included data read once for all."""

    def __init__(self, request: Request, notes: Iterable[Note] = ()) -> None:
        """Read the paths of the notes' collectives, except that of the request."""
        access = access_of(request)
        self.origin = origin_of(request)
        self.paths = {access.required_place.id: access.required_place.path}
        elsewhere = {note.collective_id for note in notes} - self.paths.keys()
        if elsewhere:
            places = Collective.objects.filter(id__in=elsewhere)
            self.paths |= {place.id: place.path for place in places}
        asked = ",".join(request.query_params.getlist("include")).split(",")
        self.request = request
        self.includes = {name.strip() for name in asked} & set(INCLUDES)

    def one(self, note: Note) -> NoteJson:
        return self.all([note])[0]

    def all(self, notes: Sequence[Note]) -> list[NoteJson]:
        extras = Extras(
            events=self._events(notes) if "history_events" in self.includes else None,
            comments=self._comments(notes) if "comments" in self.includes else None,
            backlinks=self._backlinks(notes) if "backlinks" in self.includes else None,
            authors=self._authors(notes) if "created_by" in self.includes else None,
        )
        origins = _origins(notes)
        return [self._with(note, origins, extras) for note in notes]

    def _with(self, note: Note, origins: Origins, extras: Extras) -> NoteJson:
        shown = self._plain(note, origins)
        if extras.events:
            shown["history_events"] = extras.events.found[note.id]
        if extras.comments:
            shown["comments"] = extras.comments.found[note.id]
        if extras.backlinks:
            shown["backlinks"] = extras.backlinks.found[note.id]
        if extras.authors:
            shown["created_by"] = extras.authors.found[note.id]
        lists: tuple[Extra[Any] | None, ...] = (extras.events, extras.comments, extras.backlinks)
        cut = [
            name
            for name, extra in zip(INCLUDES, lists, strict=False)
            if extra and note.id in extra.incomplete
        ]
        if cut:
            shown["incomplete"] = cut
        return shown

    def etag_of(self, notes: Rows[Note]) -> str:
        """Return the entity tag of notes without included data, computed from their rows."""
        where = sorted((str(place), path) for place, path in self.paths.items())
        # Pickling takes an eighth of the time of `repr`. The result is never loaded.
        parts = (release(), self.origin, where, notes.raw)
        return conditional.etag_of(pickle.dumps(parts, protocol=5))

    def plain(self, note: Note, origins: Origins | None = None) -> NoteJson:
        """Return a note without included data. `origins` are those of several notes."""
        return self._plain(note, _origins([note]) if origins is None else origins)

    def _plain(self, note: Note, origins: Origins) -> NoteJson:
        path = note.path_in(self.paths[note.collective_id])
        shown = note_json(note, path, f"{self.origin}{path}")
        if decision_id := origins.decisions.get(note.id):
            shown["statementable_type"] = Decision.KIND
            shown["statementable_id"] = str(decision_id)
        if reminder := origins.reminders.get(note.id):
            notification_id = reminder.notification_id
            shown["reminder_notification_id"] = str(notification_id) if notification_id else None
            shown["reminder_scheduled_for"] = format_timestamp(reminder.scheduled_for)
        return shown

    def _events(self, notes: Sequence[Note]) -> Extra[list[HistoryEventJson]]:
        found: dict[UUID, list[HistoryEventJson]] = {note.id: [] for note in notes}
        included = history_of_items(found)
        for event in included.rows:
            assert event.item_id is not None  # it was found by its item
            found[event.item_id].append(event_json(event))
        return Extra(found, included.incomplete)

    def _comments(self, notes: Sequence[Note]) -> Extra[list[NoteJson]]:
        found: dict[UUID, list[NoteJson]] = {note.id: [] for note in notes}
        included = comments_of(found)
        for comment in included.rows:
            assert comment.parent_id is not None  # a comment has a parent, by constraint
            found[comment.parent_id].append(self.plain(comment))
        return Extra(found, included.incomplete)

    def _backlinks(self, notes: Sequence[Note]) -> Extra[list[LinkedItemJson]]:
        included = included_backlinks(self.request, [note.id for note in notes])
        return Extra(included.found, included.incomplete)

    def _authors(self, notes: Sequence[Note]) -> Extra[PersonJson]:
        known = people(note.created_by_id for note in notes)
        return Extra({note.id: person_json(known[note.created_by_id]) for note in notes})


def _origins(notes: Sequence[Note]) -> Origins:
    """Return what some of the notes belong to."""
    statements = (note.id for note in notes if note.subtype == STATEMENT)
    return Origins(decisions_of(statements), reminders_of(notes))


def note_json(note: Note, path: str, url: str) -> NoteJson:
    """Return the JSON of a note that was read with `confirmed_reads`."""
    return {
        "id": str(note.id),
        "truncated_id": note.truncated_id,
        "subtype": note.subtype,
        "edit_access": note.edit_access,
        "title": note.shown_title,
        "text": note.text,
        "deadline": format_timestamp(note.deadline),
        "confirmed_reads": note.confirmed_reads,
        "created_at": format_timestamp(note.created_at),
        "updated_at": format_timestamp(note.updated_at),
        "created_by_id": str(note.created_by_id),
        "updated_by_id": str(note.updated_by_id),
        "commentable_type": note.parent_kind,
        "commentable_id": str(note.parent_id) if note.parent_id else None,
        "statementable_type": None,
        "statementable_id": None,
        "reminder_notification_id": None,
        "reminder_scheduled_for": None,
        "collective_id": str(note.collective_id),
        "path": path,
        "url": url,
        "last_activity_at": format_timestamp(note.last_activity_at),
    }


def event_json(event: Event | events.Event) -> HistoryEventJson:
    """Return an event that the history of a note shows."""
    kind = HISTORY[event.verb]
    return {
        "id": str(event.id),
        "note_id": str(event.item_id),
        "user_id": str(event.actor_id),
        "event_type": kind.value,
        "description": str(kind.label),
        "happened_at": format_timestamp(event.happened_at),
    }


def person_json(person: Person) -> PersonJson:
    return {
        "id": str(person.user_id),
        "user_type": person.user_type,
        "display_name": person.name,
        "handle": person.handle,
        "path": person.path,
    }


def plain_notes(request: Request, notes: Sequence[Note]) -> list[NoteJson]:
    """Return the JSON of notes of any collective, without included data."""
    writer, origins = NoteWriter(request, notes), _origins(notes)
    return [writer.plain(note, origins) for note in notes]


# Lists leave out comments and statements by default.
ALL_SUBTYPES = {"subtype": ",".join(SUBTYPES)}
register_json(KindJson(NOTES, NoteJson, plain_notes, ALL_SUBTYPES))
