"""Deleted notes: permissions to delete and restore, and what remains."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import SecurityEvent
from collectives.items.models import Pin
from collectives.notes.models import Note
from tests.fixtures.rows import (
    KITCHEN,
    change,
    confirmations,
    end_membership,
    events,
    make_member,
    note_path,
)
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

WELCOME, KNIFE = "Welcome to the kitchen", "Knife care"


def is_deleted(note: Note) -> bool:
    return bool(Note.unscoped.get(pk=note.pk).deleted_at)


def delete(note: Note, by: str = "alice") -> None:
    Caller(HTML, by).act("delete_note", note_path(note)).assert_done()


# --- Deleting -------------------------------------------------------------------------------


@pytest.mark.rule("deletion.author")
@on(HTML, MARKDOWN, REST)
def test_the_author_deletes_a_note(world, call):
    note = world.note(KNIFE)

    call("bob").act("delete_note", note_path(note)).assert_done()

    deleted = Note.unscoped.get(pk=note.pk)
    assert deleted.deleted_by == world.user("bob")
    assert deleted.deleted_at is not None
    assert deleted.hard_delete_after == deleted.deleted_at + timedelta(days=30)


@pytest.mark.rule("deletion.admin")
@on(HTML, MARKDOWN, REST)
def test_an_admin_of_the_collective_deletes_the_note_of_another(world, call):
    note = world.note(KNIFE)

    call("alice").act("delete_note", note_path(note)).assert_done()

    assert is_deleted(note)


@pytest.mark.rule("deletion.author-and-admins-only")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("held", [{}, {"is_representative": True}])
def test_another_member_cannot_delete_a_note(world, call, held):
    note = world.note(WELCOME)
    make_member(world, "bob", **held)

    call("bob").act("delete_note", note_path(note)).assert_refused(403)

    assert not is_deleted(note)


@pytest.mark.rule("deletion.author-and-admins-only")
@on(HTML, MARKDOWN)
def test_a_tenant_admin_without_the_collective_role_cannot_delete_a_note(world, call):
    note = world.note("Treasury basics")

    call("alice").act("delete_note", note_path(note)).assert_refused(403)

    assert not is_deleted(note)


@pytest.mark.rule("deletion.author-and-admins-only")
@on(HTML, MARKDOWN, REST)
def test_a_parent_who_is_not_an_admin_cannot_delete_their_agents_note(world, call):
    note = world.note(WELCOME)
    change(note, created_by=world.user("pilot"))

    call("bob").act("delete_note", note_path(note)).assert_refused(403)

    assert not is_deleted(note)


@pytest.mark.rule("deletion.needs-membership")
@on(HTML, MARKDOWN, REST)
def test_a_former_member_cannot_delete_their_own_note(world, call):
    note = world.note(KNIFE)
    bob = call("bob")
    end_membership(world, "bob")

    bob.act("delete_note", note_path(note)).assert_refused(403)

    assert not is_deleted(note)


@pytest.mark.rule("deletion.twice")
@on(HTML, MARKDOWN, REST)
def test_deleting_a_deleted_note_is_refused(world, call):
    note = world.note(KNIFE)
    delete(note)

    call("bob").act("delete_note", note_path(note)).assert_refused(404)

    assert Note.unscoped.get(pk=note.pk).deleted_by == world.user("alice")


@pytest.mark.rule("deletion.logged")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(("who", "is_kept"), [("alice", True), ("bob", False)])
def test_deleting_another_persons_note_is_logged(world, call, caplog, who, is_kept):
    note = world.note(KNIFE)

    call(who).act("delete_note", note_path(note)).assert_done()

    lines = [line.audit for line in caplog.records if line.message == "content_deleted"]
    assert [line["snapshot"] for line in lines] == [f"{KNIFE}\n{note.text}"] * is_kept
    rows = SecurityEvent.unscoped.filter(event="content_deleted", user=world.user(who))
    assert rows.exists() is is_kept


@pytest.mark.rule("deletion.logged")
@on(HTML, MARKDOWN, REST)
def test_the_log_has_the_id_and_the_first_2000_characters_of_a_deleted_note(world, call, caplog):
    note = world.note(KNIFE)
    Note.unscoped.filter(pk=note.pk).update(text="x" * 3000)

    call("alice").act("delete_note", note_path(note)).assert_done()

    [line] = [line for line in caplog.records if line.message == "content_deleted"]
    assert line.levelname == "WARNING"
    assert line.audit["note_id"] == note.pk
    assert len(line.audit["snapshot"]) == 2000


# --- What is left of it ---------------------------------------------------------------------


@pytest.mark.rule("deletion.page-says-so")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("by", ["bob", "alice"])
def test_the_page_of_a_deleted_note_does_not_show_its_text(world, call, by):
    note = world.note(KNIFE)
    delete(note, by)

    for who in ("bob", "alice", "scout") if call("bob").surface == MARKDOWN else ("bob", "alice"):
        text = call(who).get(note_path(note)).assert_done().text
        assert "has been deleted" in text
        assert "[deleted]" in text
        assert KNIFE not in text
        assert note.text[:30] not in text


@pytest.mark.rule("deletion.gone-from-rest")
@pytest.mark.parametrize("path", ["{note}", "{note}?include=history_events", "{note}/comments"])
def test_a_deleted_note_is_not_found_in_rest(world, path):
    note = world.note(KNIFE)
    where = path.format(note=f"{KITCHEN}/api/v1/notes/{note.truncated_id}")
    bob = Caller(REST, "bob")
    bob.get(where).assert_done()

    delete(note)

    bob.get(where).assert_refused(404)


@pytest.mark.rule("deletion.gone-from-lists")
@pytest.mark.parametrize(
    ("surface", "path"),
    [
        (HTML, f"{KITCHEN}/"),
        (MARKDOWN, f"{KITCHEN}/"),
        (REST, f"{KITCHEN}/api/v1/notes?limit=200"),
        (REST, "/api/v1/notes?scope=all&limit=200"),
        (REST, f"{KITCHEN}/api/v1/notes?q=zwieback"),
    ],
)
def test_lists_do_not_contain_deleted_notes(world, surface, path):
    made = Caller(REST, "bob").act("create_note", KITCHEN, title="Zwieback", text="Bake").json
    bob = Caller(surface, "bob")
    assert "Zwieback" in bob.get(path).assert_done().text

    Caller(REST, "bob").act("delete_note", made["path"]).assert_done()

    assert "Zwieback" not in bob.get(path).assert_done().text


@pytest.mark.rule("deletion.not-counted")
@pytest.mark.parametrize("query", ["", "&q=knife", "&scope=all"])
def test_a_deleted_note_is_not_counted(world, query):
    bob, where = Caller(REST, "bob"), "" if "scope" in query else KITCHEN
    path = f"{where}/api/v1/notes?count=true{query}"
    before = int(bob.get(path).response.headers["X-Total-Count"])

    delete(world.note(KNIFE))

    assert int(bob.get(path).response.headers["X-Total-Count"]) == before - 1


# The actions on a note: caller, parameters, and the surfaces that have them.
DONE_TO_A_NOTE = {
    "add_comment": ("alice", {"text": "Too late"}, (HTML, FORM, MARKDOWN, REST)),
    "confirm_read": ("alice", {}, (HTML, MARKDOWN, REST)),
    "update_note": ("bob", {"text": "Too late"}, (HTML, FORM, MARKDOWN, REST)),
    "pin_note": ("alice", {}, (HTML, FORM, MARKDOWN)),
    "unpin_note": ("alice", {}, (HTML, FORM, MARKDOWN)),
}


@pytest.mark.rule("deletion.nothing-done-to-it")
@pytest.mark.parametrize(
    ("name", "surface"),
    [(name, surface) for name in DONE_TO_A_NOTE for surface in DONE_TO_A_NOTE[name][2]],
)
def test_actions_on_a_deleted_note_are_refused(world, call, name):
    who, params, _ = DONE_TO_A_NOTE[name]
    note = world.note(KNIFE)
    delete(note)
    before = Note.unscoped.count(), confirmations(note)

    call(who).act(name, note_path(note), **params).assert_refused(404)

    assert (Note.unscoped.count(), confirmations(note)) == before
    assert Note.unscoped.get(pk=note.pk).text == note.text
    assert not Pin.unscoped.filter(item_id=note.pk).exists()


@pytest.mark.rule("deletion.nothing-done-to-it")
def test_rest_cannot_create_a_note_that_comments_on_a_deleted_note(world):
    note = world.note(KNIFE)
    delete(note)
    sent = {"text": "Too late", "commentable_type": "Note", "commentable_id": str(note.id)}

    answer = Caller(REST, "alice").act("create_note", KITCHEN, **sent)

    assert answer.status in (400, 404)
    assert not Note.unscoped.filter(text="Too late").exists()


@pytest.mark.rule("deletion.pages-of-it-gone")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(("page", "who"), [("edit", "bob"), ("settings", "alice")])
def test_a_deleted_note_has_no_edit_or_settings_page(world, call, page, who):
    note = world.note(KNIFE)
    call(who).get(f"{note_path(note)}/{page}").assert_done()
    delete(note)

    call(who).get(f"{note_path(note)}/{page}").assert_refused(404)


@pytest.mark.rule("deletion.unpins")
@on(HTML, MARKDOWN, REST)
def test_deleting_a_note_unpins_it(world, call):
    note = world.note(KNIFE)
    Caller(HTML, "bob").act("pin_note", note_path(note)).assert_done()

    call("bob").act("delete_note", note_path(note)).assert_done()

    assert not Pin.unscoped.filter(item_id=note.pk).exists()


@pytest.mark.rule("deletion.pins-hidden")
@pytest.mark.parametrize(
    ("surface", "path"),
    [
        (HTML, "/u/bob"),
        (MARKDOWN, "/u/bob"),
        (REST, "/api/v1/users/bob"),
        (HTML, f"{KITCHEN}/"),
        (MARKDOWN, f"{KITCHEN}/"),
    ],
)
def test_a_remaining_pin_of_a_deleted_note_is_not_shown(world, surface, path):
    where = KITCHEN if path.startswith(KITCHEN) else ""
    made = Caller(REST, "bob").act("create_note", where, title="Zwieback", text="Bake").json
    Caller(HTML, "bob").act("pin_note", made["path"]).assert_done()
    bob = Caller(surface, "bob")
    assert "Zwieback" in bob.get(path).assert_done().text

    change(Note.unscoped.get(pk=made["id"]), deleted_at=timezone.now())

    assert "Zwieback" not in bob.get(path).assert_done().text


# --- Restoring ------------------------------------------------------------------------------


@pytest.mark.rule("deletion.restore")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("who", ["bob", "alice"])
@pytest.mark.parametrize("by", ["bob", "alice"])
def test_the_author_and_an_admin_restore_a_note(world, call, who, by):
    note = world.note(KNIFE)
    delete(note, by)

    call(who).act("restore_note", note_path(note)).assert_done()

    restored = Note.unscoped.get(pk=note.pk)
    assert (restored.deleted_at, restored.hard_delete_after) == (None, None)
    assert restored.text == note.text
    Caller(REST, "scout").get(f"{KITCHEN}/api/v1/notes/{note.id}").assert_done()


@pytest.mark.rule("deletion.restore-author-and-admins-only")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("held", [{}, {"is_representative": True}])
def test_another_member_cannot_restore_a_note(world, call, held):
    note = world.note(WELCOME)
    make_member(world, "bob", **held)
    delete(note)

    call("bob").act("restore_note", note_path(note)).assert_refused(403)

    assert is_deleted(note)


@pytest.mark.rule("deletion.restore-author-and-admins-only")
@on(HTML, MARKDOWN, REST)
def test_a_former_member_cannot_restore_a_note(world, call):
    note = world.note(KNIFE)
    bob = call("bob")
    delete(note)
    end_membership(world, "bob")

    bob.act("restore_note", note_path(note)).assert_refused(403)

    assert is_deleted(note)


@pytest.mark.rule("deletion.restore-not-agents")
@on(MARKDOWN, REST)
def test_an_agent_cannot_restore_its_own_note(world, call):
    note = world.note(KNIFE)
    change(note, created_by=world.user("scout"))
    make_member(world, "scout", is_admin=True)
    delete(note)

    call("scout").act("restore_note", note_path(note)).assert_refused(403)

    assert is_deleted(note)


@pytest.mark.rule("deletion.restore-within-30-days")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(("ago", "may"), [(timedelta(days=29), True), (timedelta(days=31), False)])
def test_a_note_is_restored_within_thirty_days(world, call, ago, may):
    note = world.note(KNIFE)
    delete(note)
    then = timezone.now() - ago
    change(note, deleted_at=then, hard_delete_after=then + timedelta(days=30))

    answer = call("bob").act("restore_note", note_path(note))

    assert answer.is_done() is may
    assert is_deleted(note) is not may


@pytest.mark.rule("deletion.restore-needs-deletion")
@on(HTML, MARKDOWN, REST)
def test_restoring_a_note_that_is_not_deleted_changes_nothing(world, call):
    note = world.note(KNIFE)

    call("bob").act("restore_note", note_path(note))

    after = Note.unscoped.get(pk=note.pk)
    assert (after.deleted_at, after.updated_at) == (None, note.updated_at)


@pytest.mark.rule("deletion.no-update-event")
@on(HTML, MARKDOWN, REST)
def test_deleting_a_note_does_not_change_updated_at(world, call):
    note = world.note(KNIFE)

    call("bob").act("delete_note", note_path(note)).assert_done()

    assert events(note, "update") == 0
