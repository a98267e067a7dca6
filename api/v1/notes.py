"""Notes: reading, writing, confirming, commenting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import URLPattern, reverse
from rest_framework.request import Request
from rest_framework.response import Response

from api.v1.note_json import NoteWriter, event_json
from api.v1.note_lists import list_of_comments, list_of_notes
from api.views import Resource, access_of, created, route
from api.writes import carry_out, erase, refuse_kind, sent
from collectives.notes import actions, rules
from collectives.notes.models import Note
from collectives.notes.queries import live_note_at
from harmonic.kernel.access import Access, Door, Invalid, NotFound, Problem, Rule
from harmonic.kernel.actions import Find, Outcome, perform
from harmonic.kernel.pages import no_target
from harmonic.kernel.parameters.decoding import Raw, validated
from harmonic.kernel.parameters.fields import Choice, Line, Params

NOT_FOUND = "Note not found"
NEED_A_PARENT = {
    "comment": "cannot be comment for standalone notes",
    "statement": "cannot be statement without a statementable parent",
}
PARENTS = ("Note", "Decision", "Commitment", "RepresentationSession")


class NewNoteParams(actions.NoteParams):
    """A note as programs write one."""

    subtype = Choice(
        [Note.Subtype.TEXT, *NEED_A_PARENT],
        aliases={"post": "text"},
        required=False,
        help_text="text, or post, which is the same.",
    )
    edit_access = Choice(
        Note.EditAccess.choices,
        required=False,
        help_text="Who may edit the rows of a table: owner or members.",
    )


def _create(access: Access, target: None, params: dict[str, Any]) -> Outcome:
    sentence = NEED_A_PARENT.get(params.pop("subtype", ""))
    if sentence:
        raise Invalid(Problem("subtype", sentence))
    note = rules.create_note(access, **params)
    place = note.path_in(access.here.path)
    return Outcome("Note created.", place, actions.resource(access, note), note)


create_note = replace(actions.create_note, params=NewNoteParams, effect=_create)


def live(note_id: str) -> Find:
    """Return what finds the note that a path names, unless it is deleted."""
    return lambda access: live_note_at(access, note_id, NOT_FOUND)


class ParentParams(Params):
    """What a new note is a comment on."""

    subtype = Choice([Note.Subtype.COMMENT], required=False)
    commentable_type = Choice(PARENTS)
    commentable_id = Line()


class Notes(Resource):
    rule = Rule(Door.COLLECTIVE, resource="notes")
    # A comment made as a note needs the scope of a note, and the capability of a comment.
    writes = {
        "create": create_note,
        "update": actions.update_note,
        "destroy": actions.delete_note,
    }
    model = Note

    def list(self, request: Request) -> Response:
        return list_of_notes(request)

    def create(self, request: Request) -> Response:
        access = access_of(request)
        raw = sent(request, within="note")
        if not {"commentable_type", "commentable_id"}.isdisjoint(raw.values):
            return comment(request, access, raw)
        refuse_kind(create_note, access)
        note = carry_out(create_note, access, no_target, request, within="note").object
        return new_note(request, note)

    def retrieve(self, request: Request, note_id: str) -> Response:
        note = live_note_at(access_of(request), note_id)
        return Response(NoteWriter(request).one(note))

    def update(self, request: Request, note_id: str) -> Response:
        access = access_of(request)
        refuse_kind(actions.update_note, access)
        find = live(note_id)
        note = carry_out(actions.update_note, access, find, request, within="note").object
        return Response(NoteWriter(request).one(note))

    def destroy(self, request: Request, note_id: str) -> Response:
        access = access_of(request)
        refuse_kind(actions.delete_note, access)
        erase(actions.delete_note, access, live(note_id), request)
        return Response({"message": "Note deleted"})


class Confirmations(Resource):
    rule = Rule(Door.COLLECTIVE, resource="notes")
    writes = {"create": actions.confirm_read}

    def create(self, request: Request, note_id: str) -> Response:
        access = access_of(request)
        refuse_kind(actions.confirm_read, access)
        event = perform(actions.confirm_read, access, live(note_id), Raw()).object
        return Response(event_json(event))


class Comments(Resource):
    rule = Rule(Door.COLLECTIVE, resource="notes")
    writes = {"create": actions.add_comment}

    def list(self, request: Request, note_id: str) -> Response:
        return list_of_comments(request, live_note_at(access_of(request), note_id))

    def create(self, request: Request, note_id: str) -> Response:
        access = access_of(request)
        refuse_kind(actions.add_comment, access)
        find = live(note_id)
        note = carry_out(actions.add_comment, access, find, request, within="note").object
        return new_note(request, note)


def comment(request: Request, access: Access, raw: Raw) -> Response:
    """Write a comment on whatever a new note names as its parent."""
    refuse_kind(actions.add_comment, access)
    params = validated(ParentParams, raw)
    kind = params["commentable_type"]
    if kind != Note.ITEM_TYPE:
        raise NotFound(f"{kind} not found")
    find = live(params["commentable_id"])
    note = carry_out(actions.add_comment, access, find, request, within="note").object
    return new_note(request, note)


def new_note(request: Request, note: Note) -> Response:
    place = f"{access_of(request).here.path}{reverse('api.note', args=[note.id])}"
    return created(request, NoteWriter(request).one(note), place)


def urls() -> list[URLPattern]:
    base = "api/v1/notes"
    one = f"{base}/<str:note_id>"
    return [
        route(base, Notes, get="list", post="create"),
        route(
            one, Notes, "api.note", get="retrieve", put="update", patch="update", delete="destroy"
        ),
        route(f"{one}/confirm", Confirmations, post="create"),
        route(f"{one}/comments", Comments, get="list", post="create"),
    ]
