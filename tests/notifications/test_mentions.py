"""Mentions in texts (content §12), and who is notified of them (content §19.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectives.notifications.mentions import names_in
from collectives.notifications.models import Notification, Recipient
from tests.fixtures.rows import KITCHEN, end_membership
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_yet(world) -> None:
    """Start without the notifications of the demo world."""
    Notification.unscoped.all().delete()


def notified(who: str) -> list[str]:
    """Return the titles of a user's in-app notifications, oldest first."""
    rows = Recipient.unscoped.filter(user__memberships__handle=who, channel="in_app").distinct()
    return [row.notification.title for row in rows.order_by("due_at", "id")]


# --- Names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@alice, look", ("alice",)),
        ("@alice.", ("alice",)),
        ("(@alice)", ("alice",)),
        ("@alice-", ("alice-",)),
        ("@Alice and @ALICE", ("alice",)),
        ("@bob @alice", ("bob", "alice")),
        ("mail me@alice", ()),
        ("`@alice`", ()),
        ("```\n@alice\n```\n@bob", ("bob",)),
        ("    @alice\n\n@bob", ("bob",)),
        ("| a |\n|---|\n| @alice `@bob` |", ("alice",)),
        ("@ alice", ()),
        ("@@alice", ("alice",)),
    ],
)
def test_names_are_found_outside_code(text: str, names: tuple[str, ...]):
    assert names_in(text) == names


@pytest.mark.meets("names that a text mentions")
def test_at_most_fifty_names_in_a_text_are_mentioned():
    assert len(names_in(" ".join(f"@member-{number}" for number in range(51)))) == 50


@given(st.text(max_size=200))
def test_any_text_can_be_searched_for_names(text: str):
    assert all(name == name.lower() for name in names_in(text))


# --- Mentions -------------------------------------------------------------------------------


@pytest.mark.rule("notifications.mention")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_mentioned_member_is_notified_once(call):
    call("alice").act("create_note", KITCHEN, text="@bob, @Bob and @bob again").assert_done()

    assert notified("bob") == ["Alice mentioned you"]
    row = Notification.unscoped.get()
    assert (row.notification_type, row.body) == ("mention", "@bob, @Bob and @bob again")
    assert row.path.startswith(f"{KITCHEN}/n/")


@pytest.mark.rule("notifications.mention-members-only")
@pytest.mark.parametrize("who", ["carol", "erin", "alice", "nobody-here"])
def test_only_active_members_other_than_the_author_are_notified(who: str):
    Caller(REST, "alice").act("create_note", KITCHEN, text=f"Hello @{who}").assert_done()

    assert not Notification.unscoped.exists()


@pytest.mark.rule("notifications.mention-members-only")
def test_a_former_member_is_not_notified(world):
    end_membership(world, "bob")

    Caller(REST, "alice").act("create_note", KITCHEN, text="Hello @bob").assert_done()

    assert not Notification.unscoped.exists()


@pytest.mark.rule("notifications.mention-agents")
def test_an_agent_is_notified_like_a_person():
    Caller(REST, "bob").act("create_note", KITCHEN, text="Hello @scout").assert_done()

    assert notified("scout") == ["Bob mentioned you"]


@pytest.mark.rule("notifications.tags")
def test_a_tag_mentions_the_members_with_a_role():
    Caller(REST, "bob").act("create_note", KITCHEN, text="@admins, please decide").assert_done()

    assert notified("alice") == ["Bob mentioned you"]
    assert notified("scout") == []


@pytest.mark.rule("notifications.everyone")
@pytest.mark.parametrize(("who", "count"), [("alice", 3), ("bob", 0)])
def test_only_an_admin_can_mention_everyone(who: str, count: int):
    Caller(REST, who).act("create_note", KITCHEN, text="@everyone: tea").assert_done()

    others = ("alice", "bob", "scout", "steward")
    assert sum(len(notified(other)) for other in others) == count


@pytest.mark.rule("notifications.update-new-only")
@on(HTML, MARKDOWN, REST)
def test_a_change_notifies_only_newly_mentioned_members(call):
    path = str(Caller(REST, "alice").act("create_note", KITCHEN, text="@bob").json["path"])

    call("alice").act("update_note", path, text="@bob and @scout").assert_done()
    call("alice").act("update_note", path, text="@bob, @scout again").assert_done()

    assert notified("bob") == ["Alice mentioned you"]
    assert notified("scout") == ["Alice mentioned you"]


@pytest.mark.rule("notifications.comment-edit")
def test_a_changed_comment_notifies_no_one():
    alice = Caller(REST, "alice")
    path = str(alice.act("create_note", KITCHEN, text="Root").json["path"])
    comment = str(alice.act("add_comment", path, text="First").json["path"])

    alice.act("update_note", comment, text="First @bob").assert_done()

    assert notified("bob") == []


def test_a_dry_run_notifies_no_one():
    Caller(REST, "alice").act("create_note", KITCHEN, text="@bob", dry_run=True)

    assert not Notification.unscoped.exists()


# --- Replies --------------------------------------------------------------------------------


@pytest.mark.rule("notifications.reply")
@on(HTML, FORM, MARKDOWN, REST)
def test_the_author_of_a_note_or_comment_is_notified_of_replies(call):
    path = str(Caller(REST, "alice").act("create_note", KITCHEN, text="Root").json["path"])

    call("bob").act("add_comment", path, text="First").assert_done()
    assert notified("alice") == ["Bob replied to your note"]

    comment = Notification.unscoped.get().path
    Caller(REST, "alice").act("add_comment", comment, text="Thanks").assert_done()
    assert notified("bob") == ["Alice replied to your comment"]


@pytest.mark.rule("notifications.reply-own")
def test_a_reply_to_oneself_notifies_no_one():
    alice = Caller(REST, "alice")
    path = str(alice.act("create_note", KITCHEN, text="Root").json["path"])

    alice.act("add_comment", path, text="First").assert_done()

    assert not Notification.unscoped.exists()


@pytest.mark.rule("notifications.reply-with-mention")
def test_a_reply_that_mentions_the_author_creates_one_notification():
    path = str(Caller(REST, "alice").act("create_note", KITCHEN, text="Root").json["path"])

    Caller(REST, "bob").act("add_comment", path, text="@alice and @scout").assert_done()

    assert notified("alice") == ["Bob mentioned you in their reply to your note"]
    assert notified("scout") == ["Bob mentioned you"]


def test_the_body_is_at_most_200_characters():
    Caller(REST, "alice").act("create_note", KITCHEN, text="@bob " + "long " * 100).assert_done()

    body = Notification.unscoped.get().body
    assert len(body) == 200
    assert body.endswith("...")


@pytest.mark.rule("notifications.left")
def test_a_deleted_note_leaves_no_notification_behind():
    alice = Caller(REST, "alice")
    path = str(alice.act("create_note", KITCHEN, text="@bob").json["path"])

    alice.act("delete_note", path).assert_done()

    inbox = Caller(MARKDOWN, "bob").client.get(
        "/notifications", headers={"accept": "text/markdown"}
    )
    assert "Unread: 0" in inbox.content.decode()
