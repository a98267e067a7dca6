"""No surface changes an agent that is archived, until its parent reactivates it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.agents.models import Agent
from accounts.models import TenantUser, User
from tests.fixtures.performing import perform_on, refused
from tests.fixtures.world import World

pytestmark = pytest.mark.django_db

SETTINGS = "/ai-agents/scout/settings"
INACTIVE = "This agent is inactive."
SURFACES = pytest.mark.parametrize("surface", ["html", "markdown", "json"])
USER = "/api/v1/users/scout"


@pytest.fixture
def inactive(world: World) -> None:
    perform_on("json", "alice", f"{SETTINGS}/actions/deactivate_ai_agent")
    assert agent().archived_at


def agent() -> TenantUser:
    return TenantUser.unscoped.select_related("user").get(
        tenant__subdomain="garden", user__email=User.objects.get(name="scout").email
    )


def state() -> tuple[Any, ...]:
    row = agent()
    settings = Agent.objects.values_list().get(user=row.user_id)
    return (row.handle, row.display_name, row.user.name, settings)


FORMS = [
    (f"{SETTINGS}/actions/update_ai_agent", {"new_handle": "lookout", "capabilities": ["vote"]}),
    (SETTINGS, {"identity_prompt": "Other words"}),
    (f"{SETTINGS}/actions/update_profile", {"new_handle": "lookout"}),
    ("/u/scout/settings/actions/update_profile", {"new_handle": "lookout"}),
    ("/u/scout/settings/profile", {"new_handle": "lookout"}),
]


@SURFACES
@pytest.mark.parametrize(("path", "params"), FORMS)
def test_an_inactive_agent_is_not_changed_on_a_page(
    inactive: None, surface: str, path: str, params: dict[str, Any]
) -> None:
    before = state()

    assert refused(perform_on(surface, "alice", path, **params), 403, INACTIVE)
    assert state() == before


@SURFACES
@pytest.mark.parametrize(("path", "params"), FORMS)
def test_an_active_agent_is_changed_on_a_page(
    world: World, surface: str, path: str, params: dict[str, Any]
) -> None:
    before = state()

    assert perform_on(surface, "alice", path, **params).status_code in {200, 303}
    assert state() != before


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize(
    "body",
    [
        {"display_name": "Lookout"},
        {"handle": "lookout"},
        {"archived": True, "display_name": "Lookout"},
    ],
)
def test_an_inactive_agent_is_not_changed_over_rest(
    api: Any, inactive: None, method: str, body: dict[str, Any]
) -> None:
    before = state()

    answer = getattr(api("alice"), method)(USER, json.dumps(body), "application/json")

    assert answer.status_code == 403
    assert answer.json()["error"] == INACTIVE
    assert "/ai-agents/scout/settings" in answer.json()["hint"]
    assert state() == before


def test_an_agent_can_be_changed_in_the_request_that_reactivates_it(
    api: Any, inactive: None
) -> None:
    body = json.dumps({"archived": False, "display_name": "Lookout"})

    answer = api("alice").put(USER, body, "application/json")

    assert answer.status_code == 200
    assert (answer.json()["display_name"], answer.json()["archived_at"]) == ("Lookout", None)


def test_archiving_again_changes_nothing(api: Any, inactive: None) -> None:
    before = agent().archived_at

    assert api("alice").put(USER, '{"archived": true}', "application/json").status_code == 200
    assert agent().archived_at == before


def test_the_pages_of_an_inactive_agent_offer_only_to_reactivate_it(
    page: Any, api: Any, inactive: None
) -> None:
    actions = api("alice").get(f"{SETTINGS}/actions.json").json()["actions"]
    assert [each["name"] for each in actions] == ["reactivate_ai_agent"]

    assert 'name="new_handle"' not in page("alice").get("/u/scout/settings").content.decode()


@SURFACES
def test_reactivation_restores_memberships_and_workspace_but_not_tokens(
    api: Any, world: World, surface: str
) -> None:
    scout = api("alice", agent="scout")
    perform_on("json", "alice", f"{SETTINGS}/actions/deactivate_ai_agent")
    assert world.workspace("scout").archived_at

    answer = perform_on(surface, "alice", f"{SETTINGS}/actions/reactivate_ai_agent")

    assert answer.status_code in {200, 303}
    assert world.workspace("scout").archived_at is None
    assert scout.get("/whoami").status_code == 401
    assert api("alice", agent="scout").get("/collectives/kitchen").status_code == 200
