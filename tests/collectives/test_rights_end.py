"""A right ends with its source: what goes with a membership, and who counts as an admin."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import SecurityEvent
from collectives.models import Collective
from tests.fixtures.rows import (
    BOARD,
    KITCHEN,
    change,
    end_membership,
    is_member,
    make_invite,
    make_member,
    member,
    roles,
)
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World, client_with, make_token

USERS = "/tenant-admin/users"
REVOKE = {"role": "admin", "grant": False}


def last_admin(world: World) -> None:
    """Make Bob the only admin of the kitchen, which he did not create."""
    make_member(world, "bob", is_admin=True)
    change(member(world, "alice"), is_admin=False)


# --- Agents leave with their parent ---------------------------------------------------------

ENDINGS = {
    "left": ("bob", "leave_collective", KITCHEN, {}),
    "removed": ("alice", "remove_member", KITCHEN, {"user_handle": "bob"}),
    "removed from the tenant": ("alice", "remove_from_tenant", f"{USERS}/bob", {}),
}


@pytest.mark.rule("rights.agents-leave")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("how", ENDINGS)
def test_agents_leave_a_collective_with_their_parent(world, call, how):
    make_member(world, "pilot", is_admin=True)
    token = client_with(make_token("bob", agent="pilot"))
    assert token.get(f"{KITCHEN}/api/v1/notes").status_code == 200
    who, action, where, params = ENDINGS[how]

    call(who).act(action, where, **params).assert_done()

    assert not is_member(world, "pilot")
    assert member(world, "pilot").roles == []
    assert is_member(world, "scout"), "another person's agent stays"
    assert token.get(f"{KITCHEN}/api/v1/notes").status_code in (401, 403)


@pytest.mark.rule("rights.agents-stay-away")
@on(HTML, MARKDOWN)
def test_agents_do_not_come_back_with_their_parent(world, call):
    make_member(world, "pilot")
    bob = call("bob")
    bob.act("leave_collective", KITCHEN).assert_done()

    bob.act("join_collective", KITCHEN, code=make_invite(world, only_for="bob")).assert_done()

    assert is_member(world, "bob")
    assert not is_member(world, "pilot")


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


# --- Agents in the main collective, and archived agents -------------------------------------


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
    assert is_member(world, "scout", "garden")


@pytest.mark.rule("rights.archived-not-added")
@on(HTML, FORM, MARKDOWN)
def test_an_archived_agent_is_added_nowhere(world, call):
    end_membership(world, "scout")
    Caller(HTML, "alice").act("deactivate_ai_agent", "/ai-agents/scout").assert_done()

    answer = call("alice").act(
        "add_ai_agent_to_collective", KITCHEN, ai_agent_id=str(world.user("scout").id)
    )

    assert not answer.is_done()
    assert not is_member(world, "scout")


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


@pytest.mark.rule("rights.archived-not-changed")
@on(HTML, MARKDOWN)
def test_an_archived_agent_gets_no_role(world, call):
    Caller(HTML, "alice").act("deactivate_ai_agent", "/ai-agents/scout").assert_done()

    answer = call("alice").act(
        "update_member_roles", KITCHEN, user_handle="scout", role="representative", grant=True
    )

    assert not answer.is_done()
    assert member(world, "scout").roles == []


# --- The last admin is the last human who can act -------------------------------------------


@pytest.mark.rule("rights.last-human-admin")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("action", ["leave_collective", "update_member_roles"])
@pytest.mark.parametrize("other", ["scout", "erin", "carol"])
def test_only_a_person_who_can_act_counts_as_another_admin(world, call, action, other):
    last_admin(world)
    make_member(world, other, is_admin=True)  # an agent, a suspended person, or one …
    change(world.person("carol"), archived_at=timezone.now())  # … who left the tenant
    params = {"user_handle": "bob", **REVOKE} if action == "update_member_roles" else {}

    answer = call("bob").act(action, KITCHEN, **params)

    assert not answer.is_done()
    assert roles(world, "bob") == ["admin"]


@pytest.mark.rule("rights.sole-member-admin")
@on(HTML, MARKDOWN)
def test_the_only_member_keeps_the_admin_role(world, call):
    change(world.collective("board"), created_by=world.user("alice"))

    answer = call("carol").act("update_member_roles", BOARD, user_handle="carol", **REVOKE)

    assert not answer.is_done()
    assert "admin" in roles(world, "carol", "board")


@pytest.mark.rule("rights.last-human-tenant-admin")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("other", ["scout", "erin"])
def test_only_a_person_who_can_act_counts_as_another_tenant_admin(world, call, other):
    change(world.person(other), is_admin=True)  # an agent, or a suspended person

    answer = call("alice").act("update_tenant_roles", f"{USERS}/alice", **REVOKE)

    assert not answer.is_done()
    assert world.person("alice").is_admin


# --- Invites --------------------------------------------------------------------------------


# What ends the right of Bob, an admin of the kitchen, to invite people there.
ENDED_RIGHTS = {
    "left": lambda world: Caller(HTML, "bob").act("leave_collective", KITCHEN).assert_done(),
    "removed": lambda world: by_alice("remove_member", user_handle="bob"),
    "no admin": lambda world: by_alice("update_member_roles", user_handle="bob", **REVOKE),
    "suspended": lambda world: world.user("bob").suspend(timezone.now()),
    "only admins": lambda world: change(
        world.collective("kitchen"), all_members_can_invite=False, invite_only=True
    ),
}


def by_alice(action: str, **params: object) -> None:
    Caller(HTML, "alice").act(action, KITCHEN, **params).assert_done()


@pytest.mark.rule("rights.invites-end")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize("how", ENDED_RIGHTS)
def test_invites_end_with_the_right_of_their_maker(world, call, how):
    make_member(world, "bob", is_admin=how != "only admins")
    change(world.collective("kitchen"), all_members_can_invite=how == "only admins")
    code = make_invite(world, by="bob")

    ENDED_RIGHTS[how](world)

    assert not call("carol").act("join_collective", KITCHEN, code=code).is_done()
    assert not is_member(world, "carol")


@pytest.mark.rule("rights.invites-stay-ended")
@pytest.mark.parametrize("how", ["left", "removed", "no admin"])
def test_invites_do_not_come_back_with_the_right_of_their_maker(world, how):
    make_member(world, "bob", is_admin=True)
    code = make_invite(world, by="bob")
    ENDED_RIGHTS[how](world)

    make_member(world, "bob", is_admin=True)

    assert not Caller(HTML, "carol").act("join_collective", KITCHEN, code=code).is_done()
    assert not is_member(world, "carol")


@pytest.mark.rule("rights.removed-not-back")
@on(HTML, FORM, MARKDOWN)
def test_a_removed_person_does_not_come_back_by_an_older_link(world, call):
    older = make_invite(world)
    Caller(HTML, "alice").act("remove_member", KITCHEN, user_handle="bob").assert_done()
    bob = call("bob")

    assert not bob.act("join_collective", KITCHEN, code=older).is_done()
    assert not is_member(world, "bob")

    bob.act("join_collective", KITCHEN, code=make_invite(world, only_for="bob")).assert_done()
    assert is_member(world, "bob")


# --- Leaving the tenant ---------------------------------------------------------------------


@pytest.mark.rule("rights.tenant-ends-workspaces")
@on(HTML, MARKDOWN)
def test_removal_from_the_tenant_archives_the_workspaces_of_person_and_agents(world, call):
    rooms = [world.workspace("bob").pk, world.workspace("pilot").pk]
    kept = world.workspace("scout").pk

    call("alice").act("remove_from_tenant", f"{USERS}/bob").assert_done()

    archived = Collective.unscoped.exclude(archived_at=None).values_list("pk", flat=True)
    assert set(rooms) <= set(archived)
    assert kept not in set(archived)


@pytest.mark.rule("rights.removed-not-appointed")
@on(HTML, MARKDOWN)
def test_a_person_who_was_removed_from_the_tenant_is_made_no_admin(world, call):
    alice = call("alice")
    alice.act("remove_from_tenant", f"{USERS}/bob").assert_done()

    answer = alice.act("update_tenant_roles", f"{USERS}/bob", role="admin", grant=True)

    assert not answer.is_done()
    assert not world.person("bob").is_admin


# --- Agents as tenant admins ----------------------------------------------------------------


@pytest.mark.rule("rights.agent-and-parent-admin")
@pytest.mark.parametrize(
    ("admins", "status"),
    [((), 403), (("bob",), 403), (("pilot",), 403), (("bob", "pilot"), 200)],
)
@pytest.mark.parametrize("path", ["/tenant-admin", f"{USERS}", "/tenant-admin/settings"])
def test_an_agent_opens_the_administration_if_it_and_its_parent_are_admins(
    world, path, admins, status
):
    for handle in admins:
        change(world.person(handle), is_admin=True)

    assert Caller(MARKDOWN, "pilot").get(path).status == status


@pytest.mark.rule("rights.agent-admin-with-parent")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("is_parent_admin", [True, False])
def test_an_agent_is_appointed_only_if_its_parent_is_an_admin(world, call, is_parent_admin):
    change(world.person("bob"), is_admin=is_parent_admin)

    answer = call("alice").act("update_tenant_roles", f"{USERS}/pilot", role="admin", grant=True)

    assert answer.is_done() is is_parent_admin
    assert world.person("pilot").is_admin is is_parent_admin


@pytest.mark.rule("rights.agent-admin-with-parent")
@on(HTML, MARKDOWN)
def test_an_agent_loses_the_role_with_its_parent(world, call):
    for handle in ("bob", "pilot"):
        change(world.person(handle), is_admin=True)

    call("alice").act("update_tenant_roles", f"{USERS}/bob", **REVOKE).assert_done()

    assert not world.person("pilot").is_admin
