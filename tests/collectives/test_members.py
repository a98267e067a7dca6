"""Members of a collective: the list, removal, roles and leaving."""

from __future__ import annotations

import re

import pytest

from accounts.models import User
from tests.fixtures.rows import (
    KITCHEN,
    change,
    end_membership,
    is_member,
    make_invite,
    make_member,
    member,
    roles,
)
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World

PLACES_WITHOUT_MEMBERSHIP = ("main", "workspace")


def place(world: World, name: str) -> str:
    """Return the path of a collective where membership is not managed."""
    if name == "main":
        return f"/collectives/{world.tenant().subdomain}"
    return f"/workspace/{world.workspace('alice').handle}"


# --- Who reads ------------------------------------------------------------------------------


@pytest.mark.rule("members.read")
@on(HTML, MARKDOWN)
def test_members_read_the_list_of_members(call):
    assert "Bob" in call("bob").get(f"{KITCHEN}/members").assert_done().text


@pytest.mark.rule("members.read")
def test_members_read_the_list_of_members_in_rest(world):
    listed = Caller(REST, "bob").get("/api/v1/collectives/kitchen/members").assert_done().json

    assert {"alice", "bob", "scout"} <= {each["handle"] for each in listed}


@pytest.mark.rule("members.shown-with-roles")
@on(HTML, MARKDOWN, REST)
def test_the_list_shows_who_is_an_agent_and_who_has_which_role(world, call, surface):
    make_member(world, "bob", is_representative=True)
    path = "/api/v1/collectives/kitchen/members" if surface == REST else f"{KITCHEN}/members"

    answer = call("bob").get(path).assert_done()

    if surface == REST:
        rows = {each["handle"]: (each["user_type"], each["roles"]) for each in answer.json}
    else:
        rows = {handle: shown_row(answer.text, handle) for handle in ("alice", "bob", "scout")}
    assert rows["alice"] == ("human", ["admin", "representative"])
    assert rows["bob"] == ("human", ["representative"])
    assert rows["scout"] == ("ai_agent", [])


def shown_row(text: str, handle: str) -> tuple[str, list[str]]:
    """Return the type and the roles in a person's row of the table of members."""
    start = re.search(rf"<code[^>]*>@?{handle}</code>|`@?{handle}`", text)
    assert start, text
    row = text[start.end() :].partition("</tr>" if "</tr>" in text else "\n")[0]
    kind = "ai_agent" if re.search(r"AI agent|ai_agent", row) else "human"
    return kind, [role for role in ("admin", "representative") if role in row]


@pytest.mark.rule("members.read-not-outsider")
@pytest.mark.parametrize(
    ("surface", "path", "status"),
    [
        (HTML, f"{KITCHEN}/members", 302),
        (MARKDOWN, f"{KITCHEN}/members", 403),
        (REST, "/api/v1/collectives/kitchen/members", 404),
    ],
)
def test_a_non_member_cannot_read_the_list_of_members(world, surface, path, status):
    answer = Caller(surface, "carol").get(path).assert_refused(status)

    assert "Bob" not in answer.text


@pytest.mark.rule("members.ended-not-listed")
@pytest.mark.parametrize(
    ("surface", "path"),
    [
        (HTML, f"{KITCHEN}/members"),
        (MARKDOWN, f"{KITCHEN}/members"),
        (REST, "/api/v1/collectives/kitchen/members"),
    ],
)
def test_a_former_member_is_not_listed(world, surface, path):
    alice = Caller(surface, "alice")
    assert "Erin" in alice.get(path).assert_done().text

    end_membership(world, "erin")

    assert "Erin" not in alice.get(path).assert_done().text


# What a member may read: the page or address, and the status for anybody else.
READING = [
    (HTML, f"{KITCHEN}/", 302),
    (HTML, "{note}", 302),
    (HTML, f"{KITCHEN}/members", 302),
    (MARKDOWN, f"{KITCHEN}/", 403),
    (MARKDOWN, "{note}", 403),
    (MARKDOWN, f"{KITCHEN}/members", 403),
    (REST, f"{KITCHEN}/api/v1/notes", 403),
    (REST, f"{KITCHEN}/api/v1/notes/{{id}}", 403),
    (REST, "/api/v1/collectives/kitchen", 404),
    (REST, "/api/v1/collectives/kitchen/members", 404),
]


@pytest.mark.rule("members.ended-reads-nothing")
@pytest.mark.parametrize(("surface", "path", "status"), READING)
def test_a_former_member_cannot_read_the_collective(world, note_path, surface, path, status):
    bob = Caller(surface, "bob")
    path = path.format(
        note=note_path("Welcome to the kitchen"),
        id=world.note("Welcome to the kitchen").truncated_id,
    )
    bob.get(path).assert_done()

    end_membership(world, "bob")

    assert "Welcome to the kitchen" not in bob.get(path).assert_refused(status).text


@pytest.mark.rule("members.ended-reads-nothing")
@pytest.mark.parametrize("path", ["/api/v1/notes?scope=all", "/api/v1/notes?collective=kitchen"])
def test_a_former_member_finds_no_notes_across_collectives(world, path):
    bob = Caller(REST, "bob")
    kitchen = str(world.collective("kitchen").id)
    assert kitchen in {each["collective_id"] for each in bob.get(path).json}

    end_membership(world, "bob")

    assert kitchen not in {each["collective_id"] for each in bob.get(path).json}


@pytest.mark.rule("members.ended-writes-nothing")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("action", "title", "params"),
    [
        ("create_note", "", {"text": "Still here"}),
        ("update_note", "Knife care", {"text": "Still mine"}),
        ("delete_note", "Knife care", {}),
        ("add_comment", "Welcome to the kitchen", {"text": "Still talking"}),
        ("confirm_read", "Welcome to the kitchen", {}),
    ],
)
def test_a_former_member_cannot_write(world, call, note_path, action, title, params):
    bob = call("bob")
    end_membership(world, "bob")

    bob.act(action, note_path(title) if title else KITCHEN, **params).assert_refused(403)


@pytest.mark.rule("members.ended-has-no-role")
@on(HTML, MARKDOWN, REST)
def test_a_former_admin_cannot_change_settings(world, call):
    make_member(world, "bob", is_admin=True)
    bob = call("bob")
    end_membership(world, "bob")

    answer = bob.act("update_collective_settings", KITCHEN, description="Mine")

    answer.assert_refused(404 if answer.surface == REST else 403)
    assert world.collective("kitchen").description != "Mine"


@pytest.mark.rule("members.ended-has-no-role")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("remove_member", {"user_handle": "erin"}),
        ("update_member_roles", {"user_handle": "erin", "role": "admin", "grant": True}),
        ("create_invite", {}),
    ],
)
def test_a_former_admin_cannot_manage_members(world, call, action, params):
    make_member(world, "bob", is_admin=True)
    bob = call("bob")
    end_membership(world, "bob")

    bob.act(action, KITCHEN, **params).assert_refused(403)

    assert is_member(world, "erin")
    assert roles(world, "erin") == []


# --- Removing -------------------------------------------------------------------------------


@pytest.mark.rule("members.remove-admin")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("handle", ["bob", "@bob"])
def test_an_admin_removes_a_member(world, call, handle):
    call("alice").act("remove_member", KITCHEN, user_handle=handle).assert_done()

    assert not is_member(world, "bob")


@pytest.mark.rule("members.remove-only-admin")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("held", [{}, {"is_representative": True}])
def test_a_member_without_the_admin_role_cannot_remove_others(world, call, held):
    make_member(world, "bob", **held)

    call("bob").act("remove_member", KITCHEN, user_handle="erin").assert_refused(403)

    assert is_member(world, "erin")


@pytest.mark.rule("members.remove-only-admin")
@on(HTML, MARKDOWN)
def test_a_tenant_admin_without_the_collective_role_cannot_remove_members(world, call):
    make_member(world, "bob", "treasury")

    call("alice").act("remove_member", "/collectives/treasury", user_handle="bob").assert_refused(
        403
    )

    assert is_member(world, "bob", "treasury")


@pytest.mark.rule("members.remove-only-admin")
@on(HTML, MARKDOWN)
def test_a_non_member_cannot_remove_members(world, call):
    call("carol").act("remove_member", KITCHEN, user_handle="bob").assert_refused(403)

    assert is_member(world, "bob")


@pytest.mark.rule("members.remove-own-agent")
@on(HTML, MARKDOWN)
def test_a_plain_member_removes_their_own_agent(world, call):
    make_member(world, "pilot")

    call("bob").act("remove_member", KITCHEN, user_handle="pilot").assert_done()

    assert not is_member(world, "pilot")


@pytest.mark.rule("members.remove-own-agent")
@on(HTML, MARKDOWN)
def test_a_plain_member_does_not_remove_the_agent_of_another(world, call):
    call("bob").act("remove_member", KITCHEN, user_handle="scout").assert_refused(403)

    assert is_member(world, "scout")


@pytest.mark.rule("members.remove-unknown")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("handle", ["bob", "carol", "nobody-of-this-name"])
def test_removing_a_non_member_is_not_found(world, call, handle):
    end_membership(world, "bob")

    call("alice").act("remove_member", KITCHEN, user_handle=handle).assert_refused(404)


@pytest.mark.rule("members.removal-ends-roles")
@on(HTML, MARKDOWN)
def test_a_removed_admin_who_is_invited_again_has_no_role(world, call):
    make_member(world, "bob", is_admin=True, is_representative=True)
    call("alice").act("remove_member", KITCHEN, user_handle="bob").assert_done()

    code = make_invite(world, only_for="bob")
    call("bob").act("join_collective", KITCHEN, code=code).assert_done()

    assert roles(world, "bob") == []


@pytest.mark.rule("members.remove-not-main-or-workspace")
@on(HTML, MARKDOWN)
def test_removing_members_of_the_main_collective_is_refused(world, call):
    make_member(world, "alice", "garden", is_admin=True)

    answer = call("alice").act("remove_member", "/collectives/garden", user_handle="bob")

    answer.assert_refused(403)
    assert is_member(world, "bob", "garden")


@pytest.mark.rule("members.remove-not-main-or-workspace")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("handle", ["alice", "bob"])
def test_removing_the_owner_of_a_workspace_is_refused(world, call, handle):
    room = world.workspace("alice").handle
    make_member(world, "bob", room)

    answer = call("alice").act("remove_member", f"/workspace/{room}", user_handle=handle)

    answer.assert_refused(403)
    assert is_member(world, handle, room)


# --- Roles ----------------------------------------------------------------------------------


@pytest.mark.rule("roles.admin-grants")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("role", ["admin", "representative"])
def test_an_admin_grants_and_removes_a_role(world, call, role):
    alice = call("alice")

    for grant, held in ((True, [role]), (True, [role]), (False, []), (False, [])):
        alice.act("update_member_roles", KITCHEN, user_handle="bob", role=role, grant=grant)
        assert roles(world, "bob") == held


@pytest.mark.rule("roles.only-admin-grants")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("held", [{}, {"is_representative": True}])
@pytest.mark.parametrize("about", ["bob", "erin"])
def test_a_member_without_the_admin_role_cannot_grant_roles(world, call, held, about):
    make_member(world, "bob", **held)
    before = roles(world, about)

    answer = call("bob").act(
        "update_member_roles", KITCHEN, user_handle=about, role="admin", grant=True
    )

    answer.assert_refused(403)
    assert roles(world, about) == before


@pytest.mark.rule("roles.only-admin-grants")
@on(HTML, MARKDOWN)
def test_a_member_without_the_admin_role_cannot_remove_roles(world, call):
    make_member(world, "erin", is_representative=True)

    answer = call("bob").act(
        "update_member_roles", KITCHEN, user_handle="erin", role="representative", grant=False
    )

    answer.assert_refused(403)
    assert roles(world, "erin") == ["representative"]


@pytest.mark.rule("roles.known-only")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("role", ["owner", "default", "", "Admin "])
def test_a_role_that_does_not_exist_is_refused(world, call, role):
    answer = call("alice").act(
        "update_member_roles", KITCHEN, user_handle="bob", role=role, grant=True
    )

    if role.strip().lower() != "admin":
        answer.assert_invalid()
        assert roles(world, "bob") == []


@pytest.mark.rule("roles.members-only")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("handle", ["bob", "carol"])
def test_granting_a_role_to_a_non_member_is_refused(world, call, handle):
    end_membership(world, "bob")

    answer = call("alice").act(
        "update_member_roles", KITCHEN, user_handle=handle, role="admin", grant=True
    )

    answer.assert_refused(404)
    assert not is_member(world, handle)
    assert member(world, "bob").roles == []


@pytest.mark.rule("roles.creator-keeps-admin")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("by", ["alice", "bob"])
def test_the_creator_keeps_the_admin_role(world, call, by):
    make_member(world, "bob", is_admin=True)

    answer = call(by).act(
        "update_member_roles", KITCHEN, user_handle="alice", role="admin", grant=False
    )

    assert not answer.is_done()
    assert "admin" in roles(world, "alice")


def last_admin(world: World) -> None:
    """Make Bob the only admin of the kitchen, which he did not create."""
    make_member(world, "bob", is_admin=True)
    change(member(world, "alice"), is_admin=False)


@pytest.mark.rule("roles.last-admin-stays")
@on(HTML, MARKDOWN)
def test_an_admin_can_give_up_the_role_if_another_admin_remains(world, call):
    make_member(world, "bob", is_admin=True)

    answer = call("bob").act(
        "update_member_roles", KITCHEN, user_handle="bob", role="admin", grant=False
    )

    answer.assert_done()
    assert roles(world, "bob") == []


@pytest.mark.rule("roles.not-main-or-workspace")
@on(HTML, MARKDOWN)
def test_roles_in_the_main_collective_cannot_be_changed(world, call):
    make_member(world, "alice", "garden", is_admin=True)

    answer = call("alice").act(
        "update_member_roles", "/collectives/garden", user_handle="bob", role="admin", grant=True
    )

    answer.assert_refused(403)
    assert roles(world, "bob", "garden") == []


@pytest.mark.rule("roles.not-main-or-workspace")
@on(HTML, MARKDOWN)
def test_roles_in_a_workspace_cannot_be_changed(world, call):
    answer = call("alice").act(
        "update_member_roles",
        place(world, "workspace"),
        user_handle="alice",
        role="representative",
        grant=True,
    )

    answer.assert_refused(403)


# --- Leaving --------------------------------------------------------------------------------


@pytest.mark.rule("members.leave")
@on(HTML, MARKDOWN, REST)
def test_a_member_leaves(world, call):
    call("bob").act("leave_collective", KITCHEN).assert_done()

    assert not is_member(world, "bob")


@pytest.mark.rule("members.leave")
@on(HTML, MARKDOWN, REST)
def test_a_non_member_cannot_leave(world, call):
    call("carol").act("leave_collective", KITCHEN).assert_refused(403)


@pytest.mark.rule("members.leaving-ends-roles")
@on(HTML, MARKDOWN, REST)
def test_an_admin_who_left_and_is_invited_again_has_no_role(world, call):
    make_member(world, "bob", is_admin=True, is_representative=True)
    bob = call("bob")
    bob.act("leave_collective", KITCHEN).assert_done()

    bob.act("join_collective", KITCHEN, code=make_invite(world, only_for="bob")).assert_done()

    assert roles(world, "bob") == []


@pytest.mark.rule("members.sole-leaves")
@on(HTML, MARKDOWN, REST)
def test_the_last_admin_leaves_when_only_former_members_remain(world, call):
    make_member(world, "bob", "board")
    end_membership(world, "bob", "board")

    call("carol").act("leave_collective", "/collectives/board").assert_done()

    assert not is_member(world, "carol", "board")


@pytest.mark.rule("members.last-admin-not-ended")
@on(HTML, MARKDOWN, REST)
def test_a_former_admin_does_not_count_as_another_admin(world, call):
    make_member(world, "erin", is_admin=True)
    User.objects.filter(pk=world.user("erin").pk).update(suspended_at=None)
    last_admin(world)
    end_membership(world, "erin")

    assert not call("bob").act("leave_collective", KITCHEN).is_done()

    assert is_member(world, "bob")


@pytest.mark.rule("members.workspace-owner-alone")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_a_workspace_is_not_found_by_other_people(world, call, who):
    answer = call(who).get(f"/workspace/{world.workspace('alice').handle}")

    answer.assert_refused(404)


@pytest.mark.rule("members.workspace-owner-alone")
def test_a_workspace_is_not_found_by_other_people_in_rest(world):
    handle = world.workspace("bob").handle

    Caller(REST, "alice").get(f"/workspace/{handle}/api/v1/notes").assert_refused(404)
    Caller(REST, "bob").get(f"/workspace/{handle}/api/v1/notes").assert_done()


@pytest.mark.rule("members.workspace-unlisted")
@pytest.mark.parametrize(
    ("surface", "path"),
    [(HTML, "/collectives"), (MARKDOWN, "/collectives"), (REST, "/api/v1/collectives")],
)
def test_a_workspace_is_not_listed(world, surface, path):
    text = Caller(surface, "bob").get(path).assert_done().text

    assert "Kitchen Crew" in text
    assert f"/workspace/{world.workspace('bob').handle}" not in text


@pytest.mark.rule("members.own-collectives-listed")
@pytest.mark.parametrize(
    ("surface", "path"),
    [(HTML, "/collectives"), (MARKDOWN, "/collectives"), (REST, "/api/v1/collectives")],
)
def test_only_the_callers_collectives_are_listed(world, surface, path):
    bob = Caller(surface, "bob")
    text = bob.get(path).assert_done().text
    assert "Kitchen Crew" in text
    assert "Board Room" not in text

    end_membership(world, "bob")

    assert "Kitchen Crew" not in bob.get(path).text
