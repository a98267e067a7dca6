"""Comments: permissions, order, and the deletion of their parents."""

from __future__ import annotations

import pytest

from collectives.items.models import Pin
from collectives.notes.models import Note
from tests.fixtures.rows import (
    KITCHEN,
    confirmations,
    end_membership,
    note_at_path,
    note_path,
)
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

WELCOME = "Welcome to the kitchen"


@pytest.fixture
def root(world) -> str:
    """The path of a note without comments."""
    return str(Caller(REST, "alice").act("create_note", KITCHEN, text="Root").json["path"])


def comment(path: str, text: str, by: str = "bob") -> str:
    """Comment on a note, and return the path of the comment."""
    return str(Caller(REST, by).act("add_comment", path, text=text).assert_done().json["path"])


def rest_path(path: str) -> str:
    return f"{KITCHEN}/api/v1/notes/{note_at_path(path).id}"


# --- Writing --------------------------------------------------------------------------------


@pytest.mark.rule("comments.member")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_member_comments_on_a_note_and_on_a_comment(world, call, root):
    bob = call("bob")

    bob.act("add_comment", root, text="First").assert_done()
    first = Note.unscoped.get(text="First")
    bob.act("add_comment", note_path(first), text="Second").assert_done()
    second = Note.unscoped.get(text="Second")

    assert (first.subtype, first.parent_id) == ("comment", note_at_path(root).id)
    assert (second.subtype, second.parent_id) == ("comment", first.id)
    assert first.created_by == second.created_by == world.user("bob")
    assert first.deadline == first.created_at


@pytest.mark.rule("comments.not-outsider")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_non_member_does_not_comment(call, root):
    call("carol").act("add_comment", root, text="Me too").assert_refused(403)

    assert not Note.unscoped.filter(text="Me too").exists()


@pytest.mark.rule("comments.not-outsider")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_former_member_does_not_comment(world, call, root):
    bob = call("bob")
    end_membership(world, "bob")

    bob.act("add_comment", root, text="Me too").assert_refused(403)

    assert not Note.unscoped.filter(text="Me too").exists()


@pytest.mark.rule("comments.replying-to")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_reply_names_a_comment_of_the_same_thread(call, root):
    first, bob = comment(root, "First"), call("bob")
    elsewhere = Caller(REST, "alice").act("create_note", KITCHEN, text="Other").json["path"]
    other = note_at_path(comment(elsewhere, "Other comment"))

    bob.act("add_comment", root, text="Reply", replying_to_id=str(note_at_path(first).id))
    refused = bob.act("add_comment", root, text="Stray", replying_to_id=str(other.id))

    assert Note.unscoped.get(text="Reply").parent_id == note_at_path(first).id
    refused.assert_refused(404)
    assert not Note.unscoped.filter(text="Stray").exists()


@pytest.mark.rule("comments.text-needed")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("sent", [{}, {"text": " \n"}])
def test_a_comment_without_text_is_refused(call, root, sent):
    count = Note.unscoped.count()

    call("bob").act("add_comment", root, **sent).assert_invalid()

    assert Note.unscoped.count() == count


@pytest.mark.rule("comments.same-collective")
@pytest.mark.parametrize("title", ["The garden opens at eight", "Board minutes"])
def test_a_comment_on_an_item_of_another_collective_is_refused(world, title):
    sent = {
        "text": "Across",
        "commentable_type": "Note",
        "commentable_id": str(world.note(title).id),
    }

    answer = Caller(REST, "bob").act("create_note", KITCHEN, **sent)

    assert answer.status in (400, 404)
    assert not Note.unscoped.filter(text="Across").exists()


@pytest.mark.rule("comments.are-notes")
@on(HTML, MARKDOWN, REST)
def test_a_comment_is_changed_confirmed_and_deleted_like_a_note(world, call, root):
    path = comment(root, "First")
    bob, alice = call("bob"), call("alice")

    bob.act("update_note", path, text="Changed").assert_done()
    alice.act("confirm_read", path).assert_done()
    assert note_at_path(path).text == "Changed"
    assert confirmations(note_at_path(path)) == 1

    bob.act("delete_note", path).assert_done()
    assert note_at_path(path).is_deleted


@pytest.mark.rule("comments.are-notes")
@on(HTML, FORM, MARKDOWN)
def test_a_comment_is_pinned_like_a_note(call, root):
    path = comment(root, "First")

    call("alice").act("pin_note", path).assert_done()

    assert Pin.unscoped.filter(item_id=note_at_path(path).pk).exists()


@pytest.mark.rule("comments.only-author-changes")
@pytest.mark.parametrize(
    ("surface", "who"),
    [
        (HTML, "alice"),
        (FORM, "alice"),
        (MARKDOWN, "alice"),
        (MARKDOWN, "scout"),
        (REST, "alice"),
        (REST, "scout"),
    ],
)
def test_only_its_author_changes_a_comment(call, root, who):
    path = comment(root, "First")

    call(who).act("update_note", path, text="Mine").assert_refused(403)

    assert note_at_path(path).text == "First"


@pytest.mark.rule("comments.only-author-changes")
@on(HTML, MARKDOWN, REST)
def test_the_author_of_a_note_does_not_delete_the_comments_of_others(world, call):
    root = Caller(REST, "bob").act("create_note", KITCHEN, text="Root").json["path"]
    path = comment(root, "First", by="alice")

    call("bob").act("delete_note", path).assert_refused(403)

    assert not note_at_path(path).is_deleted


# --- Where they stand -----------------------------------------------------------------------


@pytest.mark.rule("comments.order")
def test_comments_are_ordered_by_creation_time(root):
    for text in ("One", "Two", "Three"):
        comment(root, text)
    bob = Caller(REST, "bob")

    listed = [each["text"] for each in bob.get(f"{rest_path(root)}/comments").json]
    included = bob.get(f"{rest_path(root)}?include=comments").json["comments"]

    assert listed == [each["text"] for each in included] == ["One", "Two", "Three"]


@pytest.mark.rule("comments.order")
@on(HTML, MARKDOWN)
def test_replies_are_shown_below_their_top_level_comment(call, root):
    one = comment(root, "Thread one")
    two = comment(root, "Thread two")
    reply = comment(one, "Reply to one")
    comment(two, "Reply to two")
    comment(reply, "Deeper in one")

    text = call("bob").get(root).assert_done().text

    order = ["Thread one", "Reply to one", "Deeper in one", "Thread two", "Reply to two"]
    assert [text.index(each) for each in order] == sorted(text.index(each) for each in order)


@pytest.mark.rule("comments.not-in-feeds")
@pytest.mark.parametrize(
    ("surface", "path"),
    [
        (HTML, f"{KITCHEN}/"),
        (MARKDOWN, f"{KITCHEN}/"),
        (REST, f"{KITCHEN}/api/v1/notes?limit=200"),
        (REST, "/api/v1/notes?scope=all&limit=200"),
    ],
)
def test_feeds_do_not_list_comments(root, surface, path):
    comment(root, "Only a comment")

    assert "Only a comment" not in Caller(surface, "bob").get(path).assert_done().text


# --- When something is deleted --------------------------------------------------------------


@pytest.mark.rule("comments.outlive-parent")
@on(HTML, MARKDOWN)
def test_the_comments_of_a_deleted_note_stay(call, root):
    path = comment(root, "Still here")
    Caller(REST, "alice").act("delete_note", root).assert_done()

    text = call("bob").get(path).assert_done().text

    assert "Still here" in text
    assert "deleted note" in text
    assert "Still here" in Caller(REST, "bob").get(rest_path(path)).assert_done().text


@pytest.mark.rule("comments.outlive-parent")
@on(HTML, MARKDOWN, REST)
def test_the_replies_of_a_deleted_comment_stay(call, surface, root):
    first = comment(root, "First words")
    reply = comment(first, "Reply stays")
    deep = comment(reply, "Deep reply stays")

    call("bob").act("delete_note", first).assert_done()

    assert not note_at_path(reply).is_deleted
    assert not note_at_path(deep).is_deleted
    page = Caller(HTML if surface == HTML else MARKDOWN, "alice").get(root).assert_done().text
    assert "Reply stays" in page
    assert "Deep reply stays" in page
    assert "[deleted]" in page
    assert "First words" not in page


@pytest.mark.rule("comments.deleted-without-replies")
@on(HTML, MARKDOWN)
def test_the_text_of_a_deleted_comment_is_not_shown(call, root):
    first = comment(root, "First words")
    Caller(REST, "bob").act("delete_note", first).assert_done()

    for path in (root, first, f"{KITCHEN}/"):
        assert "First words" not in call("alice").get(path).assert_done().text
    assert "[deleted]" not in call("alice").get(root).text


@pytest.mark.rule("comments.deleted-not-counted")
@on(HTML, MARKDOWN)
def test_a_deleted_comment_is_not_counted(call, root):
    first, _ = comment(root, "One"), comment(root, "Two")
    Caller(REST, "bob").act("delete_note", first).assert_done()

    text = call("alice").get(root).assert_done().text

    assert "Comments (1)" in text or ">1<" in text


@pytest.mark.rule("comments.deleted-not-counted")
def test_a_deleted_comment_is_not_counted_in_a_feed(root):
    first, _ = comment(root, "One"), comment(root, "Two")
    alice, counted = Caller(HTML, "alice"), f'href="{root}#comments">%s comment'
    assert counted % 2 in alice.get(f"{KITCHEN}/").text

    alice.act("delete_note", first).assert_done()

    assert counted % 1 in alice.get(f"{KITCHEN}/").text


@pytest.mark.rule("comments.counted-direct")
@on(MARKDOWN)
def test_a_reply_is_not_counted_as_a_comment_of_the_note(call, root):
    comment(comment(root, "One"), "Reply")

    assert "## Comments (1)" in call("alice").get(root).assert_done().text


@pytest.mark.rule("comments.deleted-not-counted")
def test_a_deleted_comment_is_not_included_in_rest(root):
    first, _ = comment(root, "One"), comment(root, "Two")
    alice = Caller(REST, "alice")
    alice.act("delete_note", first).assert_done()

    listed = alice.get(f"{rest_path(root)}/comments").json
    included = alice.get(f"{rest_path(root)}?include=comments").json["comments"]
    found = alice.get(f"{KITCHEN}/api/v1/notes?commentable=Note:{note_at_path(root).id}").json

    for each in (listed, included, found):
        assert [row["text"] for row in each] == ["Two"]


@pytest.mark.rule("comments.not-on-deleted")
@on(HTML, FORM, MARKDOWN, REST)
def test_replying_to_a_deleted_comment_is_refused(call, root):
    first = comment(root, "One")
    Caller(REST, "bob").act("delete_note", first).assert_done()

    call("alice").act("add_comment", first, text="Too late").assert_refused(404)

    assert not Note.unscoped.filter(text="Too late").exists()
