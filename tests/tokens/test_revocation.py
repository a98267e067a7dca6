"""Revoked, expired and excluded tokens are refused from the next request on, on every surface."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Tenant
from collectives.models import Collective, CollectiveMember
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import World, anonymous_client, make_token, sign_in, token_client
from tokens import secret
from tokens.models import ApiToken

KITCHEN = "/collectives/kitchen"
SURFACES = pytest.mark.parametrize(
    "path", ["/api/v1", "/whoami", KITCHEN, f"{KITCHEN}/api/v1/notes"]
)
ONLY_KITCHEN = pytest.mark.parametrize("path", [KITCHEN, f"{KITCHEN}/api/v1/notes"])


class Owner:
    """A token, a program that uses it, and a browser of the person who manages it."""

    def __init__(self, handle: str, parent: str = "") -> None:
        self.handle = handle
        self.plaintext = make_token(parent or handle, agent=handle if parent else None)
        self.program = token_client(self.plaintext)
        self.browser = anonymous_client()
        sign_in(self.browser, parent or handle, "garden")

    @property
    def row(self) -> ApiToken:
        return ApiToken.unscoped.get(token_hash=secret.digest(self.plaintext))

    def request(self, path: str) -> int:
        return int(self.program.get(path).status_code)


@pytest.fixture
def bob(world: World) -> Owner:
    return Owner("bob")


@pytest.fixture
def scout(world: World) -> Owner:
    return Owner("scout", "alice")


@pytest.fixture
def admin(world: World) -> Client:
    browser = anonymous_client()
    sign_in(browser, "alice", "garden")
    return browser


def refused(owner: Owner, path: str, status: int, sentence: str) -> bool:
    response = owner.program.get(path)
    assert response.status_code == status
    assert sentence in response.text
    return True


# --- Deleting -------------------------------------------------------------------------------


def by_form(owner: Owner) -> Any:
    return owner.browser.post(f"/u/{owner.handle}/settings/tokens/{owner.row.id}/delete")


def by_delete(owner: Owner) -> Any:
    return owner.browser.delete(f"/u/{owner.handle}/settings/tokens/{owner.row.id}")


def by_action(owner: Owner) -> Any:
    base = f"/u/{owner.handle}/settings/tokens/{owner.row.id}"
    return owner.browser.post(f"{base}/actions/delete_api_token")


def by_rest(owner: Owner) -> Any:
    manager = "alice" if owner.handle == "scout" else owner.handle
    program = token_client(make_token(manager))
    return program.delete(f"/api/v1/users/{owner.handle}/tokens/{owner.row.id}")


DELETIONS = pytest.mark.parametrize("delete", [by_form, by_delete, by_action, by_rest])


@DELETIONS
@SURFACES
def test_a_deleted_token_is_refused_immediately(
    bob: Owner, delete: Callable[[Owner], Any], path: str
):
    assert bob.request(path) == 200

    assert delete(bob).status_code in {200, 303}

    assert refused(bob, path, 401, "Unauthorized")


@DELETIONS
def test_a_parent_can_delete_the_token_of_an_agent(scout: Owner, delete: Callable[[Owner], Any]):
    assert scout.request("/whoami") == 200

    assert delete(scout).status_code in {200, 303}

    assert scout.request("/whoami") == 401


def test_a_token_can_delete_itself(bob: Owner):
    response = bob.program.delete(f"/api/v1/users/me/tokens/{bob.row.id}")

    assert response.json() == {"message": "Token deleted"}
    assert bob.request("/api/v1") == 401


def test_a_deleted_token_is_shown_nowhere(bob: Owner):
    name, token_id = bob.row.name, bob.row.id
    by_form(bob)

    for path in ("/u/bob/settings", "/u/bob/settings/tokens"):
        assert f'href="/u/bob/settings/tokens/{token_id}"' not in bob.browser.get(path).text
    assert bob.browser.get(f"/u/bob/settings/tokens/{token_id}").status_code == 404
    assert name is not None


def test_deleting_a_token_does_not_affect_others(bob: Owner):
    other = Owner("bob")

    by_form(bob)

    assert other.request("/whoami") == 200


# --- Suspension and security reset ----------------------------------------------------------


@SURFACES
def test_suspending_a_person_revokes_their_tokens(bob: Owner, world: World, path: str):
    world.user("bob").suspend(timezone.now())

    assert refused(bob, path, 401, "Unauthorized")


def test_suspending_a_person_revokes_their_tokens_in_every_tenant(world: World):
    programs = [
        token_client(make_token("alice", tenant=tenant), tenant) for tenant in ("garden", "summit")
    ]

    world.user("alice").suspend(timezone.now())

    assert [program.get("/whoami").status_code for program in programs] == [401, 401]


@SURFACES
def test_suspending_a_person_revokes_the_tokens_of_their_agents(
    scout: Owner, world: World, path: str
):
    world.user("alice").suspend(timezone.now())

    assert refused(scout, path, 401, "Unauthorized")


def test_lifting_a_suspension_restores_no_token(bob: Owner, scout: Owner, world: World):
    for handle in ("bob", "alice"):
        world.user(handle).suspend(timezone.now())
        world.user(handle).unsuspend()

    assert bob.request("/whoami") == scout.request("/whoami") == 401
    assert Owner("bob").request("/whoami") == 200


def test_an_agent_stays_suspended_when_its_parents_suspension_is_lifted(scout: Owner, world: World):
    world.user("alice").suspend(timezone.now())
    world.user("alice").unsuspend()

    assert world.user("scout").suspended_at is not None


@SURFACES
def test_a_security_reset_revokes_all_tokens(bob: Owner, world: World, path: str):
    world.user("bob").security_reset(timezone.now())

    assert refused(bob, path, 401, "Unauthorized")


def test_a_security_reset_revokes_the_tokens_of_agents_without_suspending_them(
    scout: Owner, world: World
):
    world.user("alice").security_reset(timezone.now() - timedelta(microseconds=1))
    assert scout.request("/whoami") == 401

    assert world.user("scout").suspended_at is None
    assert Owner("scout", "alice").request("/whoami") == 200


# --- Leaving and rejoining ------------------------------------------------------------------


@SURFACES
def test_leaving_a_tenant_revokes_the_tokens_there(
    bob: Owner, admin: Client, world: World, path: str
):
    admin.post("/tenant-admin/users/bob/actions/remove_from_tenant")

    assert world.person("bob").archived_at is not None
    assert refused(bob, path, 401, "Unauthorized")


def test_leaving_a_tenant_does_not_affect_tokens_of_another(world: World):
    in_garden, in_summit = make_token("alice"), make_token("alice", tenant="summit")
    person = world.person("alice")

    with tenant_bound(person.tenant_id):
        person.archive(timezone.now())

    assert token_client(in_garden).get("/whoami").status_code == 401
    assert token_client(in_summit, "summit").get("/whoami").status_code == 200


def test_leaving_a_tenant_revokes_the_tokens_of_the_agents(admin: Client, world: World):
    pilot = Owner("pilot", "bob")
    assert pilot.request("/whoami") == 200

    admin.post("/tenant-admin/users/bob/actions/remove_from_tenant")

    assert pilot.request("/whoami") == 401


def test_deactivating_an_agent_revokes_its_tokens_for_good(scout: Owner, admin: Client):
    admin.post("/ai-agents/scout/settings/actions/deactivate_ai_agent")
    assert refused(scout, "/whoami", 401, "Unauthorized")

    admin.post("/ai-agents/scout/settings/actions/reactivate_ai_agent")
    assert refused(scout, "/whoami", 401, "Unauthorized")
    assert Owner("scout", "alice").request("/whoami") == 200


def test_archiving_an_agent_over_rest_revokes_its_tokens(scout: Owner):
    program = token_client(make_token("alice"))
    for archived in (True, False):
        program.patch(
            "/api/v1/users/scout", {"archived": archived}, content_type="application/json"
        )
        assert scout.request("/api/v1") == 401


def test_rejoining_a_tenant_restores_no_token(bob: Owner, world: World):
    person = world.person("bob")
    with tenant_bound(person.tenant_id):
        person.archive(timezone.now())
        person.unarchive()

    assert refused(bob, "/whoami", 401, "Unauthorized")
    assert Owner("bob").request("/whoami") == 200


def test_deleting_an_agent_deletes_its_tokens(world: World):
    pilot = Owner("pilot", "bob")
    token_id = pilot.row.id

    deleted = token_client(make_token("bob")).delete("/api/v1/users/pilot")

    assert deleted.json() == {"message": "User deleted"}
    assert pilot.request("/api/v1") == 401
    assert not ApiToken.unscoped.filter(id=token_id).exists()


# --- Membership -----------------------------------------------------------------------------


@ONLY_KITCHEN
def test_a_removed_member_is_refused_immediately(bob: Owner, admin: Client, path: str):
    assert bob.request(path) == 200

    admin.post(f"{KITCHEN}/members/actions/remove_member", {"user_handle": "bob"})

    assert refused(bob, path, 403, "You are not a member of this collective")
    assert bob.request("/whoami") == 200


@ONLY_KITCHEN
def test_a_removed_agent_is_refused_immediately(
    scout: Owner, admin: Client, world: World, path: str
):
    assert scout.request(path) == 200

    agent_id = str(world.user("scout").id)
    admin.post(
        f"{KITCHEN}/members/actions/remove_ai_agent_from_collective", {"ai_agent_id": agent_id}
    )

    assert refused(scout, path, 403, "You are not a member of this collective")


def test_a_member_who_leaves_is_refused_immediately(bob: Owner):
    bob.browser.post(f"{KITCHEN}/members/actions/leave_collective")

    assert bob.request(KITCHEN) == 403


def test_a_member_who_returns_is_allowed_immediately(bob: Owner, world: World):
    rows = CollectiveMember.unscoped.filter(
        person=world.person("bob"), collective__handle="kitchen"
    )
    rows.update(archived_at=timezone.now())
    assert bob.request(KITCHEN) == 403

    rows.update(archived_at=None)

    assert bob.request(KITCHEN) == 200


# --- Switches -------------------------------------------------------------------------------


@SURFACES
def test_the_tenants_api_switch_takes_effect_immediately(bob: Owner, admin: Client, path: str):
    admin.post("/tenant-admin/settings", {"feature_api": "false"})
    assert refused(bob, path, 403, "API not enabled for this tenant")

    admin.post("/tenant-admin/settings", {"feature_api": "true"})
    assert bob.request(path) == 200


@ONLY_KITCHEN
def test_a_collectives_api_switch_takes_effect_immediately(bob: Owner, admin: Client, path: str):
    admin.post(f"{KITCHEN}/settings", {"feature_api": "false"})
    assert refused(bob, path, 403, "API not enabled for this collective")
    assert bob.request("/whoami") == 200

    admin.post(f"{KITCHEN}/settings", {"feature_api": "true"})
    assert bob.request(path) == 200


def test_api_switches_do_not_affect_browsers(bob: Owner, world: World):
    Tenant.objects.update(is_api_enabled=False)
    Collective.unscoped.update(is_api_enabled=False)

    assert bob.browser.get(KITCHEN).status_code == 200
    assert bob.browser.get(KITCHEN, headers={"accept": "text/markdown"}).status_code == 200


@pytest.mark.parametrize("switch", ["feature_api", "api", "api_enabled"])
def test_a_token_cannot_change_the_tenants_api_switch(world: World, switch: str):
    program = token_client(make_token("alice"))

    response = program.post("/tenant-admin/settings", {switch: "false"})

    assert response.status_code == 200
    assert "a token cannot enable or disable the API" in response.text
    assert world.tenant("garden").is_api_enabled


# --- Expiry ---------------------------------------------------------------------------------


@SURFACES
def test_an_expired_token_is_refused_with_the_reason(world: World, path: str):
    created = timezone.now() - timedelta(days=2)
    program = token_client(make_token("bob", at=created, days=1))

    response = program.get(path)

    assert response.status_code == 401
    assert "Token expired" in response.text


def test_a_refused_request_does_not_count_as_a_use(bob: Owner, admin: Client):
    admin.post("/tenant-admin/settings", {"feature_api": "false"})

    bob.request("/whoami")
    bob.request("/api/v1")

    assert bob.row.last_used_at is None


def test_the_last_use_is_written_at_most_once_a_minute(bob: Owner):
    bob.request("/whoami")
    first = bob.row.last_used_at
    assert first is not None
    bob.request("/whoami")
    assert bob.row.last_used_at == first

    ApiToken.unscoped.filter(id=bob.row.id).update(last_used_at=first - timedelta(seconds=61))
    bob.request("/whoami")
    again = bob.row.last_used_at
    assert again is not None
    assert again > first
