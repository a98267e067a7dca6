"""Adding agents to collectives and removing them."""

from __future__ import annotations

import json

import pytest

from tests.access.stage import make_chat
from tests.fixtures.rows import (
    BOARD,
    KITCHEN,
    UNKNOWN_ID,
    change,
    end_membership,
    is_member,
    make_member,
    roles,
)
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

ADD, REMOVE = "add_ai_agent_to_collective", "remove_ai_agent_from_collective"


def agent_id(world, handle: str) -> str:
    return str(world.user(handle).id)


@pytest.mark.rule("agents-in.add-own")
@on(HTML, FORM, MARKDOWN)
def test_an_admin_adds_their_own_agent(world, call):
    end_membership(world, "scout")

    call("alice").act(ADD, KITCHEN, ai_agent_id=agent_id(world, "scout")).assert_done()

    assert is_member(world, "scout")
    assert roles(world, "scout") == []


@pytest.mark.rule("agents-in.add-own")
@on(HTML, MARKDOWN)
def test_the_settings_page_adds_an_agent_too(world, call):
    end_membership(world, "scout")
    alice, sent = call("alice"), {"ai_agent_id": agent_id(world, "scout")}
    path = f"{KITCHEN}/settings/actions/{ADD}"

    if alice.surface == HTML:
        alice.client.post(path, sent, headers={"accept": "text/html"})
    else:
        alice.client.post(path, json.dumps(sent), "application/json")

    assert is_member(world, "scout")


@pytest.mark.rule("agents-in.add-only-own")
@on(HTML, FORM, MARKDOWN)
def test_an_admin_does_not_add_the_agent_of_another(world, call):
    answer = call("alice").act(ADD, KITCHEN, ai_agent_id=agent_id(world, "pilot"))

    answer.assert_refused(403)
    assert not is_member(world, "pilot")


@pytest.mark.rule("agents-in.add-by-inviters")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("may", [True, False])
def test_a_member_adds_their_agent_only_where_they_can_invite(world, call, may):
    change(world.collective("kitchen"), all_members_can_invite=may)

    answer = call("bob").act(ADD, KITCHEN, ai_agent_id=agent_id(world, "pilot"))

    assert answer.is_done() is may
    assert is_member(world, "pilot") is may


@pytest.mark.rule("agents-in.add-by-members")
@on(HTML, FORM, MARKDOWN)
def test_a_non_member_adds_no_agent(world, call):
    change(world.collective("board"), all_members_can_invite=True, invite_only=False)

    call("bob").act(ADD, BOARD, ai_agent_id=agent_id(world, "pilot")).assert_refused(403)

    assert not is_member(world, "pilot", "board")


@pytest.mark.rule("agents-in.not-by-agents")
@on(MARKDOWN)
@pytest.mark.parametrize("action", [ADD, REMOVE])
def test_an_agent_adds_and_removes_no_agent(world, call, action):
    make_member(world, "scout", is_admin=True)

    answer = call("scout").act(action, KITCHEN, ai_agent_id=agent_id(world, "steward"))

    answer.assert_refused(403)
    assert is_member(world, "steward")


@pytest.mark.rule("agents-in.not-workspace-or-chat")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize("kind", ["workspace", "chat"])
def test_no_agent_is_added_to_a_workspace_or_a_chat(world, call, kind):
    place = world.workspace("alice") if kind == "workspace" else make_chat(world)
    prefix = "workspace" if kind == "workspace" else "collectives"
    make_member(world, "alice", place.handle, is_admin=True)

    answer = call("alice").act(
        ADD, f"/{prefix}/{place.handle}", ai_agent_id=agent_id(world, "scout")
    )

    answer.assert_refused(403)
    assert not is_member(world, "scout", place.handle)


@pytest.mark.rule("agents-in.unknown")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("action", [ADD, REMOVE])
@pytest.mark.parametrize("handle", ["bob", ""])
def test_people_are_not_found_by_actions_on_agents(world, call, action, handle):
    named = agent_id(world, handle) if handle else UNKNOWN_ID

    call("alice").act(action, KITCHEN, ai_agent_id=named).assert_refused(404)

    assert is_member(world, "bob")


@pytest.mark.rule("agents-in.remove-own")
@on(HTML, FORM, MARKDOWN)
def test_an_admin_removes_their_own_agent(world, call):
    call("alice").act(REMOVE, KITCHEN, ai_agent_id=agent_id(world, "scout")).assert_done()

    assert not is_member(world, "scout")


@pytest.mark.rule("agents-in.remove-own")
@on(HTML, MARKDOWN)
def test_a_plain_member_removes_their_own_agent_by_id(world, call):
    make_member(world, "pilot")

    call("bob").act(REMOVE, KITCHEN, ai_agent_id=agent_id(world, "pilot")).assert_done()

    assert not is_member(world, "pilot")


@pytest.mark.rule("agents-in.remove-only-own")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(("who", "about"), [("bob", "scout"), ("alice", "pilot")])
def test_no_one_removes_the_agent_of_another_as_their_own(world, call, who, about):
    make_member(world, "pilot")

    call(who).act(REMOVE, KITCHEN, ai_agent_id=agent_id(world, about)).assert_refused(403)

    assert is_member(world, about)


@pytest.mark.rule("agents-in.remove-members")
@on(HTML, FORM, MARKDOWN)
def test_an_agent_that_is_no_member_cannot_be_removed(world, call):
    end_membership(world, "scout")

    answer = call("alice").act(REMOVE, KITCHEN, ai_agent_id=agent_id(world, "scout"))

    assert answer.status in (404, 422)


@pytest.mark.rule("agents-in.remove-ends-reading")
def test_a_removed_agent_reads_nothing_of_the_collective(world):
    scout = Caller(MARKDOWN, "scout")
    scout.get(f"{KITCHEN}/").assert_done()

    Caller(HTML, "alice").act(REMOVE, KITCHEN, ai_agent_id=agent_id(world, "scout"))

    scout.get(f"{KITCHEN}/").assert_refused(403)


@pytest.mark.rule("agents-in.agents-leave-not")
@on(MARKDOWN, REST)
def test_an_agent_does_not_leave_by_itself(world, call):
    call("scout").act("leave_collective", KITCHEN).assert_refused(403)

    assert is_member(world, "scout")
