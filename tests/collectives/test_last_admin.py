"""A collective keeps at least one admin who is human, active and not suspended."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from collectives.models import Collective, CollectiveMember
from tests.fixtures.performing import (
    KITCHEN,
    Perform,
    is_member,
    make_collective_admin,
    perform_on,
    refused,
    roles,
    succeeded,
)
from tests.fixtures.world import World
from tests.security.conftest import markdown

pytestmark = pytest.mark.django_db

MEMBERS = f"{KITCHEN}/members/actions"
LEAVE = f"{MEMBERS}/leave_collective"
ROLES = f"{MEMBERS}/update_member_roles"
CANNOT_LEAVE = "The last admin cannot leave while others remain."
CANNOT_LOSE = "You cannot remove the admin role from the last admin."


@pytest.fixture
def made_by_somebody_gone() -> None:
    """Remove the creator of the kitchen, whose admin role cannot be removed."""
    Collective.unscoped.filter(handle="kitchen").update(created_by=None)


def take_admin(handle: str) -> dict[str, Any]:
    return {"user_handle": handle, "role": "admin", "grant": False}


# --- Who counts -----------------------------------------------------------------------------


@pytest.mark.rule("members.last-admin-stays")
def test_the_last_admin_cannot_leave_while_others_remain(perform: Perform) -> None:
    assert refused(perform("alice", LEAVE), 403, CANNOT_LEAVE)
    assert is_member("alice")


@pytest.mark.rule("members.last-admin-stays")
def test_an_admin_leaves_when_another_human_is_admin(perform: Perform) -> None:
    make_collective_admin("bob")

    assert succeeded(perform("alice", LEAVE))
    assert not is_member("alice")


@pytest.mark.rule("rights.last-human-admin")
@pytest.mark.parametrize("who", ["scout", "erin"])
def test_agents_and_suspended_people_do_not_count_as_admins(perform: Perform, who: str) -> None:
    make_collective_admin(who)

    assert refused(perform("alice", LEAVE), 403, CANNOT_LEAVE)
    assert is_member("alice")


@pytest.mark.rule("rights.last-human-admin")
def test_an_admin_removed_from_the_tenant_does_not_count(perform: Perform, world: World) -> None:
    make_collective_admin("bob")
    person = world.person("bob")
    person.archived_at = timezone.now()
    type(person).unscoped.filter(id=person.id).update(archived_at=person.archived_at)

    assert refused(perform("alice", LEAVE), 403, CANNOT_LEAVE)


@pytest.mark.rule("rights.last-human-admin")
@pytest.mark.rule("roles.last-admin-stays")
@pytest.mark.parametrize("other", ["", "scout", "erin"])
def test_the_last_admin_cannot_lose_the_role(
    perform: Perform, made_by_somebody_gone: None, other: str
) -> None:
    if other:
        make_collective_admin(other)

    assert refused(perform("alice", ROLES, **take_admin("alice")), 403, CANNOT_LOSE)
    assert "admin" in roles("alice")


@pytest.mark.rule("rights.sole-member-admin")
def test_a_sole_remaining_member_keeps_the_role(
    perform: Perform, made_by_somebody_gone: None
) -> None:
    rows = CollectiveMember.unscoped.filter(collective__handle="kitchen")
    rows.exclude(person__handle="alice").update(archived_at=timezone.now())

    assert refused(perform("alice", ROLES, **take_admin("alice")), 403, CANNOT_LOSE)
    assert "admin" in roles("alice")


@pytest.mark.rule("roles.last-admin-stays")
def test_a_role_is_taken_from_an_admin_who_is_not_the_last(
    perform: Perform, made_by_somebody_gone: None
) -> None:
    make_collective_admin("bob")

    assert succeeded(perform("bob", ROLES, **take_admin("alice")))
    assert roles("alice") == ["representative"]


@pytest.mark.rule("roles.creator-keeps-admin")
def test_the_creator_keeps_the_role(perform: Perform) -> None:
    make_collective_admin("bob")

    answer = perform("bob", ROLES, **take_admin("alice"))

    assert refused(answer, 403, "The creator of a collective stays its admin.")
    assert "admin" in roles("alice")


# --- What leaves with the last admin --------------------------------------------------------


def test_the_last_person_can_leave_together_with_their_agents(perform: Perform) -> None:
    rows = CollectiveMember.unscoped.filter(collective__handle="kitchen")
    rows.exclude(person__handle__in=["alice", "scout"]).update(archived_at=timezone.now())

    assert succeeded(perform("alice", LEAVE))
    assert not is_member("alice")
    assert not is_member("scout")


def test_leaving_ends_the_roles(perform: Perform) -> None:
    make_collective_admin("bob")

    assert succeeded(perform("alice", LEAVE))
    assert roles("alice") == []


# --- Who cannot leave or be removed ---------------------------------------------------------


@pytest.mark.rule("members.remove-not-creator")
def test_removing_the_creator_is_refused(perform: Perform) -> None:
    make_collective_admin("bob")

    answer = perform("bob", f"{MEMBERS}/remove_member", user_handle="alice")

    assert refused(answer, 403, "The creator of a collective cannot be removed.")
    assert is_member("alice")


@pytest.mark.rule("members.remove-not-oneself")
def test_removing_oneself_is_refused(perform: Perform) -> None:
    make_collective_admin("bob")

    answer = perform("bob", f"{MEMBERS}/remove_member", user_handle="@bob")

    assert refused(answer, 403, "You cannot remove yourself. Leave the collective instead.")
    assert is_member("bob")


@pytest.mark.rule("members.leave-not-main-or-workspace")
@pytest.mark.parametrize("place", ["/collectives/garden", "/workspace/{room}"])
def test_leaving_the_main_collective_or_a_workspace_is_refused(
    perform: Perform, world: World, place: str
) -> None:
    place = place.format(room=world.workspace("alice").handle)

    answer = perform("alice", f"{place}/members/actions/leave_collective")

    assert refused(answer, 403, "You cannot leave this collective.")
    assert is_member("alice", place.rpartition("/")[2])


@pytest.mark.rule("rights.archived-not-changed")
def test_an_inactive_agent_cannot_get_a_role(perform: Perform) -> None:
    perform_on("json", "alice", "/ai-agents/scout/settings/actions/deactivate_ai_agent")

    answer = perform("alice", ROLES, user_handle="scout", role="representative", grant=True)

    assert refused(answer, 403, "This agent is inactive.")
    assert roles("scout") == []


# --- Who is named ---------------------------------------------------------------------------


def test_a_refusal_names_only_admins_who_can_act(page: Any) -> None:
    make_collective_admin("scout")
    make_collective_admin("erin")

    shown = page("bob").get(f"{KITCHEN}/settings").content.decode()

    assert "Ask an admin of the collective: @alice." in shown


def test_a_refusal_says_when_there_is_no_admin_who_can_act(page: Any, api: Any) -> None:
    CollectiveMember.unscoped.filter(person__handle="alice").update(is_admin=False)

    shown = page("bob").get(f"{KITCHEN}/settings").content.decode()

    assert "Ask an admin of the collective. There is none at the moment." in shown
    assert "nobody" not in shown


def test_the_main_collective_names_the_tenant_admins(page: Any, api: Any) -> None:
    answer = page("bob").get("/collectives/garden/settings")
    shown = answer.content.decode()

    assert answer.status_code == 403
    assert "/tenant-admin/settings: @alice." in shown
    assert "nobody" not in shown
    assert 'href="/members"' not in shown
    assert "](/members)" not in api("bob").get("/collectives/garden/settings").content.decode()


def test_the_security_log_says_who_left(page: Any) -> None:
    perform_on("json", "bob", LEAVE)

    assert "Left Kitchen Crew" in markdown(page("bob"), "/settings/security")
