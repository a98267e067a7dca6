"""Pages of notes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.urls import URLPattern, path

from accounts.queries import people
from collectives.items.actions import about, collective_crumb, confirm_read, version_of
from collectives.items.kind_pages import new_page
from collectives.items.queries import (
    HISTORY_SHOWN,
    history_of,
    newest_history_of,
    parent_of,
)
from collectives.items.rules import may_edit, restoring
from collectives.notes import actions, queries, threads
from collectives.notes.models import Note
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.actions import unauthorized
from harmonic.kernel.http.methods import method_not_allowed
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.http.numbered import numbered_prepared
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import Page, require_read_method, with_rule
from harmonic.kernel.parameters.decoding import read_params, validated
from harmonic.kernel.parameters.fields import Flag, Params
from harmonic.kernel.pipeline import Call, perform
from harmonic.kernel.refusals import Forbidden, Invalid, Link, Unreadable
from harmonic.kernel.rendering.documents import keep_private


def note_crumbs(access: Access, note: Note) -> list[Link]:
    shown = Link(title(access, note), note.path_in(access.required_place.path))
    return [*collective_crumb(access, note), shown]


# --- One note -------------------------------------------------------------------------------


def show(access: Access, note: Note) -> Mapping[str, Any]:
    is_full = access.query.get("full_text") == "true"
    has_previews = access.format == Format.MARKDOWN and not is_full
    page = _thread_page(access, note, has_previews=has_previews)
    newest, all_events = partial(newest_history_of, note), partial(history_of, note)
    history = numbered_prepared(newest, all_events, access, HISTORY_SHOWN)
    parent = parent_of(note)
    known = people(
        {
            note.created_by_id,
            *page.author_ids,
            *(event.actor_id for event in history),
        }
    )
    path_ = note.path_in(access.required_place.path)
    thread = page.thread(known, access.required_place.path)
    return {
        "note": note,
        "author": known[note.created_by_id],
        "path": path_,
        "cut_at": "" if is_full else path_,
        "history": [(known[event.actor_id], event) for event in history],
        "history_page": history,
        "parent": parent,
        "parent_path": parent.path_in(access.required_place.path) if parent else "",
        "thread": thread,
        "is_comment_marked": page.marked is not None,
        "more_path": _thread_path(path_, thread.next_cursor, is_full) if thread.next_cursor else "",
        "full_path": _thread_path(path_, access.query.get("cursor", ""), True, anchor=""),
        "first_path": "" if thread.is_first else _thread_path(path_, "", is_full),
        "is_full": is_full,
        "settings_path": f"{path_}/settings",
        "edit_path": f"{path_}/edit",
        "may_edit": may_edit(access, note) is None,
        "restoring": restoring(access, note) if note.is_deleted else "",
    }


def _thread_page(access: Access, note: Note, *, has_previews: bool) -> threads.ThreadPage:
    """Return the page of comments after the cursor, or the one that shows `comment_id`."""
    if comment := queries.comment_at(access, access.query.get("comment_id", "")):
        return threads.page_with(note, comment, has_previews=has_previews)
    cursor = access.query.get("cursor", "")
    return threads.thread_page(note, cursor, has_previews=has_previews)


def _thread_path(path_: str, cursor: str, is_full: bool, anchor: str = "#comments") -> str:
    """Return the path of a page of the comments."""
    parameters = {"cursor": cursor, "full_text": "true" if is_full else ""}
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{path_}?{query}{anchor}" if query else f"{path_}{anchor}"


def title(access: Access, note: Note) -> str:
    if note.is_deleted:
        return f"Note {note.truncated_id}"
    return note.shown_title or f"Note {note.truncated_id}"


NOTE: Page[Note] = Page(
    name="notes.show",
    template="notes/show.html",
    title=title,
    find=queries.note_at,
    show=show,
    crumbs=collective_crumb,
    about=about,
    version=version_of,
    actions=(confirm_read, actions.add_comment, actions.restore_note),
    access_level=AccessLevel.COLLECTIVE,
    resource="notes",
)


# --- Edit and settings ----------------------------------------------------------------------


def own_note_at(access: Access, note_id: str) -> Note:
    note = queries.live_note_at(access, note_id)
    if denied := may_edit(access, note):
        raise Forbidden.because(denied, unauthorized(actions.update_note))
    return note


def facts(access: Access, note: Note) -> Mapping[str, Any]:
    return {
        "note": note,
        "author": people([note.created_by_id])[note.created_by_id],
        "path": note.path_in(access.required_place.path),
    }


EDIT = Page(
    name="notes.edit",
    template="notes/edit.html",
    title=lambda access, note: "Edit Note",
    find=own_note_at,
    show=facts,
    crumbs=note_crumbs,
    about=about,
    version=version_of,
    actions=(actions.update_note,),
    writes={"POST": actions.update_note},
    access_level=AccessLevel.COLLECTIVE,
    resource="notes",
)

SETTINGS: Page[Note] = Page(
    name="notes.settings",
    template="notes/settings.html",
    title=lambda access, note: "Note Settings",
    find=queries.live_note_at,
    show=facts,
    crumbs=note_crumbs,
    about=about,
    version=version_of,
    actions=(actions.pin_note, actions.unpin_note, actions.delete_note),
    access_level=AccessLevel.COLLECTIVE,
    resource="notes",
)


# --- New note -------------------------------------------------------------------------------


NEW = new_page(
    queries.NOTES,
    resource="notes",
    action=actions.create_note,
    template="notes/new.html",
    nav=(NavEntry(menu=Menu.PLACE, order=2, label="New note", icon="square-pen"),),
)


# --- JSON for scripts -----------------------------------------------------------------------


def metric(request: AccessRequest, note_id: str) -> HttpResponse:
    """Respond with the number of people who confirmed that they read a note."""
    require_read_method(request)
    note = queries.live_note_at(request.access, note_id)
    count = note.confirmed_reads
    word = "reader" if count == 1 else "readers"
    return _json({"metric_title": f"{count} {word}", "metric_value": count})


def pin(request: AccessRequest, note_id: str) -> HttpResponse:
    """Pin or unpin a note, depending on `pinned`."""
    if request.method != "PUT":
        raise method_not_allowed("PUT")
    try:
        pinned = validated(PinParams, read_params(request))["pinned"]
    except Invalid as invalid:
        raise Unreadable("pinned must be true or false") from invalid
    action = actions.pin_note if pinned else actions.unpin_note
    find = partial(queries.live_note_at, note_id=note_id)
    perform(Call(action=action, find=find), request.access)
    return _json({"pinned": pinned, "click_title": "Unpin" if pinned else "Pin"})


class PinParams(Params):
    pinned = Flag(help_text="true to pin the note, false to unpin it.")


def _json(body: dict[str, Any]) -> HttpResponse:
    response = JsonResponse(body)
    keep_private(response)
    return response


def urls() -> list[URLPattern]:
    """Return the routes of notes below the prefix of a collective."""
    return [
        *mount("note", NEW),
        *mount("n/<str:note_id>", NOTE),
        *mount("n/<str:note_id>/edit", EDIT),
        *mount("n/<str:note_id>/settings", SETTINGS),
        path(
            "n/<str:note_id>/comments",
            form_alias(NOTE, actions.add_comment),
            name="notes.comments",
        ),
        path("n/<str:note_id>/metric", with_rule(metric, NOTE.rule), name="notes.metric"),
        path("n/<str:note_id>/pin", with_rule(pin, NOTE.rule), name="notes.pin"),
    ]
