"""Removal from a tenant removes the member's agents as well, and nothing returns by itself."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import TenantUser
from accounts.queries import agents_of
from collectives.models import CollectiveMember
from collectives.rules.tenants import unarchive_person
from tests.fixtures.performing import id_of, is_member, log_entries_about, perform_on, refused
from tests.fixtures.world import World, make_token, token_client
from tests.security.conftest import markdown

pytestmark = pytest.mark.django_db

USERS = "/tenant-admin/users"
SURFACES = pytest.mark.parametrize("surface", ["html", "markdown", "json"])


def remove(surface: str = "json", who: str = "bob", by: str = "alice") -> Any:
    return perform_on(surface, by, f"{USERS}/{who}/actions/remove_from_tenant")


def row(handle: str) -> TenantUser:
    return TenantUser.unscoped.select_related("user").get(tenant__subdomain="garden", handle=handle)


@pytest.fixture
def pilot_in_the_kitchen(world: World) -> None:
    place = world.collective("kitchen")
    CollectiveMember.unscoped.bulk_create(
        [
            CollectiveMember(
                tenant_id=place.tenant_id,
                collective=place,
                person=world.person("pilot"),
                created_at=world.now,
            )
        ]
    )


# --- Removing -------------------------------------------------------------------------------


@SURFACES
def test_person_and_agents_are_archived_with_their_workspaces(world: World, surface: str) -> None:
    assert remove(surface).status_code in {200, 303}

    assert row("bob").archived_at
    assert row("pilot").archived_at
    assert world.workspace("bob").archived_at
    assert world.workspace("pilot").archived_at
    assert world.workspace("alice").archived_at is None
    assert row("scout").archived_at is None


@SURFACES
def test_person_and_agents_leave_every_collective(
    world: World, pilot_in_the_kitchen: None, surface: str
) -> None:
    remove(surface)

    assert not is_member("bob")
    assert not is_member("pilot")
    assert all(map(is_member, ("alice", "scout", "steward")))


def test_their_tokens_end(world: World) -> None:
    tokens = [make_token("bob"), make_token("bob", agent="pilot")]

    remove()

    assert [token_client(each).get("/whoami").status_code for each in tokens] == [401, 401]


def test_each_agent_has_its_lines_in_the_security_log(
    page: Any, world: World, pilot_in_the_kitchen: None
) -> None:
    remove()

    [left] = log_entries_about("pilot", "remove_ai_agent_from_collective")
    assert left["reason"] == "parent_left"
    assert len(log_entries_about("pilot", "deactivate_ai_agent")) == 1
    told = markdown(page("alice"), "/tenant-admin/security")
    assert (
        "pilot was removed from Kitchen Crew: the person who manages it is no longer a member"
        in told
    )
    assert "The agent pilot was deactivated" in told


def test_the_confirm_page_and_the_answer_name_the_agents(page: Any, world: World) -> None:
    shown = page("alice").get(f"{USERS}/bob/actions/remove_from_tenant").content.decode()
    assert "Their agents" in shown
    assert "pilot" in shown
    assert "leave every collective" in shown

    assert remove().json()["notes"] == ["Agents deactivated at the same time: pilot."]


def test_the_confirm_page_names_collectives_left_without_an_admin(page: Any, world: World) -> None:
    alice = page("alice")
    told = "Collectives left without an admin"

    of_carol = alice.get(f"{USERS}/carol/actions/remove_from_tenant").content.decode()
    of_bob = alice.get(f"{USERS}/bob/actions/remove_from_tenant").content.decode()

    # Carol also administers the board, where she is alone.
    assert told in of_carol
    assert "Treasury" in of_carol
    assert "Board Room" not in of_carol
    assert told not in of_bob


def test_an_agent_removed_by_an_admin_leaves_its_collectives(world: World) -> None:
    remove(who="scout")

    assert row("scout").archived_at
    assert not is_member("scout")
    assert row("alice").archived_at is None


def test_nothing_comes_back_by_itself(
    world: World, with_tenant: Any, pilot_in_the_kitchen: None
) -> None:
    remove()

    with with_tenant():
        unarchive_person(row("bob"))

    assert world.workspace("bob").archived_at is None
    assert is_member("bob", "garden")
    assert not is_member("bob")
    assert row("pilot").archived_at
    # The person can reactivate the agent, which is then only where its parent is.
    perform_on("json", "bob", "/ai-agents/pilot/settings/actions/reactivate_ai_agent")
    assert row("pilot").archived_at is None
    assert world.workspace("pilot").archived_at is None
    assert not is_member("pilot")


def test_removal_is_offered_for_other_active_members(page: Any, world: World) -> None:
    alice, offer = page("alice"), "actions/remove_from_tenant"
    assert offer in alice.get(f"{USERS}/bob").content.decode()
    assert offer not in alice.get(f"{USERS}/alice").content.decode()

    remove()

    assert offer not in alice.get(f"{USERS}/bob").content.decode()


def test_a_second_removal_changes_nothing(world: World) -> None:
    remove()
    before = row("bob").archived_at

    assert remove().status_code == 200
    assert row("bob").archived_at == before


@SURFACES
def test_admins_cannot_remove_themselves(world: World, surface: str) -> None:
    answer = remove(surface, who="alice")

    assert refused(answer, 403, "You cannot remove yourself.")
    assert row("alice").archived_at is None


@SURFACES
def test_the_account_of_a_collective_is_not_removed(world: World, surface: str) -> None:
    answer = remove(surface, who="kitchen")

    assert refused(answer, 403, "This account belongs to a collective.")
    assert row("kitchen").archived_at is None


# --- Afterwards -----------------------------------------------------------------------------


def make_admin(surface: str, handle: str) -> Any:
    path = f"{USERS}/{handle}/actions/update_tenant_roles"
    return perform_on(surface, "alice", path, role="admin", grant=True)


@SURFACES
def test_a_removed_member_cannot_become_a_tenant_admin(world: World, surface: str) -> None:
    remove()

    answer = make_admin(surface, "bob")

    assert refused(answer, 403, "Bob is no longer in this tenant.")
    assert not row("bob").is_admin


def test_the_role_is_not_offered_for_a_removed_member(page: Any, world: World) -> None:
    assert "Make admin" in page("alice").get(f"{USERS}/bob").content.decode()

    remove()

    shown = page("alice").get(f"{USERS}/bob").content.decode()
    assert "Make admin" not in shown
    assert "Removed" in shown


@SURFACES
def test_a_removed_member_gets_no_role_in_a_collective(world: World, surface: str) -> None:
    remove()

    path = "/collectives/kitchen/members/actions/update_member_roles"
    answer = perform_on(surface, "alice", path, user_handle="bob", role="admin", grant=True)

    assert refused(answer, 404, "Member not found")


def test_a_removed_admin_returns_without_the_role(world: World, with_tenant: Any) -> None:
    make_admin("json", "bob")
    remove()

    with with_tenant():
        unarchive_person(row("bob"))

    assert not row("bob").is_admin


def test_agents_of_a_removed_member_still_show_their_parent(world: World, with_tenant: Any) -> None:
    remove()

    with with_tenant():
        assert [each.handle for each in agents_of(world.user("bob").id)] == ["pilot"]
    assert id_of("pilot")
