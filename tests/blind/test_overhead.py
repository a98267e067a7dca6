"""Pages, lists and threads cost few tokens beside the text of people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from collectives.items import models as items
from collectives.items.kinds import index
from collectives.notes.models import Note
from harmonic.kernel.database.tenancy import tenant_bound
from tests.blind.conftest import WireFor
from tests.blind.overhead import (
    ACTION,
    COMMENT,
    NOTE,
    PARAMETER,
    READERS,
    REPORT,
    ROOT,
    ROUTE,
    ROW,
    THREAD,
    WHOAMI,
    action_entries,
    beside_its_text,
    beside_the_prompt,
    beside_the_routes,
    row,
)
from tests.blind.reading import Document, Wire, estimated_tokens, read_document
from tests.fixtures.rows import write_notes
from tests.fixtures.world import World

pytestmark = pytest.mark.one_database

KITCHEN = "/collectives/kitchen"


def document(wire_for: WireFor, path: str, who: str = "scout") -> Document:
    reply = wire_for(who).ask("GET", path, accept="text/markdown")
    assert reply.status == 200
    return read_document(reply.status, reply.text)


@pytest.mark.parametrize("who", ["alice", "bob", "scout"])
def test_the_pages_of_a_note_cost_little_beside_its_text(
    wire_for: WireFor, note_path: Callable[[str], str], who: str
) -> None:
    """The six actions of a note are on three pages; no page has more than three of them."""
    path = note_path("Where things go in the fridge")
    seen = [document(wire_for, f"{path}{below}", "alice") for below in ("", "/edit", "/settings")]
    read = document(wire_for, path, who)

    names = {action["name"] for page in [*seen, read] for action in page.actions}
    assert len(names | {*READERS}) == 6
    for page in [*seen, read]:
        assert len(page.actions) <= 3
        is_reported = any(action["name"] == "report_content" for action in page.actions)
        assert beside_its_text(page) <= NOTE + (REPORT if is_reported else 0)


@pytest.mark.parametrize("below", ["", "/edit", "/settings"])
def test_an_action_and_a_parameter_take_few_tokens(
    wire_for: WireFor, note_path: Callable[[str], str], below: str
) -> None:
    seen = document(wire_for, f"{note_path('Where things go in the fridge')}{below}", "alice")
    entries = action_entries(seen)

    assert len(entries) == len(seen.actions)
    for action, text in zip(seen.actions, entries, strict=True):
        count = len(action.get("params", []))
        assert estimated_tokens(text) <= ACTION + PARAMETER * count


def test_whoami_is_short_beside_what_the_parent_wrote(wire_for: WireFor) -> None:
    seen = document(wire_for, "/whoami")

    assert "## Identity Prompt" in seen.text
    assert beside_the_prompt(seen) <= WHOAMI


@pytest.mark.parametrize("query", ["", "?q=shelf", "?since=2026-01-01"])
@pytest.mark.parametrize("path", ["/", KITCHEN])
def test_a_row_of_a_list_is_short(world: World, wire_for: WireFor, path: str, query: str) -> None:
    """Rows of realistic notes: long texts, titles of 40 characters, agents, comments."""
    place = world.collective("kitchen" if path == KITCHEN else "garden")
    items.Item.unscoped.filter(collective=place).update(deleted_at=world.now)
    authors = [world.user(who) for who in ("alice", "bob", "scout", "steward")]
    notes = write_notes(world, place, 20)
    for number, note in enumerate(notes):
        Note.unscoped.filter(pk=note.pk).update(
            title=f"What we found on the shelf in week no {number:02}",
            text="A text that is longer than the part of it that a row of a list shows. " * 4,
            created_by=authors[number % 4],
            created_at=world.now - timedelta(minutes=number),
        )
        replies = [each.pk for each in write_notes(world, place, number % 2 * number)]
        Note.unscoped.filter(pk__in=replies).update(parent=note, root=note, subtype=items.COMMENT)
    with tenant_bound(place.tenant_id):
        index(list(Note.objects.filter(pk__in=[note.pk for note in notes])))

    seen = document(wire_for, path + query)

    assert seen.text.count("What we found") == 20
    assert "19 comments" in seen.text
    assert row(seen) <= ROW


@pytest.mark.parametrize("path", ["/", KITCHEN])
def test_a_page_of_a_place_links_to_the_forms_of_all_kinds_and_describes_that_of_notes(
    wire_for: WireFor, path: str
) -> None:
    """The parameters of all kinds would take more than the rest of the page."""
    seen = document(wire_for, path)

    assert [action["name"] for action in seen.actions] == ["create_note"]
    for new in ("New note", "New decision", "New commitment"):
        assert document(wire_for, seen.link(new).path).actions


@pytest.mark.parametrize("path", ["/", KITCHEN])
def test_a_page_of_a_place_links_to_no_form_that_the_token_may_not_send(
    wire_for: WireFor, path: str
) -> None:
    reader = read_document(*_get(wire_for("scout", scope="read"), path))

    assert not [link for link in reader.links if link.text.startswith("New ")]


def _get(wire: Wire, path: str) -> tuple[int, str]:
    reply = wire.ask("GET", path, accept="text/markdown")
    return reply.status, reply.text


@pytest.mark.parametrize("base", ["/api/v1", f"{KITCHEN}/api/v1"])
def test_the_root_of_the_api_is_short_with_all_its_filters(wire_for: WireFor, base: str) -> None:
    reply = wire_for("scout").ask("GET", base)

    assert any("updated_after" in each["filters"] for each in reply.json["lists"])
    assert beside_the_routes(reply.text) <= ROOT
    assert len(reply.text) / 4 - beside_the_routes(reply.text) <= ROUTE * len(reply.json["routes"])


def test_a_thread_of_three_hundred_comments_is_short_by_default(
    wire_for: WireFor, note_path: Callable[[str], str]
) -> None:
    path = note_path("Knife care")
    wire = wire_for("bob")
    for number in range(300):
        wire.ask("POST", f"{path}/actions/add_comment", {"text": COMMENT.format(number)})

    seen = document(wire_for, path)

    assert "Comments (3" in seen.text
    assert estimated_tokens(seen.text) <= THREAD
