"""Administration of a tenant: access, settings, roles and removal of people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Tenant
from tests.fixtures.rows import change, is_member
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World, make_token, token_client

USER = "/tenant-admin/users"
PAGES = [
    "/tenant-admin",
    "/tenant-admin/settings",
    USER,
    f"{USER}/bob",
    "/tenant-admin/security",
]


def is_admin(world: World, handle: str) -> bool:
    return world.person(handle).is_admin


def make_admin(world: World, *handles: str) -> None:
    for handle in handles:
        change(world.person(handle), is_admin=True)


# --- Access ---------------------------------------------------------------------------------


@pytest.mark.rule("tenant.admin-reads")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("path", PAGES)
def test_only_tenant_admins_can_open_the_administration(call, path):
    call("alice").get(path).assert_done()
    answer = call("bob").get(path).assert_refused(403)

    assert "alice@example.com" not in answer.text


@pytest.mark.rule("tenant.admin-reads")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("path", PAGES[:3])
def test_an_admin_of_one_tenant_is_not_an_admin_of_another(call, path):
    call("alice", "summit").get(path).assert_refused(403)


@pytest.mark.rule("tenant.admin-proof")
@pytest.mark.parametrize("path", PAGES)
def test_an_admin_with_an_old_session_must_reverify(page, path):
    alice = page("alice", at=timezone.now() - timedelta(hours=1, minutes=50))

    assert alice.get(path).headers["Location"].startswith("/reverify")


@pytest.mark.rule("tenant.user-unknown")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("handle", ["dave", "nobody-of-this-name"])
def test_a_user_outside_the_tenant_is_not_found(call, handle):
    call("alice").get(f"{USER}/{handle}").assert_refused(404)


@pytest.mark.rule("tenant.email-hidden")
@pytest.mark.parametrize(
    ("who", "about", "is_shown"),
    [
        ("alice", "bob", True),
        ("bob", "bob", True),
        ("bob", "pilot", True),
        ("carol", "bob", False),
        ("carol", "pilot", False),
        ("scout", "alice", False),
    ],
)
def test_an_email_address_is_shown_to_its_owner_the_parent_and_admins(world, who, about, is_shown):
    caller = Caller(REST, who)

    one = caller.get(f"/api/v1/users/{about}").json
    every = {each["handle"]: each for each in caller.get("/api/v1/users").json}

    email = world.user(about).email if is_shown else None
    assert one["email"] == every[about]["email"] == email


@pytest.mark.rule("tenant.search")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    ("part", "is_found"), [("bob@", True), ("BOB@", True), ("%25", False), ("b_b", False)]
)
def test_an_admin_can_search_users_by_part_of_the_email_address(call, part, is_found):
    text = call("alice").get(f"{USER}?q={part}").assert_done().text

    assert ("/users/bob" in text) is is_found


# --- Settings -------------------------------------------------------------------------------


@pytest.mark.rule("tenant.admin-sets")
@on(HTML, FORM, MARKDOWN)
def test_an_admin_can_change_the_tenant_settings(world, call):
    call("alice").act("update_tenant_settings", name="Garden", timezone="Europe/Vienna")

    tenant = world.tenant()
    assert (tenant.name, tenant.timezone) == ("Garden", "Europe/Vienna")
    assert world.collective("garden").timezone == "Europe/Vienna"


@pytest.mark.rule("tenant.only-admin-sets")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_only_admins_can_change_the_tenant_settings(world, call, who):
    call(who).act("update_tenant_settings", name="Mine", feature_api="false").assert_refused(403)

    assert world.tenant().name != "Mine"
    assert world.tenant().is_api_enabled


@pytest.mark.rule("tenant.blank-unchanged")
@on(HTML, FORM, MARKDOWN)
def test_blank_values_leave_the_tenant_settings_unchanged(world, call):
    before = world.tenant()

    call("alice").act("update_tenant_settings", name="", timezone="")

    after = world.tenant()
    assert (after.name, after.timezone) == (before.name, before.timezone)
    assert (after.is_api_enabled, after.is_ai_agents_enabled) == (True, True)


@pytest.mark.rule("tenant.switch-in-browser")
@on(HTML, FORM)
def test_an_admin_can_disable_and_enable_the_api_in_the_browser(world, call):
    alice = call("alice")

    alice.act("update_tenant_settings", feature_api="false").assert_done()
    assert not world.tenant().is_api_enabled

    alice.act("update_tenant_settings", feature_api="true").assert_done()
    assert world.tenant().is_api_enabled


@pytest.mark.rule("tenant.switch-not-by-token")
@on(MARKDOWN)
@pytest.mark.parametrize("field", ["feature_api", "api", "api_enabled"])
def test_a_token_cannot_disable_the_tenant_api(call, field):
    call("alice").act("update_tenant_settings", **{field: False}, name="Garden")

    assert Tenant.objects.get(subdomain="garden").is_api_enabled


# --- Roles ----------------------------------------------------------------------------------

ROLE = {"role": "admin", "grant": True}


@pytest.mark.rule("tenant.admin-appoints")
@on(HTML, MARKDOWN)
def test_an_admin_can_appoint_and_dismiss_another_admin(world, call):
    alice = call("alice")

    alice.act("update_tenant_roles", f"{USER}/bob", **ROLE).assert_done()
    assert is_admin(world, "bob")

    alice.act("update_tenant_roles", f"{USER}/bob", role="admin", grant=False).assert_done()
    assert not is_admin(world, "bob")


@pytest.mark.rule("tenant.only-admin-appoints")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("about", ["bob", "carol"])
def test_only_admins_can_appoint_an_admin(world, call, about):
    call("bob").act("update_tenant_roles", f"{USER}/{about}", **ROLE).assert_refused(403)

    assert not is_admin(world, about)


@pytest.mark.rule("tenant.only-admin-appoints")
@on(HTML, MARKDOWN)
def test_only_admins_can_dismiss_an_admin(world, call):
    answer = call("bob").act("update_tenant_roles", f"{USER}/alice", role="admin", grant=False)

    answer.assert_refused(403)
    assert is_admin(world, "alice")


@pytest.mark.rule("tenant.last-admin-stays")
@on(HTML, MARKDOWN)
def test_the_last_admin_of_a_tenant_keeps_the_role(world, call):
    answer = call("alice").act("update_tenant_roles", f"{USER}/alice", role="admin", grant=False)

    assert not answer.is_done()
    assert is_admin(world, "alice")


@pytest.mark.rule("tenant.last-admin-stays")
@on(HTML, MARKDOWN)
def test_an_admin_can_give_up_the_role_if_there_is_another(world, call):
    make_admin(world, "bob")

    call("alice").act(
        "update_tenant_roles", f"{USER}/alice", role="admin", grant=False
    ).assert_done()

    assert not is_admin(world, "alice")


@pytest.mark.rule("tenant.last-admin-stays")
@on(HTML, MARKDOWN)
def test_an_archived_admin_does_not_count_as_another_admin(world, call):
    make_admin(world, "carol")
    change(world.person("carol"), archived_at=timezone.now())

    answer = call("alice").act("update_tenant_roles", f"{USER}/alice", role="admin", grant=False)

    assert not answer.is_done()
    assert is_admin(world, "alice")


@pytest.mark.rule("tenant.known-roles")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("role", ["owner", "app_admin", "sys_admin", ""])
def test_an_unknown_tenant_role_is_refused(world, call, role):
    call("alice").act("update_tenant_roles", f"{USER}/bob", role=role, grant=True).assert_invalid()

    assert not is_admin(world, "bob")


# --- Removing -------------------------------------------------------------------------------


@pytest.mark.rule("tenant.admin-removes")
@on(HTML, MARKDOWN)
def test_an_admin_can_remove_a_person_from_the_tenant(world, page, call):
    bob, token = page("bob"), make_token("bob")
    assert bob.get("/").status_code == 200

    call("alice").act("remove_from_tenant", f"{USER}/bob").assert_done()

    assert world.person("bob").archived_at is not None
    assert bob.get("/").status_code == 403
    assert token_client(token).get("/whoami").status_code == 401
    assert token_client(token).get("/api/v1/notes").status_code == 401


@pytest.mark.rule("tenant.only-admin-removes")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("about", ["carol", "alice"])
def test_only_admins_can_remove_people_from_the_tenant(world, call, about):
    call("bob").act("remove_from_tenant", f"{USER}/{about}").assert_refused(403)

    assert world.person(about).archived_at is None


@pytest.mark.rule("tenant.not-oneself")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("others", [(), ("bob",)])
def test_an_admin_cannot_remove_themselves_from_the_tenant(world, call, others):
    make_admin(world, *others)

    answer = call("alice").act("remove_from_tenant", f"{USER}/alice")

    assert not answer.is_done()
    assert world.person("alice").archived_at is None


@pytest.mark.rule("tenant.only-own")
@on(HTML, MARKDOWN)
def test_an_admin_cannot_remove_people_from_another_tenant(world, call):
    call("alice", "summit").act("remove_from_tenant", f"{USER}/dave").assert_refused(403)
    call("alice").act("remove_from_tenant", f"{USER}/dave").assert_refused(404)

    assert world.person("dave", "summit").archived_at is None


# --- Agents as admins -----------------------------------------------------------------------


@pytest.mark.rule("tenant.agent-writes-nothing")
@pytest.mark.parametrize("environment", ["local", "production"])
def test_an_agent_with_the_admin_role_cannot_change_anything(world, settings, environment):
    settings.ENVIRONMENT = environment
    make_admin(world, "bob", "pilot")
    pilot = Caller(MARKDOWN, "pilot")

    pilot.act("update_tenant_settings", name="Mine").assert_refused(403)
    if environment == "production":
        pilot.act("update_tenant_roles", f"{USER}/carol", **ROLE).assert_refused(403)
        pilot.act("remove_from_tenant", f"{USER}/carol").assert_refused(403)

    assert world.tenant().name != "Mine"
    assert not is_admin(world, "carol")
    assert world.person("carol").archived_at is None


@pytest.mark.rule("tenant.everybody-in-main")
def test_all_users_of_the_tenant_are_members_of_the_main_collective(world):
    for handle in ("alice", "bob", "carol", "erin", "scout", "pilot", "steward"):
        assert is_member(world, handle, "garden")


# --- Isolation ------------------------------------------------------------------------------


@pytest.mark.rule("tenant.isolation")
@on(MARKDOWN, REST)
def test_a_token_of_one_tenant_is_unknown_in_another(world, surface):
    token = make_token("alice", tenant="summit")
    client = token_client(token, "garden")

    path = "/api/v1/notes" if surface == REST else "/whoami"
    assert client.get(path).status_code == 401


@pytest.mark.rule("tenant.isolation")
@on(HTML, MARKDOWN, REST)
def test_a_note_of_another_tenant_is_not_found(world, call, surface):
    camp = world.note("Base camp checklist")
    path = f"/api/v1/notes/{camp.id}" if surface == REST else f"/n/{camp.truncated_id}"

    call("alice").get(path).assert_refused(404)
