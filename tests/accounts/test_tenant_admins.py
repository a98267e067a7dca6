"""Tenant admins: holding, granting and withdrawing the role."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import TenantUser
from tests.fixtures.performing import log_entries_about, perform_on, refused
from tests.fixtures.world import World
from tests.security.conftest import markdown

pytestmark = pytest.mark.django_db

USERS = "/tenant-admin/users"
LAST = "You cannot remove the last admin of a tenant."
BOTH = "AI agent admin access requires both AI agent and parent to be admins"
SURFACES = pytest.mark.parametrize("surface", ["html", "markdown", "json"])


def set_role(handle: str, *, grant: bool, surface: str = "json", by: str = "alice") -> Any:
    path = f"{USERS}/{handle}/actions/update_tenant_roles"
    return perform_on(surface, by, path, role="admin", grant=grant)


def is_admin(handle: str) -> bool:
    return TenantUser.unscoped.get(tenant__subdomain="garden", handle=handle).is_admin


def mark_admin(handle: str) -> None:
    rows = TenantUser.unscoped.filter(tenant__subdomain="garden", handle=handle)
    assert rows.update(is_admin=True) == 1


# --- People ---------------------------------------------------------------------------------


@SURFACES
def test_an_admin_makes_and_unmakes_an_admin(world: World, surface: str) -> None:
    assert set_role("bob", grant=True, surface=surface).status_code in {200, 303}
    assert is_admin("bob")

    assert set_role("alice", grant=False, surface=surface, by="bob").status_code in {200, 303}
    assert not is_admin("alice")


@SURFACES
def test_nobody_else_does(world: World, surface: str) -> None:
    answer = set_role("bob", grant=True, surface=surface, by="bob")

    assert answer.status_code == 403
    assert not is_admin("bob")


@SURFACES
@pytest.mark.parametrize("other", ["", "scout", "erin", "removed"])
def test_the_last_admin_who_can_act_keeps_the_role(world: World, surface: str, other: str) -> None:
    if other == "removed":
        mark_admin("carol")
        TenantUser.unscoped.filter(handle="carol").update(archived_at=timezone.now())
    elif other:
        mark_admin(other)

    assert refused(set_role("alice", grant=False, surface=surface), 403, LAST)
    assert is_admin("alice")


def test_refusals_name_only_admins_who_can_act(page: Any, world: World) -> None:
    mark_admin("erin")
    mark_admin("scout")

    shown = page("bob").get("/tenant-admin").content.decode()

    assert "Ask a tenant admin to do it: @alice." in shown


def test_the_dashboard_shows_everybody_with_the_role(page: Any, world: World) -> None:
    mark_admin("scout")

    shown = markdown(page("alice"), "/tenant-admin")

    assert "/u/alice" in shown
    assert "/u/scout" in shown


# --- The form of public clients -------------------------------------------------------------


def test_the_roles_route_changes_the_role(page: Any, api: Any, world: World) -> None:
    path = f"{USERS}/bob/roles"

    answer = page("alice").post(path, {"role": "admin", "grant": "true"})

    assert (answer.status_code, answer["Location"]) == (303, f"{USERS}/bob")
    assert is_admin("bob")
    taken = api("alice").post(
        path,
        json.dumps({"role": "admin", "grant": False}),
        "application/json",
        headers={"accept": "application/json"},
    )
    assert (taken.status_code, taken.json()["success"]) == (200, True)
    assert not is_admin("bob")


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"role": "owner", "grant": "true"}, 422),
        ({"role": "admin"}, 422),
        ({"role": "admin", "grant": "perhaps"}, 422),
    ],
)
def test_the_roles_route_refuses_other_roles(
    page: Any, world: World, params: dict[str, str], status: int
) -> None:
    answer = page("alice").post(f"{USERS}/bob/roles", params)

    assert answer.status_code == status
    assert f'action="{USERS}/bob/roles"' in answer.content.decode()
    assert not is_admin("bob")


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("carol", 403)])
def test_the_roles_route_is_for_tenant_admins(
    page: Any, api: Any, world: World, who: str, status: int
) -> None:
    path, sent = f"{USERS}/bob/roles", {"role": "admin", "grant": "true"}

    assert page(who).post(path, sent).status_code == status
    assert api(who).post(path, sent).status_code == status
    assert not is_admin("bob")


def test_the_roles_route_knows_no_stranger_and_no_other_method(page: Any, world: World) -> None:
    alice = page("alice")

    assert alice.post(f"{USERS}/nobody/roles", {"role": "admin", "grant": "1"}).status_code == 404
    assert alice.get(f"{USERS}/bob/roles").status_code == 405


# --- Agents ---------------------------------------------------------------------------------


@SURFACES
def test_an_agent_can_become_an_admin_if_its_parent_is_one(world: World, surface: str) -> None:
    assert set_role("scout", grant=True, surface=surface).status_code in {200, 303}
    assert is_admin("scout")


def test_a_persons_page_leads_to_their_agents(page: Any, world: World) -> None:
    shown = page("alice").get(f"{USERS}/alice").content.decode()

    assert f'href="{USERS}/scout"' in shown
    assert "Make admin" in page("alice").get(f"{USERS}/scout").content.decode()


@SURFACES
def test_an_agent_cannot_become_an_admin_if_its_parent_is_not_one(
    world: World, surface: str
) -> None:
    assert refused(set_role("pilot", grant=True, surface=surface), 403, BOTH)
    assert not is_admin("pilot")


@SURFACES
def test_the_account_of_a_collective_cannot_become_an_admin(world: World, surface: str) -> None:
    answer = set_role("kitchen", grant=True, surface=surface)

    assert refused(answer, 403, "This account belongs to a collective.")
    assert not is_admin("kitchen")


@SURFACES
def test_an_inactive_agent_cannot_become_an_admin(world: World, surface: str) -> None:
    perform_on("json", "alice", "/ai-agents/scout/settings/actions/deactivate_ai_agent")

    assert refused(set_role("scout", grant=True, surface=surface), 403, "This agent is inactive.")
    assert not is_admin("scout")


PAGES = ["/tenant-admin", "/tenant-admin/settings", USERS, f"{USERS}/bob", "/admin"]


@pytest.mark.parametrize("path", PAGES)
def test_an_agent_admin_reads_the_administration(api: Any, world: World, path: str) -> None:
    scout = api("alice", agent="scout")
    assert scout.get(path).status_code == 403

    set_role("scout", grant=True)

    assert scout.get(path).status_code in {200, 302}


@pytest.mark.parametrize("path", PAGES)
def test_an_agent_admin_reads_nothing_once_its_parent_is_no_admin(
    api: Any, world: World, path: str
) -> None:
    scout = api("alice", agent="scout")
    set_role("scout", grant=True)
    TenantUser.unscoped.filter(tenant__subdomain="garden", handle="alice").update(is_admin=False)

    answer = scout.get(path)

    assert answer.status_code == 403
    assert BOTH in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tenant-admin/settings", {"name": "Taken"}),
        ("/tenant-admin/settings/actions/update_tenant_settings", {"name": "Taken"}),
        (f"{USERS}/bob/roles", {"role": "admin", "grant": True}),
        (f"{USERS}/bob/actions/remove_from_tenant", {}),
    ],
)
def test_an_agent_admin_changes_nothing(
    api: Any, world: World, path: str, body: dict[str, Any]
) -> None:
    set_role("scout", grant=True)

    answer = api("alice", agent="scout").post(path, json.dumps(body), "application/json")

    assert answer.status_code == 403
    assert world.tenant().name == "Garden Cooperative"
    assert not is_admin("bob")
    assert world.person("bob").archived_at is None


@SURFACES
def test_agents_lose_the_role_with_their_parent(page: Any, world: World, surface: str) -> None:
    set_role("bob", grant=True)
    set_role("scout", grant=True)

    set_role("alice", grant=False, surface=surface, by="bob")

    assert not is_admin("scout")
    assert [line["grant"] for line in log_entries_about("scout", "update_tenant_roles")] == [
        True,
        False,
    ]
    assert "scout is no longer a tenant admin" in markdown(page("bob"), "/tenant-admin/security")


def test_the_answer_names_the_agents_that_lose_the_role(world: World) -> None:
    set_role("bob", grant=True)
    set_role("scout", grant=True)

    notes = set_role("alice", grant=False, by="bob").json()["notes"]

    assert notes == ["Agents that are no longer tenant admins either: scout."]
