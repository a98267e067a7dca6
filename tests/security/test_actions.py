"""The security log of actions on agents, members, settings and profiles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from collectives.models import Collective, Invite
from harmonic.kernel import registry
from tests.fixtures.world import World, make_token
from tests.security.conftest import act, facts, markdown

pytestmark = pytest.mark.django_db

OWN, TENANT = "/settings/security", "/tenant-admin/security"

# Actions not logged as actions: content, notifications, reads, and actions with their own event.
NOT_KEPT = frozenset(
    "create_note update_note add_comment confirm_read pin_note unpin_note restore_note"
    " create_decision update_decision_settings duplicate_decision close_decision add_statement"
    " add_options update_option delete_option vote pin_decision unpin_decision restore_decision"
    " create_commitment update_commitment_settings join_commitment leave_commitment"
    " pin_commitment unpin_commitment restore_commitment"
    " create_table_note add_row update_row delete_row import_rows batch_table_update"
    " add_table_column remove_table_column update_table_description query_rows summarize"
    " create_reminder_note cancel_reminder acknowledge_reminder"
    " create_heartbeat send_heartbeat report_content search"
    " mark_read mark_all_read mark_read_for_collective"
    " dismiss dismiss_all dismiss_for_collective update_notification_preferences"
    " update_scratchpad run_ai_agent cancel_ai_agent_run".split()
)
OF_THEIR_OWN = frozenset(
    "connect_ai_agent create_api_token rename_api_token rotate_api_token delete_api_token"
    " delete_note delete_decision delete_commitment".split()
)


@dataclass(frozen=True)
class Case:
    """An action in the browser, and its expected entry in the log."""

    who: str
    path: str
    event: str
    sentence: str
    params: dict[str, Any] = field(default_factory=dict)
    about: str = ""


CASES = {
    "an agent is made": Case(
        "alice",
        "/ai-agents/new/actions/create_ai_agent",
        "user_action",
        "Created the external agent Helper with the capabilities create note, vote",
        {"name": "Helper", "capabilities": ["create_note", "vote"]},
        "helper",
    ),
    "an agent gets other capabilities": Case(
        "bob",
        "/ai-agents/pilot/settings/actions/update_ai_agent",
        "user_action",
        "The agent pilot was changed: granted delete note; withdrew",
        {"capabilities": ["create_note", "delete_note"]},
        "pilot",
    ),
    "an agent may write publicly no more": Case(
        "bob",
        "/ai-agents/pilot/settings/actions/update_ai_agent",
        "user_action",
        "The agent pilot was changed: identity prompt; “posts in the main collective” off",
        {"allow_public_writes": False, "identity_prompt": "Words of mine"},
        "pilot",
    ),
    "an agent is deactivated": Case(
        "bob",
        "/ai-agents/pilot/settings/actions/deactivate_ai_agent",
        "user_action",
        "The agent pilot was deactivated",
        about="pilot",
    ),
    "an agent is paused": Case(
        "bob",
        "/ai-agents/pilot/actions/pause_ai_agent",
        "user_action",
        "The agent pilot was paused",
        about="pilot",
    ),
    "a handle changes": Case(
        "bob",
        "/u/bob/settings/actions/update_profile",
        "user_action",
        "The profile was changed: handle from “bob” to “robert”",
        {"new_handle": "robert"},
    ),
    "a collective is made": Case(
        "bob",
        "/collectives/new/actions/create_collective",
        "user_action",
        "Created the collective Choir, with the API enabled",
        {"name": "Choir", "handle": "choir", "api_enabled": True},
    ),
    "an invitation is made": Case(
        "alice",
        "/collectives/kitchen/invite/actions/create_invite",
        "user_action",
        "Created an invitation to Kitchen Crew, valid until",
    ),
    "a member leaves": Case(
        "bob",
        "/collectives/kitchen/members/actions/leave_collective",
        "user_action",
        "Left Kitchen Crew",
    ),
    "an agent is taken out of a collective": Case(
        "alice",
        "/collectives/kitchen/members/actions/remove_ai_agent_from_collective",
        "user_action",
        "scout was removed from Kitchen Crew",
        {"ai_agent_id": "scout"},
        "scout",
    ),
    "a member gets a role": Case(
        "alice",
        "/collectives/kitchen/members/actions/update_member_roles",
        "admin_action",
        "Bob was made admin of Kitchen Crew",
        {"user_handle": "bob", "role": "admin", "grant": True},
        "bob",
    ),
    "a member is removed": Case(
        "alice",
        "/collectives/kitchen/members/actions/remove_member",
        "admin_action",
        "Bob was removed from Kitchen Crew",
        {"user_handle": "bob"},
        "bob",
    ),
    "a collective is opened": Case(
        "alice",
        "/collectives/kitchen/settings/actions/update_collective_settings",
        "admin_action",
        "The settings of Kitchen Crew were changed: “every member can invite” on;"
        " “any member can represent it” on",
        {"invitations": "all_members", "representation": "any_member"},
    ),
    "settings of the tenant change": Case(
        "alice",
        "/tenant-admin/settings/actions/update_tenant_settings",
        "admin_action",
        "The settings of the tenant were changed: timezone from “UTC” to “Europe/Vienna”;"
        " “internal AI agents” off",
        {"timezone": "Europe/Vienna", "feature_ai_agents": False},
    ),
    "somebody is made a tenant admin": Case(
        "alice",
        "/tenant-admin/users/bob/actions/update_tenant_roles",
        "admin_action",
        "Bob is now a tenant admin",
        {"role": "admin", "grant": True},
        "bob",
    ),
    "somebody is removed from the tenant": Case(
        "alice",
        "/tenant-admin/users/bob/actions/remove_from_tenant",
        "admin_action",
        "Bob was removed from the tenant",
        about="bob",
    ),
}


def sent(case: Case, world: World) -> dict[str, Any]:
    params = dict(case.params)
    if "ai_agent_id" in params:
        params["ai_agent_id"] = str(world.user(params["ai_agent_id"]).id)
    return params


@pytest.mark.parametrize("name", CASES)
def test_the_log_records_and_displays_each_action(
    name: str, page: Any, seen: Any, world: World
) -> None:
    case = CASES[name]
    actor = world.user(case.who).id

    client = page(case.who)

    answer = act(client, f"{case.path}.json", **sent(case, world))

    assert answer.status_code in {200, 201}, answer.content
    [row] = seen(case.event)
    assert row.user_id == actor
    assert row.subject_id == (world.user(case.about).id if case.about else actor)
    assert row.data["action"] == case.path.rpartition("/")[2]
    path = TENANT if case.about == "bob" else OWN
    assert case.sentence in markdown(client, f"{path}?event={case.event}")


def test_adding_an_agent_to_a_collective_is_logged_once(page: Any, seen: Any, world: World) -> None:
    alice = page("alice")
    act(alice, "/ai-agents/new/actions/create_ai_agent.json", name="Helper")
    agent = world.user("helper")

    for _ in range(2):
        path = "/collectives/kitchen/members/actions/add_ai_agent_to_collective.json"
        act(alice, path, ai_agent_id=str(agent.id))

    made, brought = seen("user_action")
    assert (made.subject_id, brought.subject_id) == (agent.id, agent.id)
    assert "Helper was added to Kitchen Crew" in markdown(alice, OWN)


def test_the_subject_of_an_event_sees_it_too(page: Any) -> None:
    act(
        page("alice"),
        "/collectives/kitchen/members/actions/update_member_roles.json",
        user_handle="bob",
        role="representative",
        grant=True,
    )

    assert "Bob was made representative of Kitchen Crew" in markdown(page("bob"), OWN)


def test_the_event_of_joining_names_the_inviter(page: Any, seen: Any) -> None:
    act(page("alice"), "/collectives/kitchen/invite/actions/create_invite.json")
    code = Invite.unscoped.get(collective__handle="kitchen").code

    act(page("carol"), "/collectives/kitchen/join/actions/join_collective.json", code=code)

    assert "Joined Kitchen Crew, invited by Alice" in markdown(page("carol"), OWN)
    made, joined = seen("user_action")
    assert made.data["invite_id"] == joined.data["invite_id"]
    assert code not in json.dumps([made.data, joined.data])


def test_revoking_a_link_is_logged_once(page: Any, seen: Any) -> None:
    alice, path = page("alice"), "/collectives/kitchen/invite/actions"
    act(alice, f"{path}/create_invite.json")
    for _ in range(2):
        act(alice, f"{path}/revoke_invite.json")

    assert "Revoked the invitation link to Kitchen Crew" in markdown(alice, OWN)
    assert [row.data["action"] for row in seen()] == ["create_invite", "revoke_invite"]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/u/bob/settings/actions/update_profile", {"name": "Bob", "new_handle": "bob"}),
        ("/ai-agents/pilot/settings/actions/reactivate_ai_agent", {}),
        ("/ai-agents/pilot/settings/actions/update_ai_agent", {"allow_public_writes": True}),
    ],
)
def test_an_action_without_effect_is_not_logged(
    path: str, params: dict[str, Any], page: Any, seen: Any
) -> None:
    assert act(page("bob"), f"{path}.json", **params).status_code == 200

    assert seen() == []


def test_repeating_an_invitation_logs_no_second_event(page: Any, seen: Any) -> None:
    for _ in range(2):
        act(page("alice"), "/collectives/kitchen/invite/actions/create_invite.json")

    assert len(seen("user_action")) == 1


def test_a_refused_action_is_not_logged_as_done(page: Any, seen: Any) -> None:
    answer = act(
        page("bob"),
        "/collectives/kitchen/settings/actions/update_collective_settings.json",
        invitations="all_members",
    )

    assert answer.status_code == 403
    assert {row.event for row in seen()} == {"permission_denied"}


def test_the_log_contains_no_user_text(page: Any, seen: Any) -> None:
    plaintext = make_token("bob")
    act(
        page("alice"),
        "/collectives/kitchen/settings/actions/update_collective_settings.json",
        name=f"Was {plaintext}",
        description="Words of mine",
    )
    act(
        page("bob"),
        "/ai-agents/pilot/settings/actions/update_ai_agent.json",
        identity_prompt="Words of mine",
    )

    kept = json.dumps([row.data for row in seen()])

    assert "Words of mine" not in kept
    assert plaintext not in kept
    assert '"description": []' in kept
    assert '"identity_prompt": []' in kept


# --- Agents and their tokens ----------------------------------------------------------------


def deactivate_on_its_page(page: Any, api: Any, world: World) -> Any:
    return act(page("alice"), "/ai-agents/scout/settings/actions/deactivate_ai_agent.json")


def archive_over_rest(page: Any, api: Any, world: World) -> Any:
    path = f"/api/v1/users/{world.user('scout').id}"
    return api("alice").put(path, '{"archived": true}', content_type="application/json")


@pytest.mark.parametrize("way", [deactivate_on_its_page, archive_over_rest])
def test_deactivating_an_agent_logs_its_revoked_tokens(
    way: Any, page: Any, api: Any, seen: Any, world: World
) -> None:
    for _ in range(2):
        make_token("alice", agent="scout")

    assert way(page, api, world).status_code == 200

    [ended] = seen("tokens_ended")
    assert facts(ended) == {"count": 2}
    assert ended.subject_id == world.user("scout").id
    document = markdown(page("alice"), OWN)
    assert "All tokens of scout were revoked (2)" in document
    assert "The agent scout was deactivated" in document


def test_deleting_an_agent_is_logged_as_a_deletion(
    page: Any, api: Any, seen: Any, world: World
) -> None:
    act(page("alice"), "/ai-agents/new/actions/create_ai_agent.json", name="Brief")
    agent = world.user("brief").id

    renamed = '{"display_name": "Short"}'
    api("alice").put(f"/api/v1/users/{agent}", renamed, content_type="application/json")
    assert api("alice").delete(f"/api/v1/users/{agent}").status_code == 200

    recorded = [facts(row)["action"] for row in seen("user_action")]
    assert recorded == ["create_ai_agent", "update_profile", "delete_user"]
    document = markdown(page("alice"), OWN)
    assert document.count("(@brief, deleted) was deleted") == 1


def test_reactivating_an_agent_is_logged_on_both_surfaces(
    page: Any, api: Any, seen: Any, world: World
) -> None:
    archive_over_rest(page, api, world)
    act(page("alice"), "/ai-agents/scout/settings/actions/reactivate_ai_agent.json")
    archive_over_rest(page, api, world)
    path = f"/api/v1/users/{world.user('scout').id}"
    api("alice").put(path, '{"archived": false}', content_type="application/json")

    assert len(seen("user_action")) == 4
    assert markdown(page("alice"), OWN).count("The agent scout was reactivated") == 2


def test_removal_from_the_tenant_logs_each_token_and_agent(
    page: Any, seen: Any, world: World
) -> None:
    make_token("bob")
    make_token("bob", agent="pilot")

    act(page("alice"), "/tenant-admin/users/bob/actions/remove_from_tenant.json")

    ended = {row.subject_id: facts(row)["count"] for row in seen("tokens_ended")}
    assert ended == {world.user("bob").id: 1, world.user("pilot").id: 1}


def test_handle_changes_over_rest_are_logged(api: Any, page: Any, seen: Any, world: World) -> None:
    kitchen = Collective.unscoped.get(handle="kitchen")
    alice = api("alice")
    alice.put(
        f"/api/v1/users/{world.user('scout').id}",
        '{"handle": "lookout"}',
        content_type="application/json",
    )
    alice.put(
        f"/api/v1/collectives/{kitchen.id}",
        '{"handle": "stove", "force_update": true}',
        content_type="application/json",
    )

    document = markdown(page("alice"), OWN)

    assert "The profile of scout was changed: handle from “scout” to “lookout”" in document
    changed = "The settings of Kitchen Crew were changed: handle from “kitchen” to “stove”"
    assert changed in document


# --- Who reads what -------------------------------------------------------------------------


def test_an_admin_sees_no_names_of_collectives_without_membership(page: Any) -> None:
    act(
        page("carol"),
        "/collectives/board/settings/actions/update_collective_settings.json",
        invitations="all_members",
    )

    document = markdown(page("alice"), f"{TENANT}?event=admin_action")

    assert "The settings of a collective that you are not a member of were changed" in document
    assert "Board Room" not in document
    assert "The settings of Board Room were changed" in markdown(page("carol"), OWN)


def test_every_action_declares_whether_it_is_logged() -> None:
    actions = registry.actions()

    silent = {name for name, action in actions.items() if action.logged is None}

    assert silent == NOT_KEPT | OF_THEIR_OWN
