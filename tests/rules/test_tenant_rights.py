"""Permissions in a tenant that end with their source, and the last active admin."""

from __future__ import annotations

import pytest

from collectives.models import Collective
from tests.fixtures.rows import change
from tests.fixtures.surfaces import HTML, MARKDOWN, Caller, on

USERS = "/tenant-admin/users"
REVOKE = {"role": "admin", "grant": False}


@pytest.mark.rule("rights.last-human-tenant-admin")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("other", ["scout", "erin"])
def test_only_an_active_person_counts_as_another_tenant_admin(world, call, other):
    change(world.person(other), is_admin=True)  # an agent, or a suspended person

    answer = call("alice").act("update_tenant_roles", f"{USERS}/alice", **REVOKE)

    assert not answer.is_done()
    assert world.person("alice").is_admin


# --- Leaving the tenant ---------------------------------------------------------------------


@pytest.mark.rule("rights.tenant-ends-workspaces")
@on(HTML, MARKDOWN)
def test_removal_from_the_tenant_archives_workspaces_of_the_person_and_agents(world, call):
    rooms = [world.workspace("bob").pk, world.workspace("pilot").pk]
    kept = world.workspace("scout").pk

    call("alice").act("remove_from_tenant", f"{USERS}/bob").assert_done()

    archived = Collective.unscoped.exclude(archived_at=None).values_list("pk", flat=True)
    assert set(rooms) <= set(archived)
    assert kept not in set(archived)


@pytest.mark.rule("rights.removed-not-appointed")
@on(HTML, MARKDOWN)
def test_a_removed_person_cannot_be_appointed_tenant_admin(world, call):
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
def test_an_agent_can_open_the_administration_only_if_it_and_its_parent_are_admins(
    world, path, admins, status
):
    for handle in admins:
        change(world.person(handle), is_admin=True)

    assert Caller(MARKDOWN, "pilot").get(path).status == status


@pytest.mark.rule("rights.agent-admin-with-parent")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("is_parent_admin", [True, False])
def test_an_agent_can_be_appointed_only_if_its_parent_is_an_admin(world, call, is_parent_admin):
    change(world.person("bob"), is_admin=is_parent_admin)

    answer = call("alice").act("update_tenant_roles", f"{USERS}/pilot", role="admin", grant=True)

    assert answer.is_done() is is_parent_admin
    assert world.person("pilot").is_admin is is_parent_admin


@pytest.mark.rule("rights.agent-admin-with-parent")
@on(HTML, MARKDOWN)
def test_an_agent_loses_the_admin_role_with_its_parent(world, call):
    for handle in ("bob", "pilot"):
        change(world.person(handle), is_admin=True)

    call("alice").act("update_tenant_roles", f"{USERS}/bob", **REVOKE).assert_done()

    assert not world.person("pilot").is_admin
