"""The home page: what needs the reader's attention stands before the activity."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from collectives.feed import attention
from collectives.notes.models import Note
from tests.fixtures.rows import KITCHEN, change, note_path, write_notes
from tests.fixtures.surfaces import HTML, MARKDOWN, Answer, Caller, on
from tests.fixtures.world import make_token
from tokens.models import ApiToken

UNREAD = re.compile(r"(\d+) unread notes?")


def needs(answer: Answer) -> str:
    """Return the section of the home page as one line of text, or "" if it has none."""
    text = re.sub(r"<[^>]*>", " ", answer.assert_done().text.partition("<main")[2] or answer.text)
    section = re.search(r"Needs your attention(.*?)Recent activity", text, flags=re.S | re.I)
    return " ".join(section[1].split()) if section else ""


def unread(answer: Answer) -> int:
    found = UNREAD.search(needs(answer))
    return int(found[1]) if found else 0


def read_everything(world, handle: str, where: str = "kitchen") -> None:
    """Confirm every unread note of a collective."""
    caller = Caller(MARKDOWN, handle)
    own = world.user(handle)
    notes = Note.unscoped.filter(collective=world.collective(where), deleted_at=None, parent=None)
    for note in notes.exclude(created_by=own):
        caller.act("confirm_read", note_path(note)).assert_done()


# --- Unread notes ---------------------------------------------------------------------------


@on(HTML, MARKDOWN)
def test_a_new_note_of_another_member_is_unread_until_it_is_confirmed(world, call):
    read_everything(world, "bob")
    assert unread(call("bob").get("/")) == 0

    written = Caller(MARKDOWN, "alice").act("create_note", KITCHEN, title="Fresh", text="Text")
    assert unread(call("bob").get("/")) == 1

    written.assert_done()
    note = Note.unscoped.get(title="Fresh")
    Caller(MARKDOWN, "bob").act("confirm_read", note_path(note)).assert_done()
    assert unread(call("bob").get("/")) == 0


@on(HTML, MARKDOWN)
def test_an_edited_note_is_unread_again(world, call):
    read_everything(world, "bob")
    path = note_path(world.note("Welcome to the kitchen"))

    Caller(MARKDOWN, "alice").act("update_note", path, text="Changed").assert_done()

    assert unread(call("bob").get("/")) == 1


@on(HTML, MARKDOWN)
def test_own_notes_comments_and_old_notes_are_not_unread(world, call):
    read_everything(world, "bob")
    Caller(MARKDOWN, "bob").act("create_note", KITCHEN, title="Mine", text="Text").assert_done()
    path = note_path(world.note("Knife care"))
    Caller(MARKDOWN, "alice").act("add_comment", path, text="A comment").assert_done()
    Caller(MARKDOWN, "alice").act("create_note", KITCHEN, title="Old", text="Text").assert_done()
    long_ago = timezone.now() - attention.UNREAD_FOR - timedelta(days=1)
    change(Note.unscoped.get(title="Old").item, created_at=long_ago, updated_at=long_ago)

    assert unread(call("bob").get("/")) == 0


@on(HTML, MARKDOWN)
def test_notes_of_collectives_one_is_not_in_are_not_counted(world, call):
    text = needs(call("bob").get("/"))

    assert "Treasury" not in text
    assert "Board Room" not in text


@pytest.mark.meets("unread notes counted on the home page")
@on(HTML, MARKDOWN)
def test_unread_notes_are_counted_up_to_a_limit(world, call):
    write_notes(world, world.collective("kitchen"), attention.UNREAD_COUNTED + 10)

    text = needs(call("bob").get("/"))

    assert f"{attention.UNREAD_COUNTED} unread notes" in text
    assert "There are more unread notes" in text


# --- Tokens ---------------------------------------------------------------------------------


@on(HTML, MARKDOWN)
@pytest.mark.parametrize(("days", "is_listed"), [(13.9, True), (14.1, False)])
def test_tokens_that_expire_within_fourteen_days_are_listed(world, call, days, is_listed):
    make_token("bob", days=days)
    make_token("bob", agent="pilot", days=days)

    text = needs(call("bob").get("/"))

    assert ("bob in a test" in text) is is_listed
    assert ("pilot in a test" in text) is is_listed


@on(HTML, MARKDOWN)
def test_expired_revoked_and_rotated_tokens_are_not_listed(world, call):
    now = timezone.now()
    for name in ("expired", "revoked", "rotated"):
        make_token("bob", days=5)
        change(ApiToken.unscoped.get(name="bob in a test"), name=name)
    token = {row.name: row for row in ApiToken.unscoped.filter(owner=world.person("bob"))}
    change(token["expired"], expires_at=now)
    change(token["revoked"], deleted_at=now)
    change(token["rotated"], successor=token["revoked"])

    assert not re.search("expired|revoked|rotated", needs(call("bob").get("/")))


@on(HTML, MARKDOWN)
def test_nobody_sees_the_tokens_of_others(world, call):
    make_token("bob", days=5)
    make_token("alice", agent="scout", days=5)

    assert "bob in a test" not in needs(call("alice").get("/"))
    assert "scout in a test" in needs(call("alice").get("/"))
    assert "in a test" not in needs(Caller(MARKDOWN, "scout", days=5).get("/"))


# --- Agents ---------------------------------------------------------------------------------


@on(HTML, MARKDOWN)
def test_an_agent_without_an_active_token_is_listed_until_it_has_one(world, call):
    assert "pilot has no active token" in plain(needs(call("bob").get("/")))

    make_token("bob", agent="pilot")

    assert "no active token" not in needs(call("bob").get("/"))


@on(HTML, MARKDOWN)
@pytest.mark.parametrize("state", ["suspended", "inactive"])
def test_an_agent_that_cannot_act_anyway_is_not_listed(world, call, state):
    now = timezone.now()
    if state == "suspended":
        change(world.user("pilot"), suspended_at=now)
    else:
        change(world.person("pilot"), archived_at=now)

    assert "no active token" not in needs(call("bob").get("/"))


@on(HTML, MARKDOWN)
def test_internal_agents_and_those_of_others_are_not_listed(world, call):
    text = needs(call("alice").get("/"))

    assert "steward" not in text
    assert "pilot" not in text


# --- The page -------------------------------------------------------------------------------


@on(HTML, MARKDOWN)
def test_the_section_is_absent_when_nothing_needs_attention(world, call):
    assert needs(call("carol").get("/")) == ""


@on(HTML, MARKDOWN)
def test_pages_of_older_activity_leave_it_out(world, call):
    write_notes(world, world.collective("garden"), 60)
    first = call("bob").get("/")
    older = re.search(r"/\?cursor=[\w:.=%-]+", first.text)
    assert older
    assert needs(first)

    assert "attention" not in call("bob").get(older[0]).text.lower()


@on(MARKDOWN)
@pytest.mark.parametrize(
    ("scopes", "shown"),
    [
        (["read:notes"], ""),
        (["read:notes", "read:api_tokens"], "bob in a test"),
        (["read:notes", "read:users"], "pilot"),
    ],
)
def test_a_narrow_token_sees_what_it_may_read_elsewhere(world, call, scopes, shown):
    make_token("bob", days=5)

    text = needs(call("bob", scopes=scopes).get("/"))

    assert [word for word in ("Kitchen", "bob in a test", "pilot") if word in text] == [
        word for word in [shown] if word
    ]


def plain(text: str) -> str:
    """Return Markdown without its links."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


@pytest.mark.meets("tokens and agents that the home page lists")
@on(HTML, MARKDOWN)
def test_so_many_tokens_and_agents_are_listed(world, call):
    for _ in range(attention.LISTED + 5):
        make_token("bob", days=5)
    for number in range(attention.LISTED + 5):
        made = Caller(MARKDOWN, "bob").act("create_ai_agent", name=f"Helper {number}")
        made.assert_done()
    assert User.objects.filter(parent=world.user("bob")).count() > attention.LISTED

    text = needs(call("bob").get("/"))

    assert text.count("bob in a test") == attention.LISTED
    assert text.count("has no active token") == attention.LISTED


def test_the_title_is_the_heading(page):
    text = page("alice").get("/").content.decode()

    assert re.search(r"<title>\s*Home\b", text)
    assert "<h1>Home</h1>" in text
