"""Read confirmations: permissions, counting, and when they are offered."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.fixtures.rows import KITCHEN, confirmations, note_at_path, note_path
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on


def write(text: str = "Read me", by: str = "alice") -> str:
    """Write a note in the kitchen, and return its path."""
    return str(Caller(REST, by).act("create_note", KITCHEN, text=text).assert_done().json["path"])


def confirmed_reads(path: str) -> int:
    note = note_at_path(path)
    return int(
        Caller(REST, "alice").get(f"{KITCHEN}/api/v1/notes/{note.id}").json["confirmed_reads"]
    )


@pytest.mark.rule("notes.confirm")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_every_member_can_confirm_including_the_author(world, call, who):
    note = note_at_path(
        Caller(REST, "alice").act("create_note", KITCHEN, text="Read me").json["path"]
    )

    call(who).act("confirm_read", note_path(note)).assert_done()

    assert confirmations(note) == 1


@pytest.mark.rule("notes.confirm-members-only")
@on(HTML, MARKDOWN, REST)
def test_a_non_member_cannot_confirm(world, call):
    note = world.note("Board minutes")

    call("alice").act("confirm_read", note_path(note)).assert_refused(403)

    assert confirmations(note) == 0


@pytest.mark.rule("notes.confirm-once-per-version")
@on(HTML, MARKDOWN, REST)
def test_a_reader_confirms_each_version_once_and_counts_once(world, call):
    bob = call("bob")
    made = Caller(REST, "alice").act("create_note", KITCHEN, text="Read me").json
    note = note_at_path(made["path"])
    assert made["confirmed_reads"] == 0

    for _ in range(2):
        bob.act("confirm_read", made["path"]).assert_done()
        assert confirmations(note) == 1

    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        Caller(REST, "alice").act("update_note", made["path"], text="Changed").assert_done()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        bob.act("confirm_read", made["path"]).assert_done()
        bob.act("confirm_read", made["path"]).assert_done()

    assert confirmations(note) == 2
    read = Caller(REST, "alice").get(f"{KITCHEN}/api/v1/notes/{note.id}").json
    assert read["confirmed_reads"] == 1


@pytest.mark.rule("notes.confirm-counts-people")
def test_confirmations_of_two_readers_are_two(world):
    path = Caller(REST, "alice").act("create_note", KITCHEN, text="Read me").json["path"]
    for who in ("bob", "scout"):
        Caller(REST, who).act("confirm_read", path).assert_done()

    metric = Caller(HTML, "alice").client.get(
        f"{path}/metric", headers={"accept": "application/json"}
    )

    assert metric.json() == {"metric_title": "2 readers", "metric_value": 2}


@pytest.mark.rule("notes.confirm-once-per-version")
@on(HTML, MARKDOWN, REST)
def test_a_confirmation_at_the_moment_of_an_edit_covers_the_edit(call):
    path, bob = write(), call("bob")

    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        Caller(REST, "alice").act("update_note", path, text="Changed").assert_done()
        for _ in range(2):
            bob.act("confirm_read", path).assert_done()

    assert confirmations(note_at_path(path)) == 1
    assert confirmed_reads(path) == 1


@pytest.mark.rule("notes.confirm-once-per-version")
@on(HTML, MARKDOWN, REST)
def test_a_confirmation_before_an_edit_does_not_cover_the_edit(call):
    path, bob = write(), call("bob")
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        bob.act("confirm_read", path).assert_done()
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        Caller(REST, "alice").act("update_note", path, text="Changed").assert_done()

    with time_machine.travel(timezone.now() + timedelta(minutes=3), tick=False):
        bob.act("confirm_read", path).assert_done()

    assert confirmations(note_at_path(path)) == 2
    assert confirmed_reads(path) == 1


@pytest.mark.rule("notes.confirm-once-per-version")
def test_confirming_again_returns_the_same_event(world):
    path, bob = write(), Caller(REST, "bob")

    first = bob.act("confirm_read", path).assert_done().json
    second = bob.act("confirm_read", path).assert_done().json

    assert first["event_type"] == "read_confirmation"
    assert (second["id"], second["happened_at"]) == (first["id"], first["happened_at"])


@pytest.mark.rule("notes.confirm-shown")
@on(HTML, MARKDOWN)
def test_confirming_is_offered_until_done_and_again_after_an_edit(call):
    path, bob = write(), call("bob")

    def is_offered() -> bool:
        return "actions/confirm_read" in bob.get(path).assert_done().text

    assert is_offered()
    bob.act("confirm_read", path).assert_done()
    assert not is_offered()

    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        Caller(REST, "alice").act("update_note", path, text="Changed").assert_done()
        assert is_offered()


@pytest.mark.rule("notes.confirm-shown")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(("who", "is_offered"), [("alice", True), ("bob", False)])
def test_authors_are_not_offered_to_confirm_their_own_note(world, call, who, is_offered):
    text = call(who).get(note_path(world.note("Compost"))).assert_done().text

    assert ("confirm_read" in text) is is_offered
