"""Workspaces, the main collective, and the list of the caller's collectives."""

from __future__ import annotations

import pytest

from collectives.models import Collective, CollectiveMember
from tests.fixtures.rows import is_member, roles
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

# --- Workspaces -----------------------------------------------------------------------------


@pytest.mark.rule("workspaces.everybody")
@pytest.mark.parametrize("handle", ["bob", "carol", "scout"])
def test_every_tenant_user_has_a_workspace_with_the_api_enabled(world, handle):
    room = world.workspace(handle)

    assert roles(world, handle, room.handle) == ["admin"]
    assert CollectiveMember.unscoped.filter(collective=room).count() == 1
    assert room.is_api_enabled
    who = Caller(REST, handle)
    who.act("create_note", f"/workspace/{room.handle}", text="Mine").assert_done()


@pytest.mark.rule("workspaces.own-by-address")
@on(HTML, MARKDOWN)
def test_the_workspace_path_redirects_to_the_callers_workspace(world, call):
    for handle in ("bob", "carol"):
        own = f"/workspace/{world.workspace(handle).handle}"
        answer = call(handle).get("/workspace")
        if answer.surface == HTML:
            assert answer.location == own
        else:
            assert f"\npath: {own}\n" in answer.assert_done().text


@pytest.mark.rule("workspaces.own-by-address")
def test_the_workspace_path_redirects_a_visitor_to_sign_in(anonymous):
    answer = anonymous().get("/workspace")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login")


# --- The main collective --------------------------------------------------------------------


@pytest.mark.rule("main.switch-always-on")
@on(MARKDOWN, REST)
def test_the_api_is_always_enabled_in_the_main_collective(world, call):
    Collective.unscoped.filter(is_main=True).update(is_api_enabled=False)

    call("bob").act("create_note", "", text="To everybody").assert_done()


@pytest.mark.rule("main.everybody")
@on(HTML, MARKDOWN, REST)
def test_a_new_agent_is_a_member_of_the_main_collective(world, call):
    call("bob").act("create_ai_agent", name="Gardener").assert_done()

    assert is_member(world, "gardener", "garden")


# --- The list -------------------------------------------------------------------------------


@pytest.mark.rule("collectives.main-unlisted")
@on(HTML, MARKDOWN)
def test_the_page_of_collectives_does_not_list_the_main_one(call):
    text = call("bob").get("/collectives").assert_done().text

    assert "/collectives/kitchen" in text
    assert "/collectives/garden" not in text


@pytest.mark.rule("collectives.main-unlisted")
def test_rest_lists_the_main_collective_too(world):
    listed = Caller(REST, "bob").get("/api/v1/collectives").assert_done().json

    assert sorted(each["handle"] for each in listed) == ["garden", "kitchen"]


@pytest.mark.rule("collectives.listed-by-name")
@on(HTML, MARKDOWN)
def test_collectives_are_listed_by_name_after_those_with_a_heartbeat_due(call):
    for name, handle in (("Zebra", "zebra"), ("Apple", "apple")):
        Caller(HTML, "bob").act("create_collective", name=name, handle=handle).assert_done()

    text = call("bob").get("/collectives").assert_done().text

    places = [text.index(f"/collectives/{each}") for each in ("apple", "zebra", "kitchen")]
    assert places == sorted(places)


# --- Defaults and settings ------------------------------------------------------------------


@pytest.mark.rule("collectives.defaults")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("sent", [{}, {"tempo": "hourly", "synchronization_mode": "jazz"}])
def test_omitted_and_unknown_settings_use_the_defaults(world, call, sent):
    answer = call("carol").act("create_collective", name="Choir", handle="choir", **sent)

    if sent and not answer.is_done():
        answer.assert_invalid()
        return
    row = world.collective("choir")
    assert (row.timezone, row.synchronization_mode) == ("UTC", "improv")
    assert row.tempo in ("daily", "weekly")
    assert (row.kind, row.description) == ("standard", "")


@pytest.mark.rule("collectives.invitations-set")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(("word", "may"), [("all_members", True), ("only_admins", False)])
def test_an_admin_decides_who_can_invite(world, call, word, may):
    call("alice").act(
        "update_collective_settings", "/collectives/kitchen", invitations=word
    ).assert_done()

    assert Caller(HTML, "bob").act("create_invite", "/collectives/kitchen").is_done() is may


@pytest.mark.rule("collectives.fields-needed")
@on(HTML, FORM, MARKDOWN, REST)
def test_an_unknown_time_zone_is_refused(world, call):
    call("alice").act(
        "update_collective_settings", "/collectives/kitchen", timezone="Mars/Olympus"
    ).assert_invalid()

    assert world.collective("kitchen").timezone != "Mars/Olympus"


@pytest.mark.rule("collectives.representation-set")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(("word", "may"), [("any_member", True), ("only_representatives", False)])
def test_an_admin_decides_who_can_represent(world, call, word, may):
    call("alice").act(
        "update_collective_settings", "/collectives/kitchen", representation=word
    ).assert_done()

    assert world.collective("kitchen").any_member_can_represent is may


@pytest.mark.rule("collectives.identity")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_renamed_collective_is_shown_by_its_new_name_everywhere(world, call):
    identity = world.collective("kitchen").identity
    call("alice").act(
        "update_collective_settings", "/collectives/kitchen", name="Stove Crew"
    ).assert_done()

    shown = Caller(REST, "bob").get(f"/api/v1/users/{identity.user_id}").assert_done().json

    assert shown["display_name"] == "Stove Crew"
    assert "Stove Crew" in Caller(HTML, "bob").get("/collectives").text


@pytest.mark.parametrize(
    ("query", "is_available"), [("?handle=pantry", True), ("?handle=kitchen", False), ("", False)]
)
def test_the_form_asks_whether_a_handle_is_available(page, query, is_available):
    answer = page("alice").get(f"/collectives/available{query}")

    assert (answer.status_code, answer.json()) == (200, {"available": is_available})
