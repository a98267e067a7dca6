"""Pages of notes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from accounts.queries import people
from collectives.items.actions import about, collective_crumb, confirm_read, version_of
from collectives.items.kind_pages import metric_view, new_page, pin_view
from collectives.items.queries import (
    HISTORY_SHOWN,
    history_of,
    newest_history_of,
    parent_of,
)
from collectives.items.rules import may_edit, restoring
from collectives.links.kind_pages import backlinks_page
from collectives.links.showing import backlinks_shown, item_links
from collectives.notes import actions, queries
from collectives.notes.discussions import discussion_of
from collectives.notes.models import Note
from collectives.reminders.actions import (
    acknowledge_reminder,
    cancel_reminder,
    create_reminder_note,
)
from collectives.reminders.models import State
from collectives.reminders.rules import acknowledgements_of, require_editable, state_of
from collectives.reminders.showing import reminder_view
from collectives.reports.actions import report_content
from collectives.reports.kind_pages import report_page
from collectives.tables.actions.changing import CHANGES
from collectives.tables.actions.creating import create_table_note
from collectives.tables.actions.reading import READS
from collectives.tables.showing import csv_response, table_view
from harmonic.kernel.access import Access, AccessLevel
from harmonic.kernel.actions import Action, unauthorized
from harmonic.kernel.http.numbered import numbered_prepared
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import Page, require_read_method, with_rule
from harmonic.kernel.refusals import Forbidden, Link, NotPossible


def note_crumbs(access: Access, note: Note) -> list[Link]:
    shown = Link(title(access, note), note.path_in(access.required_place.path))
    return [*collective_crumb(access, note), shown]


# --- One note -------------------------------------------------------------------------------


def show(access: Access, note: Note) -> Mapping[str, Any]:
    discussion = discussion_of(access, note)
    backlinks = backlinks_shown(access, note)
    newest, all_events = partial(newest_history_of, note), partial(history_of, note)
    history = numbered_prepared(newest, all_events, access, HISTORY_SHOWN)
    parent = parent_of(note)
    known = people(
        {
            note.created_by_id,
            *discussion.author_ids,
            *backlinks.author_ids,
            *(event.actor_id for event in history),
        }
    )
    path_ = note.path_in(access.required_place.path)
    return {
        "note": note,
        "noun": "note",
        "author": known[note.created_by_id],
        "path": path_,
        "cut_at": "" if discussion.is_full else path_,
        "history": [(known[event.actor_id], event) for event in history],
        "history_page": history,
        "table": table_view(access, note),
        "reminder": reminder_view(note),
        "parent": parent,
        "parent_path": parent.path_in(access.required_place.path) if parent else "",
        **discussion.context(known, access.required_place.path),
        **backlinks.context(known),
        "item_links": item_links(access, [note.text, *discussion.texts]),
        "settings_path": f"{path_}/settings",
        "edit_path": f"{path_}/edit",
        "may_edit": may_edit(access, note) is None,
        "restoring": restoring(access, note, ", on this page") if note.is_deleted else "",
    }


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
    actions=(
        confirm_read,
        acknowledge_reminder,
        cancel_reminder,
        actions.add_comment,
        report_content,
        *CHANGES,
        *READS,
        actions.restore_note,
    ),
    keeps_input_of=(NotPossible,),
    access_level=AccessLevel.COLLECTIVE,
    resource="notes",
)


# --- Edit and settings ----------------------------------------------------------------------


def own_note_at(access: Access, note_id: str) -> Note:
    note = queries.live_note_at(access, note_id)
    if denied := may_edit(access, note):
        raise Forbidden.because(denied, unauthorized(actions.update_note))
    require_editable(note)
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


# The kinds of notes that have a form of their own, by the query parameter `subtype`.
FORMS: Mapping[str, Action[None]] = {
    Note.Subtype.TEXT: actions.create_note,
    Note.Subtype.REMINDER: create_reminder_note,
    Note.Subtype.TABLE: create_table_note,
}


def show_new(access: Access, target: None) -> Mapping[str, Any]:
    asked = access.query.get("subtype", "")
    subtype = asked if asked in FORMS else Note.Subtype.TEXT.value
    here = f"{access.required_place.path}/note"
    kinds = [(name, name.capitalize()) for name in FORMS]
    return {"subtype": subtype, "create": FORMS[subtype].name, "new_path": here, "kinds": kinds}


NEW = new_page(
    queries.NOTES,
    resource="notes",
    action=actions.create_note,
    also=(create_reminder_note, create_table_note),
    show=show_new,
    template="notes/new.html",
    nav=(NavEntry(menu=Menu.PLACE, order=2, label="New note", icon="square-pen"),),
)


# --- Routes ---------------------------------------------------------------------------------


def metric(access: Access, note: Note) -> tuple[int, str]:
    """Return the number of people who confirmed that they read a note, and their noun.

    A reminder that was delivered has acknowledgments instead.
    """
    if state_of(note) == State.DELIVERED:
        count = acknowledgements_of(note)
        return count, "acknowledgment" if count == 1 else "acknowledgments"
    count = note.confirmed_reads
    return count, "reader" if count == 1 else "readers"


def csv(request: AccessRequest, note_id: str) -> HttpResponse:
    """Respond with the rows of a table note as CSV."""
    require_read_method(request)
    return csv_response(request.access, note_id)


def urls() -> list[URLPattern]:
    """Return the routes of notes below the prefix of a collective."""
    return [
        *mount("note", NEW),
        # Before the page, whose ID would take the suffix.
        path("n/<str:note_id>.csv", with_rule(csv, NOTE.rule), name="notes.csv"),
        *mount("n/<str:note_id>", NOTE),
        *mount("n/<str:note_id>/edit", EDIT),
        *mount("n/<str:note_id>/settings", SETTINGS),
        *mount("n/<str:note_id>/report", report_page(queries.NOTES)),
        *mount("n/<str:note_id>/backlinks", backlinks_page(queries.NOTES)),
        path(
            "n/<str:note_id>/comments",
            form_alias(NOTE, actions.add_comment),
            name="notes.comments",
        ),
        path("n/<str:note_id>/metric", metric_view(SETTINGS, metric), name="notes.metric"),
        path(
            "n/<str:note_id>/pin",
            pin_view(SETTINGS, actions.pin_note, actions.unpin_note),
            name="notes.pin",
        ),
    ]
