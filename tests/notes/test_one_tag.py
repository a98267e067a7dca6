"""The tag of any page of a note in `If-Match`, on the actions of all its pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import MARKDOWN, REST, Caller

pytestmark = pytest.mark.django_db

PAGES = ["", "/edit", "/settings", "?page=2", "?sections=text", "?view=brief", "?full_text=true"]
ACTIONS = [
    ("", "add_comment", {"text": "x"}),
    ("", "confirm_read", {}),
    ("/edit", "update_note", {"title": "Sharper"}),
    ("/settings", "pin_note", {}),
    ("/settings", "delete_note", {}),
]


@pytest.fixture
def note(world) -> str:
    """The path of a note of alice's."""
    made = Caller(REST, "alice").act("create_note", KITCHEN, title="Knives", text="x" * 3000)
    return str(made.assert_done().json["path"])


def tag(path: str, by: str = "alice") -> str:
    return str(Caller(MARKDOWN, by).get(path).assert_done().response["ETag"])


def send(path: str, action: tuple[str, str, dict[str, Any]], if_match: str) -> int:
    page, name, params = action
    client = Caller(MARKDOWN, "alice").client
    answer = client.post(
        f"{path}{page}/actions/{name}",
        params,
        "application/json",
        headers={"accept": "text/markdown", "if-match": if_match},
    )
    return int(answer.status_code)


@pytest.mark.rule("notes.one-tag")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action[1])
def test_the_tag_of_any_page_is_accepted_by_every_action(note, page, action):
    assert send(note, action, tag(f"{note}{page}")) == 200


@pytest.mark.rule("notes.one-tag")
@pytest.mark.parametrize("page", ["", "/edit", "/settings"])
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action[1])
@pytest.mark.parametrize("change", ["update", "comment", "delete a comment", "pin"])
def test_every_action_is_refused_after_a_change(note, page, action, change):
    bob, alice = Caller(REST, "bob"), Caller(REST, "alice")
    comment = bob.act("add_comment", note, text="A comment").assert_done().json["path"]
    seen = tag(f"{note}{page}")
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        {
            "update": lambda: alice.act("update_note", note, text="Changed"),
            "comment": lambda: bob.act("add_comment", note, text="Another"),
            "delete a comment": lambda: bob.act("delete_note", comment),
            "pin": lambda: bob.act("pin_note", note),
        }[change]().assert_done()

        assert send(note, action, seen) == 412


@pytest.mark.rule("notes.one-tag")
def test_a_reply_anywhere_in_the_thread_changes_the_tag_of_a_comment(note):
    bob = Caller(REST, "bob")
    first = bob.act("add_comment", note, text="First").assert_done().json["path"]
    seen = tag(first)
    reply = bob.act("add_comment", first, text="Reply").assert_done().json["path"]
    assert send(first, ("", "add_comment", {"text": "x"}), seen) == 412

    seen = tag(first)
    bob.act("add_comment", reply, text="Deeper").assert_done()
    assert send(first, ("", "add_comment", {"text": "x"}), seen) == 412


@pytest.mark.rule("notes.one-tag")
def test_a_confirmation_by_another_member_does_not_change_the_version(note):
    seen = tag(note)
    Caller(REST, "bob").act("confirm_read", note).assert_done()

    assert tag(note) != seen
    assert send(note, ("/edit", "update_note", {"title": "Sharper"}), seen) == 200


@pytest.mark.rule("notes.one-tag")
def test_tags_of_others_other_notes_and_parts_of_tags_are_not_accepted(world, note):
    other = Caller(REST, "alice").act("create_note", KITCHEN, text="Other").assert_done()
    seen = tag(note)
    version = seen.removeprefix('W/"').partition(".")[0]

    for wrong in (tag(note, "bob"), tag(other.json["path"]), f'"{version[:-1]}.x"', '"x"', version):
        assert send(note, ("", "add_comment", {"text": "x"}), wrong) == 412


@pytest.mark.parametrize("page", PAGES)
def test_each_page_has_its_own_tag_for_if_none_match(note, page):
    client = Caller(MARKDOWN, "alice").client
    headers = {"accept": "text/markdown", "if-none-match": tag(f"{note}/settings")}

    status = client.get(f"{note}{page}", headers=headers).status_code

    assert status == (304 if page == "/settings" else 200)
