"""The routes by which public clients add agents to collectives and remove them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from collectives.models import Collective, CollectiveMember
from tests.fixtures.performing import KITCHEN, id_of, is_member
from tests.fixtures.world import World
from tests.security.conftest import markdown

pytestmark = pytest.mark.django_db

ADD = f"{KITCHEN}/settings/add_ai_agent"
REMOVE = f"{KITCHEN}/settings/remove_ai_agent"
JSON = {"accept": "application/json"}


def send(client: Client, method: str, path: str, **params: Any) -> Any:
    body = json.dumps(params)
    return client.generic(method, path, body, "application/json", headers=JSON)


def kitchen_id() -> str:
    return str(Collective.unscoped.get(handle="kitchen").id)


def take_out(handle: str) -> None:
    CollectiveMember.unscoped.filter(person__handle=handle, collective__handle="kitchen").update(
        archived_at="2026-01-01T00:00:00Z"
    )


def bring_in(handle: str) -> None:
    place = Collective.unscoped.get(handle="kitchen")
    person = World.person(World(None), handle)  # type: ignore[arg-type]  # needs no time
    CollectiveMember.unscoped.bulk_create(
        [
            CollectiveMember(
                tenant_id=place.tenant_id,
                collective=place,
                person=person,
                created_at="2026-01-01T00:00:00Z",
            )
        ]
    )


# --- The collective's settings --------------------------------------------------------------


def test_adding_an_agent_answers_with_the_agent_and_its_parent(api: Any) -> None:
    take_out("scout")

    answer = send(api("alice"), "POST", ADD, ai_agent_id=id_of("scout"))

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "ai_agent_id": id_of("scout"),
            "ai_agent_name": "scout",
            "ai_agent_path": "/u/scout",
            "parent_name": "Alice",
            "parent_path": "/u/alice",
        },
    )
    assert is_member("scout")


def test_the_answer_to_a_removal_states_whether_the_agent_can_be_added_again(
    api: Any, world: World
) -> None:
    bring_in("pilot")

    own = send(api("alice"), "DELETE", REMOVE, ai_agent_id=id_of("scout"))
    anothers = send(api("alice"), "DELETE", REMOVE, ai_agent_id=id_of("pilot"))

    assert own.json() == {
        "ai_agent_id": id_of("scout"),
        "ai_agent_name": "scout",
        "can_readd": True,
    }
    assert anothers.json() == {
        "ai_agent_id": id_of("pilot"),
        "ai_agent_name": "pilot",
        "can_readd": False,
    }
    assert not is_member("scout")
    assert not is_member("pilot")


@pytest.mark.parametrize("who", ["scout", "pilot"])
def test_a_member_who_is_not_an_admin_is_refused_both_forms(
    api: Any, world: World, who: str
) -> None:
    bring_in("pilot")
    bob = api("bob")

    for method, path in (("POST", ADD), ("DELETE", REMOVE)):
        assert send(bob, method, path, ai_agent_id=id_of(who)).status_code == 403

    assert is_member(who)


def test_another_persons_agent_is_not_added(api: Any) -> None:
    answer = send(api("alice"), "POST", ADD, ai_agent_id=id_of("pilot"))

    assert answer.status_code == 403
    assert answer.json()["error"] == "You can only add your own AI agents."


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("pilot", "AI Agent is not a member of this collective."),
        ("bob", "AI Agent not found."),
        ("", "AI Agent not found."),
    ],
)
def test_removing_an_account_that_is_not_an_agent_of_the_collective_is_404(
    api: Any, who: str, sentence: str
) -> None:
    agent_id = id_of(who) if who else "7f000000-0000-4000-8000-000000000000"

    answer = send(api("alice"), "DELETE", REMOVE, ai_agent_id=agent_id)

    assert answer.status_code == 404
    assert answer.json()["error"] == sentence


def test_an_agent_is_not_added_to_a_workspace(api: Any, world: World) -> None:
    room = world.workspace("alice")

    answer = send(
        api("alice"), "POST", f"{room.path}/settings/add_ai_agent", ai_agent_id=id_of("scout")
    )

    assert answer.status_code == 403
    assert not is_member("scout", room.handle)


@pytest.mark.parametrize(
    ("sent", "location"),
    [
        ("/ai-agents/scout", "/ai-agents/scout"),
        ("//evil.example/", f"{KITCHEN}/members"),
        ("https://evil.example/", f"{KITCHEN}/members"),
        ("", f"{KITCHEN}/members"),
    ],
)
def test_a_browser_is_sent_to_a_local_path_alone(page: Any, sent: str, location: str) -> None:
    answer = page("alice").post(ADD, {"ai_agent_id": id_of("scout"), "return_to": sent})

    assert (answer.status_code, answer["Location"]) == (303, location)


def test_a_form_with_a_mistake_can_be_sent_again(page: Any) -> None:
    take_out("scout")
    alice = page("alice")

    shown = alice.post(ADD, {"ai_agent_id": "no id"})

    assert shown.status_code == 422
    assert f'action="{ADD}"' in shown.content.decode()
    assert f'href="{KITCHEN}/settings"' in shown.content.decode()


# --- The agent's profile --------------------------------------------------------------------


@pytest.mark.parametrize("word", ["id", "handle"])
def test_a_parent_adds_an_agent_by_its_profile(api: Any, word: str) -> None:
    take_out("scout")
    sent = kitchen_id() if word == "id" else "kitchen"

    answer = send(api("alice"), "POST", "/u/scout/add_to_collective", collective_id=sent)

    assert (answer.status_code, answer.json()) == (
        200,
        {
            "collective_id": kitchen_id(),
            "collective_name": "Kitchen Crew",
            "collective_path": KITCHEN,
        },
    )
    assert is_member("scout")


def test_a_parent_removes_an_agent_by_its_profile(api: Any) -> None:
    answer = send(
        api("alice"), "DELETE", "/u/scout/remove_from_collective", collective_id=kitchen_id()
    )

    assert (answer.status_code, answer.json()) == (
        200,
        {"collective_id": kitchen_id(), "collective_name": "Kitchen Crew"},
    )
    assert not is_member("scout")


def test_changes_through_the_profile_routes_are_in_the_security_log(api: Any, page: Any) -> None:
    send(api("alice"), "DELETE", "/u/scout/remove_from_collective", collective_id=kitchen_id())
    send(api("alice"), "POST", "/u/scout/add_to_collective", collective_id=kitchen_id())

    told = markdown(page("alice"), "/settings/security")
    assert "scout was removed from Kitchen Crew" in told
    assert "scout was added to Kitchen Crew" in told


FORMS = (("POST", "add_to_collective"), ("DELETE", "remove_from_collective"))


@pytest.mark.parametrize(("method", "form"), FORMS)
def test_another_persons_agent_is_refused(api: Any, method: str, form: str) -> None:
    answer = send(api("bob"), method, f"/u/scout/{form}", collective_id=kitchen_id())

    assert answer.status_code == 403
    assert is_member("scout")


@pytest.mark.parametrize(("method", "form"), FORMS)
def test_a_collective_of_others_is_not_found(api: Any, method: str, form: str) -> None:
    board = str(Collective.unscoped.get(handle="board").id)

    answer = send(api("alice"), method, f"/u/scout/{form}", collective_id=board)

    assert answer.status_code == 404
    assert answer.json()["error"] == "Collective not found"
    assert not is_member("scout", "board")


@pytest.mark.parametrize(("method", "form"), FORMS)
@pytest.mark.parametrize("handle", ["alice", "nobody"])
def test_people_are_not_found_as_agents(api: Any, method: str, form: str, handle: str) -> None:
    answer = send(api("alice"), method, f"/u/{handle}/{form}", collective_id=kitchen_id())

    assert answer.status_code == 404


def test_adding_needs_the_right_to_invite(api: Any) -> None:
    answer = send(api("bob"), "POST", "/u/pilot/add_to_collective", collective_id=kitchen_id())

    assert answer.status_code == 403
    assert not is_member("pilot")


@pytest.mark.parametrize(("method", "form"), FORMS)
def test_the_main_collective_is_refused(api: Any, method: str, form: str) -> None:
    answer = send(api("alice"), method, f"/u/scout/{form}", collective_id="garden")

    assert answer.status_code == 403
    assert is_member("scout", "garden")


@pytest.mark.parametrize(("method", "form"), FORMS)
def test_the_collectives_switch_binds_a_token(api: Any, page: Any, method: str, form: str) -> None:
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)

    answer = send(api("alice"), method, f"/u/scout/{form}", collective_id=kitchen_id())

    assert answer.status_code == 403
    assert answer.json()["code"] == "api_disabled_collective"
    assert is_member("scout")
    # A browser is not bound by it.
    assert send(page("alice"), method, f"/u/scout/{form}", collective_id="kitchen").status_code == (
        200
    )


@pytest.mark.parametrize(("method", "form"), FORMS)
def test_an_archived_collective_is_refused(api: Any, world: World, method: str, form: str) -> None:
    Collective.unscoped.filter(handle="kitchen").update(archived_at=world.now)

    answer = send(api("alice"), method, f"/u/scout/{form}", collective_id=kitchen_id())

    assert answer.status_code == 403
    assert answer.json()["code"] == "collective_archived"
    assert is_member("scout")


@pytest.mark.parametrize(("method", "form"), FORMS)
def test_an_agent_uses_neither_form(api: Any, method: str, form: str) -> None:
    scout = api("alice", agent="scout")

    assert send(scout, method, f"/u/scout/{form}", collective_id="kitchen").status_code == 403
    assert is_member("scout")


@pytest.mark.parametrize(("method", "form"), FORMS)
@pytest.mark.parametrize("scopes", [["read:all"], ["create:users", "delete:users"]])
def test_a_narrow_token_uses_neither_form(
    api: Any, method: str, form: str, scopes: list[str]
) -> None:
    client = api("alice", scopes=scopes)

    assert send(client, method, f"/u/scout/{form}", collective_id="kitchen").status_code == 403
    assert is_member("scout")


def test_a_browser_is_sent_back_to_the_agents_settings(page: Any) -> None:
    answer = page("alice").post("/u/scout/add_to_collective", {"collective_id": "kitchen"})

    assert (answer.status_code, answer["Location"]) == (303, "/ai-agents/scout/settings")


def test_markdown_answers_with_a_document(api: Any) -> None:
    answer = api("alice").post(
        "/u/scout/add_to_collective",
        '{"collective_id": "kitchen"}',
        content_type="application/json",
        headers={"accept": "text/markdown"},
    )

    assert answer.status_code == 200
    assert "scout was added to Kitchen Crew." in answer.content.decode()


# --- The list of members --------------------------------------------------------------------


def test_the_list_of_members_is_served_alone(page: Any, api: Any) -> None:
    answer = page("bob").get(f"{KITCHEN}/members.html")

    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    assert text.lstrip().startswith('<div class="table-region"')
    assert "<html" not in text
    assert all(name in text for name in ("Alice", "Bob", "scout"))
    assert "nav: |" in api("bob").get(f"{KITCHEN}/members.html").content.decode()


def test_the_list_of_members_is_for_members(page: Any, api: Any) -> None:
    assert page("carol").get(f"{KITCHEN}/members.html").status_code == 302
    answer = api("carol").get(f"{KITCHEN}/members.html")
    assert answer.status_code == 403
    assert "Alice" not in answer.content.decode()
    assert page("bob").post(f"{KITCHEN}/members.html").status_code == 405
