"""The resources of notes, comments, read confirmations and pins."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from rest_framework.request import Request

from api.kinds import new_item
from api.operations import Operation
from api.responses.schema import Doc
from api.v1.notes.comments import CommentListParams, list_of_comments
from api.v1.notes.creating import (
    BY_SUBTYPE,
    CREATE,
    DocumentedParams,
    ParentParams,
    has_parent,
    parent_named,
    subtype_of,
)
from api.v1.notes.finding import any_note, live_note
from api.v1.notes.json import INCLUDES, HistoryEventJson, NoteJson, NoteWriter, event_json
from api.v1.notes.lists import NoteListParams, list_of_notes
from api.views import Base, ListResponse, Message, ObjectResponse, Resource, access_of, route
from api.writes import over_rest, read_params_of
from collectives.items.actions import confirm_read
from collectives.notes import actions
from collectives.notes.models import Note
from collectives.reminders.actions import acknowledge_reminder
from collectives.tables.showing import csv_response
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.http.methods import READS
from harmonic.kernel.http.negotiation import prefers_to_json
from harmonic.kernel.http.request import has_access
from harmonic.kernel.parameters.decoding import RawParams
from harmonic.kernel.pipeline import Find, no_target

BASES = Base
NOT_FOUND = "Note not found"
# Parameters that pages list for tables and reminders only.
LISTED_EDITS = ("edit_access", "scheduled_for", "timezone", "cancel_reminder")
NoteId = Annotated[str, Doc("The note's UUID, or its first eight characters.", example="3f0c7a52")]


def live(note_id: str) -> Find[Note]:
    """Return a function that finds the note of a path, unless it is deleted."""
    return lambda access: live_note(access, note_id, NOT_FOUND)


UPDATE = over_rest(actions.update_note, within="note", ignored=("files",))
ACKNOWLEDGE = over_rest(acknowledge_reminder)
DELETE = over_rest(actions.delete_note)
CONFIRM = over_rest(confirm_read)
PIN = over_rest(actions.pin_note)
UNPIN = over_rest(actions.unpin_note)
RESTORE = over_rest(actions.restore_note)
COMMENT = over_rest(actions.add_comment, within="note")


class Notes(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    # A comment created as a note requires the scope of a note and the capability of a comment.
    writes = {
        "create": CREATE,
        "update": UPDATE,
        "destroy": DELETE,
    }
    model = Note

    @Operation(
        "list_notes",
        query=NoteListParams,
        includes=INCLUDES,
        example="updated_after=2026-05-13&sort_by=last_activity_at-desc",
    )
    def list(self, request: Request) -> ListResponse[NoteJson]:
        """List notes, newest first."""
        return list_of_notes(request)

    @Operation("create_note", body=DocumentedParams, together=ParentParams, includes=INCLUDES)
    def create(self, request: Request) -> ObjectResponse[NoteJson]:
        """Create a note, or with `commentable_type` and `commentable_id` a comment."""
        raw = read_params_of(CREATE, request)
        if isinstance(raw, RawParams) and has_parent(raw):
            note = self.perform(COMMENT, partial(parent_named, raw), raw=raw).object
        else:
            binding = BY_SUBTYPE.get(subtype_of(raw), CREATE)
            note = self.perform(binding, no_target, raw=raw).object
        return new_note(request, note)

    @Operation("read_note", includes=INCLUDES)
    def retrieve(self, request: Request, note_id: NoteId) -> ObjectResponse[NoteJson]:
        """Retrieve a note."""
        return ObjectResponse(NoteWriter(request).one(live_note(access_of(request), note_id)))

    @Operation("update_note", body=actions.EditParams, listed=LISTED_EDITS, includes=INCLUDES)
    def update(self, request: Request, note_id: NoteId) -> ObjectResponse[NoteJson]:
        """Update a note. Blank values are ignored."""
        note = self.perform(UPDATE, live(note_id)).object
        return ObjectResponse(NoteWriter(request).one(note))

    @Operation("delete_note")
    def destroy(self, request: Request, note_id: NoteId) -> ObjectResponse[Message]:
        """Delete a note."""
        self.perform(DELETE, live(note_id))
        return ObjectResponse({"message": "Note deleted"})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Respond with the rows of a table as CSV to clients that prefer it."""
        is_one = request.method in READS and "note_id" in kwargs
        if is_one and prefers_to_json("text/csv", request.headers.get("Accept")):
            assert has_access(request)
            return csv_response(request.access, kwargs["note_id"])
        return super().dispatch(request, *args, **kwargs)

    def shown(self, access: Access, note: Note) -> NoteJson:
        return NoteWriter(self.request).plain(note)


class Confirmations(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    writes = {"create": CONFIRM}

    @Operation("confirm_note")
    def create(self, request: Request, note_id: NoteId) -> ObjectResponse[HistoryEventJson]:
        """Confirm reading a note in its current version."""
        outcome = self.perform(CONFIRM, live(note_id))
        return ObjectResponse(event_json(outcome.event or outcome.object))


class Acknowledgements(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    writes = {"create": ACKNOWLEDGE}

    @Operation("acknowledge_note")
    def create(self, request: Request, note_id: NoteId) -> ObjectResponse[HistoryEventJson]:
        """Acknowledge a reminder that was delivered."""
        outcome = self.perform(ACKNOWLEDGE, live(note_id))
        return ObjectResponse(event_json(outcome.event or outcome.object))


class Pinning(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    writes = {"pin": PIN, "unpin": UNPIN}

    @Operation("pin_note", includes=INCLUDES)
    def pin(self, request: Request, note_id: NoteId) -> ObjectResponse[NoteJson]:
        """Pin a note to its collective, or from the main collective to your profile."""
        note = self.perform(PIN, live(note_id)).object
        return ObjectResponse(NoteWriter(request).one(note))

    @Operation("unpin_note", includes=INCLUDES)
    def unpin(self, request: Request, note_id: NoteId) -> ObjectResponse[NoteJson]:
        """Unpin a note."""
        note = self.perform(UNPIN, live(note_id)).object
        return ObjectResponse(NoteWriter(request).one(note))


class Restoring(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    writes = {"create": RESTORE}

    @Operation("restore_note", includes=INCLUDES)
    def create(self, request: Request, note_id: NoteId) -> ObjectResponse[NoteJson]:
        """Restore a deleted note within 30 days."""
        note = self.perform(RESTORE, any_note(note_id)).object
        return ObjectResponse(NoteWriter(request).one(note))


class Comments(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="notes")
    writes = {"create": COMMENT}

    @Operation(
        "list_comments",
        query=CommentListParams,
        includes=INCLUDES,
        example="sort_by=created_at-desc",
        tag="comments",
    )
    def list(self, request: Request, note_id: NoteId) -> ListResponse[NoteJson]:
        """List the direct comments on a note, oldest first."""
        return list_of_comments(request, live_note(access_of(request), note_id))

    @Operation("create_comment", body=actions.CommentParams, includes=INCLUDES, tag="comments")
    def create(self, request: Request, note_id: NoteId) -> ObjectResponse[NoteJson]:
        """Create a comment on a note."""
        note = self.perform(COMMENT, live(note_id)).object
        return new_note(request, note)


def new_note(request: Request, note: Note) -> ObjectResponse[NoteJson]:
    return new_item(request, note, NoteWriter(request).one(note))


def urls() -> list[URLPattern]:
    base = "api/v1/notes"
    one = f"{base}/<str:note_id>"
    return [
        route(base, Notes, get="list", post="create"),
        route(
            one, Notes, "api.note", get="retrieve", put="update", patch="update", delete="destroy"
        ),
        route(f"{one}/confirm", Confirmations, post="create"),
        route(f"{one}/acknowledge", Acknowledgements, post="create"),
        route(f"{one}/pin", Pinning, post="pin"),
        route(f"{one}/unpin", Pinning, post="unpin"),
        route(f"{one}/restore", Restoring, post="create"),
        route(f"{one}/comments", Comments, get="list", post="create"),
    ]
