"""Redirects, notices and responses after writes on notes, and the state that pages show."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup, Tag

from collectives.notes import threads
from collectives.notes.models import Note
from tests.fixtures.rows import KITCHEN, note_at_path, note_path
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on


@pytest.fixture
def root(world) -> str:
    """The path of a note without comments."""
    return written("Root")


def written(text: str, by: str = "alice") -> str:
    made = Caller(REST, by).act("create_note", KITCHEN, text=text).assert_done()
    return str(made.json["path"])


def comment(path: str, text: str, by: str = "bob") -> str:
    made = Caller(REST, by).act("add_comment", path, text=text).assert_done()
    return str(made.json["path"])


def marked_in(page: str) -> Tag:
    """Return the one comment that a page marks."""
    [found] = BeautifulSoup(page, "html.parser").select("article[aria-current=true]")
    return found


# --- A new comment --------------------------------------------------------------------------


@pytest.mark.rule("comments.member")
@on(HTML, FORM)
def test_a_new_comment_is_shown_in_its_thread_with_the_notice(call, root):
    comment(root, "First")
    bob = call("bob")

    added = bob.act("add_comment", root, text="Second").assert_done()

    short = Note.unscoped.get(text="Second").truncated_id
    assert added.location == f"{root}?comment_id={short}#c-{short}"
    page = bob.get(added.location.partition("#")[0]).assert_done().text
    assert marked_in(page)["id"] == f"c-{short}"
    assert "Comment added successfully." in marked_in(page).text
    assert page.count("Comment added successfully.") == 1


@pytest.mark.rule("comments.member")
@on(HTML, FORM)
def test_a_new_reply_is_shown_in_the_thread_of_the_note(call, root):
    first = comment(root, "First")
    deeper = comment(first, "Deeper")

    added = call("alice").act("add_comment", deeper, text="Deepest").assert_done()

    assert added.location.startswith(f"{root}?comment_id=")


@pytest.mark.rule("comments.member")
def test_a_comment_beyond_the_first_page_is_shown_on_its_own_page(root, monkeypatch):
    monkeypatch.setattr(threads, "TEXT_ON_PAGE", 8)
    first, bob = comment(root, "One 1234"), Caller(HTML, "bob")
    comment(root, "Two 1234")

    added = bob.act("add_comment", root, text="Three")
    replied = bob.act("add_comment", first, text="Reply")

    assert marked_in(bob.get(added.location.partition("#")[0]).text).text.count("Three") == 1
    # The note's page has no room for a reply, so the comment's own page shows it.
    assert replied.location.startswith(f"{first}?comment_id=")
    assert "Reply" in marked_in(bob.get(replied.location.partition("#")[0]).text).text


@pytest.mark.parametrize("which", ["nowhere", "other", "note", "deleted"])
def test_an_id_outside_the_thread_marks_no_comment(root, which):
    elsewhere = comment(written("Other"), "Other comment")
    deleted = comment(root, "Deleted")
    Caller(REST, "bob").act("delete_note", deleted).assert_done()
    ids = {"other": elsewhere, "note": root, "deleted": deleted}
    short = ids.get(which, "/nowhere1").rpartition("/")[2]

    page = Caller(HTML, "bob").get(f"{root}?comment_id={short}").assert_done().text

    assert 'aria-current="true"' not in page.partition("<main")[2]


def test_authors_are_not_offered_to_confirm_their_own_comments(root):
    path = comment(root, "First")

    assert "Confirm that I read this" not in Caller(HTML, "bob").get(path).text
    assert "confirm_read" not in Caller(MARKDOWN, "bob").get(path).text
    assert "Confirm that I read this" in Caller(HTML, "alice").get(path).text


@pytest.mark.rule("comments.member")
def test_the_answer_to_a_comment_names_the_comment_and_its_parent(root):
    bob = Caller(MARKDOWN, "bob")

    text = bob.act("add_comment", root, text="First").assert_done().text

    first = note_path(Note.unscoped.get(text="First"))
    short = first.rpartition("/")[2]
    assert f"## Resource\n\nNote [{short}]({first})\n\nParent: Note [" in text
    assert f"]({root})" in text
    paths = re.findall(r"^    path: (\S+/actions/\S+)", text, re.MULTILINE)
    assert paths
    assert all(path.startswith(f"{first}/actions/") for path in paths)


def test_the_answer_in_json_has_the_new_comment_its_parent_and_its_location(root):
    bob = Caller(REST, "bob")

    answer = bob._send("POST", f"{root}/actions/add_comment", {"text": "First"}).assert_done()

    made = Note.unscoped.get(text="First")
    path = note_path(made)
    assert answer.json["resource"] == {"type": "Note", "id": made.truncated_id, "path": path}
    assert answer.json["parent"]["path"] == root
    assert answer.response["Location"] == path


def test_the_parent_of_a_reply_is_the_comment_it_answers(root):
    first = comment(root, "First")
    sent = {"text": "Reply", "replying_to_id": first.rpartition("/")[2]}

    answer = Caller(REST, "bob")._send("POST", f"{root}/actions/add_comment", sent).assert_done()

    assert answer.json["parent"]["path"] == first


# --- A deleted note -------------------------------------------------------------------------


@on(HTML)
def test_the_notice_of_a_deletion_offers_to_restore(call, root):
    alice = call("alice")

    deleted = alice.act("delete_note", root).assert_done()
    page = BeautifulSoup(alice.get(deleted.location).text, "html.parser")

    form = page.select_one(".notice--success form")
    assert form is not None
    assert form.get_text(strip=True) == "Restore"
    assert form.select_one("[name=csrfmiddlewaretoken]")
    alice._send("POST", str(form["action"]), {}).assert_done()
    assert not note_at_path(root).is_deleted


# --- Forms, facts and pins ------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "/edit", "new"])
def test_prose_fields_have_no_autocomplete_attribute(root, page):
    path = f"{KITCHEN}/note" if page == "new" else f"{root}{page}"
    html = BeautifulSoup(Caller(HTML, "alice").get(path).text, "html.parser")

    fields = html.select("main textarea, main input[type=text]")

    assert fields
    assert not [field["name"] for field in fields if field.has_attr("autocomplete")]


def test_the_facts_and_links_of_a_note_stand_above_its_text(root):
    alice = Caller(HTML, "alice")
    Caller(REST, "bob").act("confirm_read", root).assert_done()

    byline = BeautifulSoup(alice.get(root).text, "html.parser").select_one("main .byline")

    assert byline is not None
    assert "1 read" in byline.text
    assert [link.get_text() for link in byline.select(".byline__links a")] == ["Edit", "Settings"]


@on(HTML, FORM, MARKDOWN)
def test_a_pinned_note_is_shown_as_pinned_until_it_is_unpinned(call, root):
    reader = Caller(HTML, "bob")
    assert "<strong>Pinned</strong>" not in reader.get(root).text

    call("alice").act("pin_note", root).assert_done()
    assert "<strong>Pinned</strong>" in reader.get(root).text
    assert "| pinned | true |" in Caller(MARKDOWN, "bob").get(root).text

    call("alice").act("unpin_note", root).assert_done()
    assert "<strong>Pinned</strong>" not in reader.get(root).text


def test_a_pin_in_the_main_collective_is_shown_to_its_owner_only(world):
    path = note_path(world.note("The garden opens at eight"))

    Caller(HTML, "alice").act("pin_note", path).assert_done()

    assert "<strong>Pinned</strong>" in Caller(HTML, "alice").get(path).text
    assert "<strong>Pinned</strong>" not in Caller(HTML, "bob").get(path).text
