"""Collectives: creation, settings, the API switch and archiving."""

from __future__ import annotations

import pytest
from django.utils import timezone

from collectives.models import Collective
from tests.fixtures.rows import (
    BOARD,
    KITCHEN,
    TREASURY,
    change,
    collective_row,
    is_member,
    make_member,
    roles,
)
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

SETTINGS = "update_collective_settings"


def exists(handle: str) -> bool:
    return Collective.unscoped.filter(handle=handle, tenant__subdomain="garden").exists()


@pytest.mark.rule("collectives.person-creates")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_person_creates_a_collective_and_has_both_roles(world, call):
    call("carol").act("create_collective", name="Choir", handle="choir").assert_done()

    assert roles(world, "carol", "choir") == ["admin", "representative"]
    assert collective_row("choir").created_by == world.user("carol")


@pytest.mark.rule("collectives.identity")
@on(HTML, MARKDOWN, REST)
def test_a_collective_is_created_with_its_identity(world, call):
    call("carol").act("create_collective", name="Choir", handle="choir").assert_done()

    identity = collective_row("choir").identity
    assert identity is not None
    assert identity.user.user_type == "collective_identity"
    assert not is_member(world, identity.handle, "garden")


@pytest.mark.rule("collectives.closed-at-first")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(("sent", "is_open"), [({}, False), ({"api_enabled": True}, True)])
def test_the_api_is_disabled_in_a_new_collective_unless_requested(world, call, sent, is_open):
    call("carol").act("create_collective", name="Choir", handle="choir", **sent).assert_done()

    row = collective_row("choir")
    assert row.is_api_enabled is is_open
    assert not row.all_members_can_invite
    assert not row.any_member_can_represent
    assert row.invite_only


@pytest.mark.rule("collectives.fields-needed")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("", "choir"),
        ("  ", "choir"),
        ("Choir", ""),
        ("Choir", "kitchen"),
        ("Choir", "main"),
        ("Choir", "no spaces"),
    ],
)
def test_a_collective_needs_a_name_and_a_free_handle(call, name, handle):
    count = Collective.unscoped.count()

    call("carol").act("create_collective", name=name, handle=handle).assert_invalid()

    assert Collective.unscoped.count() == count


@pytest.mark.rule("collectives.same-handle-elsewhere")
@on(HTML, MARKDOWN, REST)
def test_handles_are_unique_within_a_tenant_only(call):
    call("carol").act("create_collective", name="Base", handle="basecamp").assert_done()

    assert exists("basecamp")


# --- Settings -------------------------------------------------------------------------------


@pytest.mark.rule("collectives.admin-sets")
@on(HTML, FORM, MARKDOWN, REST)
def test_an_admin_changes_the_settings(world, call):
    call("alice").act(SETTINGS, KITCHEN, description="New", tempo="monthly").assert_done()

    row = world.collective("kitchen")
    assert (row.description, row.tempo, row.name) == ("New", "monthly", "Kitchen Crew")


@pytest.mark.rule("collectives.only-admin-sets")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(("where", "held"), [(KITCHEN, {}), (KITCHEN, {"is_representative": True})])
def test_a_member_without_the_admin_role_cannot_change_settings(world, call, where, held):
    make_member(world, "bob", **held)

    call("bob").act(SETTINGS, where, description="Mine").assert_refused(403)

    assert world.collective("kitchen").description != "Mine"


@pytest.mark.rule("collectives.only-admin-sets")
@on(HTML, FORM, MARKDOWN)
def test_a_tenant_admin_without_the_collective_role_cannot_change_settings(world, call):
    call("alice").act(SETTINGS, TREASURY, description="Mine").assert_refused(403)

    assert world.collective("treasury").description != "Mine"


@pytest.mark.rule("collectives.only-admin-sets")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_non_member_cannot_change_settings(world, call):
    answer = call("alice").act(SETTINGS, BOARD, description="Mine")

    answer.assert_refused(404 if answer.surface == REST else 403)
    assert world.collective("board").description != "Mine"


@pytest.mark.rule("collectives.only-admin-sees-settings")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(("who", "status"), [("alice", 200), ("bob", 403)])
def test_only_an_admin_sees_the_settings(call, who, status):
    assert call(who).get(f"{KITCHEN}/settings").status == status


@pytest.mark.rule("collectives.absent-unchanged")
@on(HTML, FORM, MARKDOWN, REST)
def test_omitted_settings_keep_their_values(world, call):
    change(world.collective("kitchen"), all_members_can_invite=True, any_member_can_represent=True)
    before = world.collective("kitchen")

    call("alice").act(SETTINGS, KITCHEN, tempo="monthly").assert_done()

    after = world.collective("kitchen")
    for field in "name description timezone all_members_can_invite is_api_enabled".split():
        assert getattr(after, field) == getattr(before, field), field
    assert after.any_member_can_represent


@pytest.mark.rule("collectives.handle-stays")
@on(HTML, FORM, MARKDOWN, REST)
def test_the_handle_does_not_change_without_force(world, call):
    kitchen = world.collective("kitchen").pk
    call("alice").act(SETTINGS, KITCHEN, handle="cellar", description="New")

    assert Collective.unscoped.get(pk=kitchen).handle == "kitchen"


@pytest.mark.rule("collectives.handle-stays")
@on(REST)
def test_an_admin_changes_the_handle_with_force_in_rest(world, call):
    kitchen = world.collective("kitchen").pk

    call("alice").act(SETTINGS, KITCHEN, handle="cellar", force_update=True).assert_done()

    assert Collective.unscoped.get(pk=kitchen).handle == "cellar"


@pytest.mark.rule("collectives.switch-in-browser")
@on(HTML, FORM)
def test_an_admin_can_disable_the_api_in_a_browser(world, call):
    call("alice").act(SETTINGS, KITCHEN, feature_api="false").assert_done()

    assert not world.collective("kitchen").is_api_enabled


@pytest.mark.rule("collectives.switch-not-by-token")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("field", ["api_enabled", "feature_api", "api"])
def test_a_token_cannot_disable_the_api(world, call, field):
    call("alice").act(SETTINGS, KITCHEN, **{field: False}, tempo="monthly")

    assert world.collective("kitchen").is_api_enabled


@pytest.mark.rule("collectives.switch-not-by-token")
def test_a_token_is_told_that_the_api_switch_is_ignored(world):
    answer = Caller(REST, "alice").act(SETTINGS, KITCHEN, api_enabled=False, tempo="monthly")

    assert "note" in answer.assert_done().json


@pytest.mark.rule("collectives.workspace-has-no-settings")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_workspace_has_no_settings(world, call):
    room = world.workspace("bob")
    where = f"/workspace/{room.handle}"

    call("bob").act(SETTINGS, where, description="Mine").assert_refused(403)

    assert world.workspace("bob").description != "Mine"


@pytest.mark.rule("collectives.workspace-has-no-settings")
def test_the_settings_page_of_a_workspace_leads_to_the_workspace(world):
    where = f"/workspace/{world.workspace('bob').handle}"

    assert Caller(HTML, "bob").get(f"{where}/settings").location == where


@pytest.mark.rule("collectives.main-tenant-admin")
@on(HTML, MARKDOWN)
def test_a_member_cannot_change_settings_of_the_main_collective(world, call):
    answer = call("bob").act(SETTINGS, "/collectives/garden", description="Mine")

    answer.assert_refused(403)
    assert world.collective("garden").description != "Mine"


# --- Archived -------------------------------------------------------------------------------

ARCHIVED_READS = [
    (MARKDOWN, f"{KITCHEN}/", 403),
    (MARKDOWN, f"{KITCHEN}/members", 403),
    (MARKDOWN, "{note}", 403),
    (REST, f"{KITCHEN}/api/v1/notes", 403),
    (REST, f"{KITCHEN}/api/v1/notes/{{id}}", 403),
]


@pytest.mark.rule("collectives.archived-closed")
@pytest.mark.parametrize(("surface", "path", "status"), ARCHIVED_READS)
def test_an_archived_collective_cannot_be_read(world, note_path, surface, path, status):
    alice, title = Caller(surface, "alice"), "Welcome to the kitchen"
    path = path.format(note=note_path(title), id=world.note(title).truncated_id)
    change(world.collective("kitchen"), archived_at=timezone.now())

    alice.get(path).assert_refused(status, "deactivated")


@pytest.mark.rule("collectives.archived-closed")
def test_lists_across_collectives_leave_out_archived_ones(world):
    alice, path = Caller(REST, "alice"), "/api/v1/notes?scope=all&limit=200"
    assert "Welcome to the kitchen" in alice.get(path).text

    change(world.collective("kitchen"), archived_at=timezone.now())

    assert "Welcome to the kitchen" not in alice.get(path).text


@pytest.mark.rule("collectives.archived-closed")
@pytest.mark.parametrize("path", [f"{KITCHEN}/", f"{KITCHEN}/members"])
def test_a_page_of_an_archived_collective_leads_to_its_settings(world, path):
    change(world.collective("kitchen"), archived_at=timezone.now())
    alice = Caller(HTML, "alice")

    assert alice.get(path).location == f"{KITCHEN}/settings"
    alice.get(f"{KITCHEN}/settings").assert_done()


@pytest.mark.rule("collectives.archived-closed")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("action", "title", "params"),
    [
        ("create_note", "", {"text": "Still here"}),
        ("update_note", "Welcome to the kitchen", {"text": "Still here"}),
        ("add_comment", "Knife care", {"text": "Still here"}),
        ("confirm_read", "Knife care", {}),
    ],
)
def test_writing_in_an_archived_collective_is_refused(
    world, call, note_path, action, title, params
):
    where = note_path(title) if title else KITCHEN
    alice = call("alice")
    change(world.collective("kitchen"), archived_at=timezone.now())

    alice.act(action, where, **params).assert_refused(403)
