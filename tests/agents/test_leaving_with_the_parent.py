"""An agent is a member only of collectives that its parent belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import SecurityEvent, TenantUser, User
from collectives.models import Collective, CollectiveMember
from collectives.rules.members import add_member
from harmonic.kernel.refusals import Forbidden
from tests.fixtures.performing import (
    KITCHEN,
    Perform,
    id_of,
    is_member,
    log_entries_about,
    perform_on,
    refused,
    roles,
    succeeded,
)
from tests.fixtures.rows import make_invite, make_member, member
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World, make_token, token_client
from tests.security.conftest import markdown

pytestmark = pytest.mark.django_db

MEMBERS = f"{KITCHEN}/members/actions"
REMOVE_AGENT = "remove_ai_agent_from_collective"


@pytest.fixture
def pilot_inside(world: World) -> None:
    """Let Bob's agent be a member of the kitchen, which Alice administers."""
    Collective.unscoped.filter(handle="kitchen").update(all_members_can_invite=True)
    answer = perform_on(
        "json", "bob", f"{MEMBERS}/add_ai_agent_to_collective", ai_agent_id=id_of("pilot")
    )
    assert answer.status_code == 200, answer.content
    assert is_member("pilot")


# --- Together -------------------------------------------------------------------------------


def test_agents_of_a_removed_member_leave_at_once(perform: Perform, pilot_inside: None) -> None:
    token = make_token("bob", agent="pilot")
    assert token_client(token).get(KITCHEN).status_code == 200

    assert succeeded(perform("alice", f"{MEMBERS}/remove_member", user_handle="bob"))

    assert not is_member("pilot")
    assert token_client(token).get(KITCHEN).status_code == 403
    assert token_client(token).get(f"{KITCHEN}/api/v1/notes").status_code == 403
    assert is_member("scout")


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_each_agent_that_leaves_has_its_line_in_the_security_log(
    page: Any, pilot_inside: None, who: str
) -> None:
    if who == "alice":
        perform_on("json", "alice", f"{MEMBERS}/remove_member", user_handle="bob")
    else:
        perform_on("json", "bob", f"{MEMBERS}/leave_collective")

    [line] = log_entries_about("pilot", REMOVE_AGENT)
    assert line["reason"] == "parent_left"
    told = "pilot was removed from Kitchen Crew: the person who manages it is no longer a member"
    assert told in markdown(page("bob"), "/settings/security")


def test_an_inactive_agent_leaves_too_and_is_no_member_when_reactivated(
    pilot_inside: None,
) -> None:
    settings = "/ai-agents/pilot/settings/actions"
    perform_on("json", "bob", f"{settings}/deactivate_ai_agent")

    perform_on("json", "alice", f"{MEMBERS}/remove_member", user_handle="bob")
    perform_on("json", "bob", f"{settings}/reactivate_ai_agent")

    assert not is_member("pilot")
    token = make_token("bob", agent="pilot")
    assert token_client(token).get(KITCHEN).status_code == 403


def test_an_agents_roles_end_with_its_membership(pilot_inside: None) -> None:
    roles_path = f"{MEMBERS}/update_member_roles"
    perform_on("json", "alice", roles_path, user_handle="pilot", role="admin", grant=True)
    assert roles("pilot") == ["admin"]

    perform_on("json", "alice", f"{MEMBERS}/remove_member", user_handle="bob")

    assert roles("pilot") == []


def test_removing_an_agent_leaves_its_parent_and_its_other_agents(pilot_inside: None) -> None:
    perform_on("json", "alice", f"{MEMBERS}/remove_member", user_handle="scout")

    assert not is_member("scout")
    assert all(map(is_member, ("alice", "steward", "bob", "pilot")))


# --- What is said of it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "path"),
    [("alice", "remove_member?user_handle=bob"), ("bob", "leave_collective")],
)
def test_the_confirm_page_names_the_agents_that_leave(
    page: Any, pilot_inside: None, who: str, path: str
) -> None:
    shown = page(who).get(f"{MEMBERS}/{path}").content.decode()

    assert "Agents that leave too" in shown
    assert "pilot" in shown
    assert "lose access immediately" in shown


def test_the_answer_names_the_agents_that_left(pilot_inside: None) -> None:
    answer = perform_on("json", "bob", f"{MEMBERS}/leave_collective").json()

    assert answer["notes"] == ["Agents that left at the same time: pilot."]


def test_a_member_without_agents_here_leaves_without_a_note(world: World) -> None:
    answer = perform_on("json", "bob", f"{MEMBERS}/leave_collective").json()

    assert answer["notes"] == []


# --- Adding ---------------------------------------------------------------------------------


def test_a_parent_who_is_not_a_member_cannot_add_an_agent(perform: Perform) -> None:
    answer = perform(
        "bob",
        "/collectives/board/settings/add_ai_agent",
        ai_agent_id=id_of("pilot"),
    )

    assert answer.status_code in {302, 403}
    assert not is_member("pilot", "board")


def test_an_agent_cannot_become_a_member_without_its_parent(world: World, with_tenant: Any) -> None:
    with with_tenant(), pytest.raises(Forbidden, match="of the person who manages it"):
        add_member(world.collective("board"), world.person("scout"), now=world.now)

    assert not is_member("scout", "board")


@pytest.mark.rule("rights.archived-not-added")
def test_an_inactive_agent_cannot_be_added(perform: Perform, world: World) -> None:
    perform_on("json", "alice", "/ai-agents/scout/settings/actions/deactivate_ai_agent")
    CollectiveMember.unscoped.filter(person=world.person("scout")).exclude(
        collective__is_main=True
    ).update(archived_at=world.now)

    answer = perform("alice", f"{MEMBERS}/add_ai_agent_to_collective", ai_agent_id=id_of("scout"))

    assert refused(answer, 403, "This agent is inactive.")
    assert not is_member("scout")


def test_an_inactive_agent_is_offered_nowhere(page: Any, world: World) -> None:
    perform_on("json", "alice", f"{MEMBERS}/{REMOVE_AGENT}", ai_agent_id=id_of("scout"))
    alice = page("alice")
    offer = f'value="{id_of("scout")}"'
    pages = (f"{KITCHEN}/members", f"{KITCHEN}/settings", "/ai-agents/scout/settings")
    assert all(offer in alice.get(path).content.decode() for path in pages)

    perform_on("json", "alice", "/ai-agents/scout/settings/actions/deactivate_ai_agent")

    assert not any(offer in alice.get(path).content.decode() for path in pages)


def test_another_persons_agent_is_neither_added_nor_removed(
    perform: Perform, pilot_inside: None
) -> None:
    for action in ("add_ai_agent_to_collective", REMOVE_AGENT):
        answer = perform("alice", f"{MEMBERS}/{action}", ai_agent_id=id_of("pilot"))
        assert refused(answer, 403, "You can only add your own AI agents.")

    assert is_member("pilot")


def test_removing_an_agent_that_is_no_member_is_refused(perform: Perform) -> None:
    answer = perform("bob", f"{MEMBERS}/{REMOVE_AGENT}", ai_agent_id=id_of("pilot"))

    assert refused(answer, 422, "AI Agent is not a member of this collective.")


# --- The main collective --------------------------------------------------------------------


def test_the_main_collective_gives_the_reason(perform: Perform) -> None:
    path = f"/collectives/garden/members/actions/{REMOVE_AGENT}"

    answer = perform("alice", path, ai_agent_id=id_of("scout"))

    sentence = "Agents cannot be added to or removed from the main collective."
    assert refused(answer, 403, sentence)


def test_new_agents_are_members_of_the_main_collective_only(world: World) -> None:
    perform_on("json", "bob", "/ai-agents/new/actions/create_ai_agent", name="Newcomer")

    rows = CollectiveMember.unscoped.filter(person__handle="newcomer", archived_at=None)
    kinds = rows.values_list("collective__kind", "collective__is_main")
    assert sorted(kinds) == [("private_workspace", False), ("standard", True)]
    assert User.objects.get(name="Newcomer").parent_id == world.user("bob").id
    assert TenantUser.unscoped.get(handle="newcomer").archived_at is None


# --- On every surface -----------------------------------------------------------------------

ENDINGS = {
    "left": ("bob", "leave_collective", KITCHEN, {}),
    "removed": ("alice", "remove_member", KITCHEN, {"user_handle": "bob"}),
    "removed from the tenant": ("alice", "remove_from_tenant", "/tenant-admin/users/bob", {}),
}


@pytest.mark.rule("rights.agents-leave")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("how", ENDINGS)
def test_agents_leave_a_collective_with_their_parent(world, call, how):
    make_member(world, "pilot", is_admin=True)
    token = token_client(make_token("bob", agent="pilot"))
    assert token.get(f"{KITCHEN}/api/v1/notes").status_code == 200
    who, action, where, params = ENDINGS[how]

    call(who).act(action, where, **params).assert_done()

    assert not is_member("pilot")
    assert member(world, "pilot").roles == []
    assert is_member("scout"), "another person's agent stays"
    assert token.get(f"{KITCHEN}/api/v1/notes").status_code in (401, 403)


@pytest.mark.rule("rights.agents-stay-away")
@on(HTML, MARKDOWN, REST)
def test_agents_do_not_come_back_with_their_parent(world, call):
    make_member(world, "pilot")
    bob = call("bob")
    bob.act("leave_collective", KITCHEN).assert_done()

    bob.act("join_collective", KITCHEN, code=make_invite(world, only_for="bob")).assert_done()

    assert is_member("bob")
    assert not is_member("pilot")


@pytest.mark.rule("rights.agents-logged")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("how", ENDINGS)
def test_the_log_has_a_line_for_each_agent_that_left_with_its_parent(world, call, how):
    make_member(world, "pilot")
    who, action, where, params = ENDINGS[how]
    removed = "remove_ai_agent_from_collective"
    lines = SecurityEvent.unscoped.filter(subject=world.user("pilot"), data__action=removed)
    assert lines.count() == 0

    call(who).act(action, where, **params).assert_done()

    assert lines.count() == 1


@pytest.mark.rule("rights.agents-named")
@pytest.mark.parametrize("who", ["bob", "alice"])
def test_the_confirmation_names_the_agents_that_leave(world, who):
    make_member(world, "pilot")
    action = "leave_collective" if who == "bob" else "remove_member?user_handle=bob"

    text = Caller(HTML, who).get(f"{KITCHEN}/members/actions/{action}").assert_done().text

    assert "pilot" in text.lower()


@pytest.mark.rule("rights.main-keeps-agents")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    "action", ["add_ai_agent_to_collective", "remove_ai_agent_from_collective", "remove_member"]
)
def test_the_main_collective_neither_adds_nor_removes_agents(world, call, action):
    make_member(world, "alice", "garden", is_admin=True)
    named = {"user_handle": "scout", "ai_agent_id": str(world.user("scout").id)}
    key = "user_handle" if action == "remove_member" else "ai_agent_id"

    answer = call("alice").act(action, "/collectives/garden", **{key: named[key]})

    answer.assert_refused(403)
    assert is_member("scout", "garden")


@pytest.mark.rule("rights.archived-not-changed")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("action", "where"),
    [("update_ai_agent", "/ai-agents/pilot"), ("update_profile", "/u/pilot")],
)
def test_an_archived_agent_is_changed_by_no_surface(world, call, action, where):
    Caller(HTML, "bob").act("deactivate_ai_agent", "/ai-agents/pilot").assert_done()

    answer = call("bob").act(action, where, name="Captain", new_handle="captain")

    assert not answer.is_done()
    pilot = world.person("pilot")
    assert pilot.display_name != "Captain"
