"""Notes: permissions to create, read and change them, and what counts as a change."""

from __future__ import annotations

import pytest

from collectives.notes.models import Note
from tests.fixtures.rows import (
    KITCHEN,
    change,
    end_membership,
    events,
    make_member,
    note_at_path,
    note_path,
)
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on
from tests.mcp.client import Mcp, text_of

WELCOME, KNIFE = "Welcome to the kitchen", "Knife care"


def newest() -> Note:
    row: Note = Note.unscoped.latest("created_at")
    return row


# --- Writing --------------------------------------------------------------------------------


@pytest.mark.rule("notes.member-creates")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(("who", "where"), [("bob", KITCHEN), ("carol", ""), ("bob", "{room}")])
def test_a_member_creates_a_note(world, call, who, where):
    where = where.format(room=f"/workspace/{world.workspace('bob').handle}")

    call(who).act("create_note", where, text="New here").assert_done()

    assert (newest().text, newest().created_by) == ("New here", world.user(who))


@pytest.mark.rule("notes.outsider-creates-none")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("handle", ["kitchen", "alice's room"])
def test_a_non_member_cannot_create_a_note(world, call, handle):
    room = f"/workspace/{world.workspace('alice').handle}"
    where, status = (KITCHEN, 403) if handle == "kitchen" else (room, 404)

    call("carol").act("create_note", where, text="New here").assert_refused(status)

    assert not Note.unscoped.filter(text="New here").exists()


@pytest.mark.rule("notes.text-needed")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("sent", [{}, {"text": ""}, {"text": "  \n"}])
def test_a_note_without_text_is_not_created(call, sent):
    count = Note.unscoped.count()

    call("bob").act("create_note", KITCHEN, title="Only this", **sent).assert_invalid()

    assert Note.unscoped.count() == count


@pytest.mark.rule("notes.known-subtypes")
@on(REST)
@pytest.mark.parametrize("subtype", ["banana", "comment", "statement", "table", "reminder"])
def test_a_note_of_a_subtype_that_needs_more_is_not_created(call, subtype):
    count = Note.unscoped.count()

    call("bob").act("create_note", KITCHEN, text="Hello", subtype=subtype).assert_invalid()

    assert Note.unscoped.count() == count


@pytest.mark.rule("notes.lengths")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("field", "length", "fits"),
    [
        ("title", Note.TITLE_LENGTH, True),
        ("title", Note.TITLE_LENGTH + 1, False),
        ("text", Note.TEXT_LENGTH, True),
        ("text", Note.TEXT_LENGTH + 1, False),
    ],
)
def test_a_title_and_a_text_have_a_maximum_length(call, field, length, fits):
    sent = {"text": "Hello", field: "x" * length}

    answer = call("bob").act("create_note", KITCHEN, **sent)

    if fits:
        answer.assert_done()
        assert len(getattr(newest(), field)) == length
    else:
        answer.assert_invalid(f"{length - 1:,}" if f"{length - 1:,}" in answer.text else "")
        assert field in answer.text.lower()


@pytest.mark.rule("notes.derived-title")
@on(HTML, MARKDOWN, REST)
def test_the_title_of_an_untitled_note_is_its_first_line(call):
    call("bob").act("create_note", KITCHEN, text="\n\nHello\nWorld").assert_done()

    note = newest()
    assert note.title == ""
    assert Caller(REST, "bob").get(f"{KITCHEN}/api/v1/notes/{note.id}").json["title"] == "Hello"


@pytest.mark.rule("notes.derived-title")
def test_a_derived_title_has_at_most_256_characters(world):
    made = Caller(REST, "bob").act("create_note", KITCHEN, text="x" * 300).json

    assert made["title"] == "x" * 253 + "..."


@pytest.mark.rule("notes.deadline")
@on(REST)
def test_a_deadline_is_ignored_on_create_and_taken_on_update(call):
    later = "2031-01-01T00:00:00.000Z"
    bob = call("bob")

    made = bob.act("create_note", KITCHEN, text="Hello", deadline=later).json
    assert made["deadline"] == made["created_at"]

    changed = bob.act("update_note", made["path"], deadline=later).json
    assert changed["deadline"] == later


@pytest.mark.rule("notes.deadline")
def test_a_page_shows_a_deadline_only_once_it_is_set(world):
    bob = Caller(MARKDOWN, "bob")
    path = Caller(REST, "bob").act("create_note", KITCHEN, text="Hello").json["path"]
    mcp = Mcp(bob.client, "bob")
    pages = (bob.get(path), bob.get(f"{path}/edit"))
    before = [page.text.lower() for page in pages]
    before.append(text_of(mcp.read(path)).lower())

    assert not any("| deadline |" in text or "deadline:" in text for text in before)

    Caller(REST, "bob").act("update_note", path, deadline="2031-01-01T00:00:00Z").assert_done()
    assert "| deadline | 2031-01-01T00:00:00Z |" in bob.get(path).text
    assert "### Deadline: 2031-01-01T00:00:00Z" in bob.get(f"{path}/edit").text
    assert "| deadline | 2031-01-01T00:00:00Z |" in text_of(mcp.read(path))


# --- Reading --------------------------------------------------------------------------------


def address(note: Note, surface: str) -> str:
    """Return the path of a note on a surface."""
    row = Note.unscoped.select_related("collective").get(pk=note.pk)
    base = row.collective.path
    return f"{base}/api/v1/notes/{note.id}" if surface == REST else row.path_in(base)


@pytest.mark.rule("notes.member-reads")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("who", "title"), [("bob", WELCOME), ("carol", "The garden opens at eight")]
)
def test_a_member_reads_a_note(world, call, surface, who, title):
    assert title in call(who).get(address(world.note(title), surface)).assert_done().text


@pytest.mark.rule("notes.outsider-reads-none")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("who", "title"), [("carol", WELCOME), ("alice", "Board minutes"), ("bob", "Treasury basics")]
)
def test_a_non_member_cannot_read_a_note(world, call, surface, who, title):
    answer = call(who).get(address(world.note(title), surface))

    answer.assert_refused(302 if surface == HTML else 403)
    assert title not in answer.text


@pytest.mark.rule("notes.outsider-reads-none")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("who", ["alice", "carol"])
def test_a_note_in_a_workspace_is_readable_only_by_its_owner(world, call, surface, who):
    room = f"/workspace/{world.workspace('bob').handle}"
    made = Caller(REST, "bob").act("create_note", room, title="My secret", text="Text").json
    where = address(note_at_path(made["path"]), surface)

    assert "My secret" not in call(who).get(where).assert_refused(404).text


# --- Changing -------------------------------------------------------------------------------


@pytest.mark.rule("notes.author-changes")
@on(HTML, FORM, MARKDOWN, REST)
def test_the_author_changes_a_note(world, call):
    note = world.note(KNIFE)

    call("bob").act("update_note", note_path(note), title="Knives", text="Dry").assert_done()

    changed = Note.unscoped.get(pk=note.pk)
    assert (changed.title, changed.text) == ("Knives", "Dry")
    assert changed.updated_by == world.user("bob")
    assert events(note, "update") == 1


@pytest.mark.rule("notes.only-author-changes")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("who", "author", "held"),
    [
        ("bob", "alice", {}),
        ("alice", "bob", {}),  # an admin of the collective and of the tenant
        ("bob", "alice", {"is_admin": True, "is_representative": True}),
        ("alice", "scout", {}),  # a parent
    ],
)
def test_only_the_author_changes_a_note(world, call, who, author, held):
    note = world.note(WELCOME)
    change(note, created_by=world.user(author), edit_access="members")
    make_member(world, who, **held)

    answer = call(who).act("update_note", note_path(note), text="Mine").assert_refused(403)

    says = '"Unauthorized"' if answer.surface == REST else "author can edit it"
    assert says in answer.text
    assert answer.surface != MARKDOWN or "not authorized to perform 'update_note'" in answer.text
    assert Note.unscoped.get(pk=note.pk).text == note.text
    assert events(note, "update") == 0


@pytest.mark.rule("notes.only-author-sees-edit")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(("who", "status"), [("bob", 200), ("alice", 403)])
def test_only_the_author_sees_the_edit_page(world, call, who, status):
    assert call(who).get(f"{note_path(world.note(KNIFE))}/edit").status == status


@pytest.mark.rule("notes.change-needs-membership")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_former_member_cannot_change_their_own_note(world, call):
    note = world.note(KNIFE)
    bob = call("bob")
    end_membership(world, "bob")

    bob.act("update_note", note_path(note), text="Still mine").assert_refused(403)

    assert Note.unscoped.get(pk=note.pk).text == note.text


@pytest.mark.rule("notes.blank-unchanged")
@on(HTML, FORM, MARKDOWN, REST)
def test_blank_values_change_nothing_of_a_note(world, call):
    note = world.note(KNIFE)

    call("bob").act("update_note", note_path(note), title="", text=" ").assert_done()

    assert (note.title, note.text) == Note.unscoped.values_list("title", "text").get(pk=note.pk)


@pytest.mark.rule("notes.blank-unchanged")
@on(REST)
def test_an_unknown_edit_access_changes_nothing(world, call):
    note = world.note(KNIFE)

    call("bob").act("update_note", note_path(note), edit_access="anybody").assert_done()

    assert Note.unscoped.get(pk=note.pk).edit_access == "owner"


@pytest.mark.rule("notes.author-changes")
@on(FORM, MARKDOWN, REST)
def test_the_author_changes_who_may_edit_rows_and_nothing_else(world, call):
    note = world.note(KNIFE)

    call("bob").act("update_note", note_path(note), edit_access="members").assert_done()

    changed = Note.unscoped.get(pk=note.pk)
    assert (changed.edit_access, changed.title, changed.text) == ("members", note.title, note.text)


@pytest.mark.rule("notes.no-change-no-event")
@on(HTML, FORM, MARKDOWN, REST)
def test_saving_an_unchanged_note_changes_nothing(world, call):
    note = world.note(KNIFE)

    answer = call("bob").act("update_note", note_path(note), title=note.title, text=note.text)

    answer.assert_done()
    if answer.surface == MARKDOWN:
        assert "already has these values" in answer.text
    assert Note.unscoped.get(pk=note.pk).updated_at == note.updated_at
    assert events(note, "update") == 0
