"""The capabilities of an agent on every surface."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts.agents.models import Agent
from collectives.notes.models import Note
from harmonic.kernel.registry import grantable
from tests.agents.test_agents import give
from tests.fixtures.rows import KITCHEN, change, make_invite, make_member
from tests.fixtures.surfaces import MARKDOWN, REST, Caller, on
from tests.fixtures.world import make_token
from tokens import secret
from tokens.models import ApiToken

# Each act of an agent that a parent grants: where, and with what.
GRANTABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "create_note": ("kitchen", {"text": "From the scout"}),
    "update_note": ("own", {"text": "Changed"}),
    "delete_note": ("own", {}),
    "pin_note": ("own", {}),
    "unpin_note": ("own", {}),
    "confirm_read": ("welcome", {}),
    "add_comment": ("welcome", {"text": "Noted"}),
}
IN_REST = ("create_note", "update_note", "delete_note", "confirm_read", "add_comment")
CASES = [
    (surface, name)
    for name in GRANTABLE
    for surface in (MARKDOWN, REST)
    if surface == MARKDOWN or name in IN_REST
]


@pytest.fixture
def places(world, note_path):
    """Return the paths where the actions are performed; scout has a note of its own."""
    own = Caller(REST, "scout").act("create_note", KITCHEN, text="Mine").json["path"]
    return {"kitchen": KITCHEN, "own": own, "welcome": note_path("Welcome to the kitchen")}


@pytest.mark.rule("capabilities.granted")
@pytest.mark.parametrize(("surface", "name"), CASES)
def test_an_agent_runs_a_granted_action(world, call, places, name):
    give(world, "scout", capability_names=[name])
    where, params = GRANTABLE[name]

    call("scout").act(name, places[where], **params).assert_done()


@pytest.mark.rule("capabilities.denied")
@pytest.mark.parametrize(("surface", "name"), CASES)
def test_an_agent_is_refused_an_action_that_was_not_granted(world, call, places, name):
    give(world, "scout", capability_names=[each for each in grantable() if each != name])
    where, params = GRANTABLE[name]
    before = list(Note.unscoped.order_by("id").values())

    answer = call("scout").act(name, places[where], **params)

    answer.assert_refused(403, f"Your capabilities do not include '{name}'")
    assert list(Note.unscoped.order_by("id").values()) == before


@pytest.mark.rule("capabilities.comment-is-no-note")
def test_a_comment_needs_its_own_capability_where_rest_makes_it_as_a_note(world, places):
    give(world, "scout", capability_names=["create_note"])
    parent = world.note("Welcome to the kitchen")
    sent = {"text": "Noted", "commentable_type": "Note", "commentable_id": str(parent.id)}

    Caller(REST, "scout").act("create_note", KITCHEN, **sent).assert_refused(403)

    assert not Note.unscoped.filter(text="Noted").exists()


@pytest.mark.rule("capabilities.none")
@on(MARKDOWN)
@pytest.mark.parametrize("name", GRANTABLE)
def test_an_agent_without_capabilities_is_refused_every_grantable_action(world, call, places, name):
    give(world, "scout", capability_names=[])
    where, params = GRANTABLE[name]

    call("scout").act(name, places[where], **params).assert_refused(403)


@pytest.mark.rule("capabilities.no-row")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("name", ["create_note", "delete_note"])
def test_an_agent_without_a_row_is_refused_every_grantable_action(world, call, places, name):
    scout = call("scout")
    world.agent("scout").delete()
    where, params = GRANTABLE[name]

    scout.act(name, places[where], **params).assert_refused(403)


@pytest.mark.rule("capabilities.absent-means-all")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("name", ["create_note", "delete_note"])
def test_an_agent_from_before_capabilities_were_stored_does_everything_grantable(
    world, call, places, name
):
    give(world, "scout", capability_names=["all"])
    where, params = GRANTABLE[name]

    call("scout").act(name, places[where], **params).assert_done()


@pytest.mark.rule("capabilities.always")
@on(MARKDOWN)
def test_an_agent_without_capabilities_can_update_its_scratchpad(world, call):
    give(world, "scout", capability_names=[])

    call("scout").act("update_scratchpad", content="Mine").assert_done()


# What no agent does, even with the name in its row: where, and with what.
NEVER: dict[str, tuple[str, dict[str, Any]]] = {
    "create_collective": ("", {"name": "Ours", "handle": "ours"}),
    "update_collective_settings": (KITCHEN, {"description": "Ours"}),
    "join_collective": ("/collectives/board", {}),
    "leave_collective": (KITCHEN, {}),
    "create_invite": (KITCHEN, {}),
    "revoke_invite": (KITCHEN, {}),
    "create_ai_agent": ("", {"name": "Ours"}),
    "update_ai_agent": ("/ai-agents/scout", {"name": "Ours"}),
    "deactivate_ai_agent": ("/ai-agents/scout", {}),
    "update_profile": ("/u/scout", {"name": "Ours"}),
    "create_api_token": ("/u/scout", {"scopes": ["read:all"]}),
    "rename_api_token": ("{token}", {"name": "Ours"}),
    "rotate_api_token": ("{token}", {}),
    "delete_api_token": ("{token}", {}),
    "add_ai_agent_to_collective": (KITCHEN, {"ai_agent_id": "pilot"}),
    "remove_ai_agent_from_collective": (KITCHEN, {"ai_agent_id": "steward"}),
    "restore_note": ("{deleted}", {}),
}
# Their pages are closed to agents, and say so before any capability is asked for.
ON_CLOSED_PAGES = ("create_ai_agent", "update_ai_agent", "deactivate_ai_agent")
NEVER_IN_REST = (
    "create_collective update_collective_settings create_ai_agent update_ai_agent"
    " deactivate_ai_agent update_profile create_api_token rename_api_token rotate_api_token"
    " delete_api_token"
).split()


@pytest.mark.rule("capabilities.never")
@pytest.mark.parametrize(
    ("surface", "name"),
    [
        (surface, name)
        for name in NEVER
        for surface in (MARKDOWN, REST)
        if surface == MARKDOWN or name in NEVER_IN_REST
    ],
)
@pytest.mark.parametrize(
    "names", [[*grantable(), *NEVER], ["all"], ["usual"]], ids=["by name", "all", "usual"]
)
def test_actions_for_people_are_refused_to_every_agent(world, call, note_path, name, names):
    give(world, "scout", capability_names=names)
    make_member(world, "scout", is_admin=True)
    make_invite(world, "board", by="carol", only_for="scout")
    token = secret.digest(make_token("alice", agent="scout"))
    note = world.note("Knife care")
    change(note, created_by=world.user("scout"), deleted_at=timezone.now())
    where, params = NEVER[name]
    where = where.format(
        token=f"/u/scout/settings/tokens/{ApiToken.unscoped.get(token_hash=token).id}",
        deleted=note_path("Knife care"),
    )

    scout = call("scout")
    is_page_closed = scout.surface == MARKDOWN and name in ON_CLOSED_PAGES

    answer = scout.act(name, where, **params)

    answer.assert_refused(403, "" if is_page_closed else "Your capabilities do not include '")


@pytest.mark.rule("capabilities.people-unrestricted")
@on(MARKDOWN, REST)
def test_capabilities_in_the_row_of_a_person_are_ignored(world, call):
    Agent.objects.create(user=world.user("bob"), capability_names=[])

    call("bob").act("create_note", KITCHEN, text="From Bob").assert_done()


@pytest.mark.rule("capabilities.public-writes")
@on(MARKDOWN, REST)
@pytest.mark.parametrize(("stored", "may"), [({}, True), ({"may_write_publicly": False}, False)])
def test_an_agent_writes_in_the_main_collective_unless_its_parent_forbids_it(
    world, call, stored, may
):
    give(world, "scout", **stored)
    scout = call("scout")

    assert scout.act("create_note", "", text="To everybody").is_done() is may
    assert scout.act("create_note", "/collectives/garden", text="To all").is_done() is may
    scout.act("create_note", KITCHEN, text="To the kitchen").assert_done()


@pytest.mark.rule("capabilities.at-once")
@on(MARKDOWN, REST)
def test_a_withdrawn_capability_is_refused_from_the_next_request(world, call):
    scout = call("scout")
    scout.act("create_note", KITCHEN, text="One").assert_done()

    give(world, "scout", capability_names=["confirm_read"])

    scout.act("create_note", KITCHEN, text="Two").assert_refused(403)


@pytest.mark.rule("capabilities.read-token-reads")
@on(MARKDOWN, REST)
def test_a_capability_does_not_widen_a_token_that_only_reads(world, call):
    call("scout", scope="read").act("create_note", KITCHEN, text="One").assert_refused(403)
