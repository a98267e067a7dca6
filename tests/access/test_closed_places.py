"""Every route refuses a collective that is closed, archived or not the caller's.

The routes come from the resolver: whichever has a collective's handle or id in its path, below
the collective's own prefix or anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from collectives.models import Collective, CollectiveMember
from collectives.rules.members import add_member
from harmonic.kernel.database.tenancy import tenant_bound
from tests.access.contents import contents
from tests.access.routes import Route, ids_of, routes
from tests.access.stage import Stage
from tests.fixtures.world import World, anonymous_client, make_token, sign_in, token_client

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Texts that only members of the kitchen can read.
INSIDE = ("Who cooks, and how.", "Knife care", "Welcome to the kitchen", "Sharpen")
BODY = json.dumps({"name": "Taken over", "text": "Taken over", "code": "x", "user_handle": "erin"})


def switch_off(world: World) -> None:
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)


def archive(world: World) -> None:
    Collective.unscoped.filter(handle="kitchen").update(archived_at=timezone.now())


def end_membership(world: World) -> None:
    members = CollectiveMember.unscoped.filter(collective=world.collective("kitchen"))
    members.filter(person=world.person("bob")).update(archived_at=timezone.now())


STATES: dict[str, tuple[Callable[[World], None], frozenset[str]]] = {
    "closed": (switch_off, frozenset({"api_disabled_collective"})),
    "archived": (archive, frozenset({"collective_archived"})),
    "not a member": (end_membership, frozenset({"not_a_member", "not_found"})),
}
# Routes open by rule in that state: those to join, and the settings of an archived collective.
OPEN = {
    "closed": (),
    "archived": ("/settings",),
    "not a member": ("/join",),
}


def routes_naming_the_kitchen(state: str) -> Iterator[Route]:
    for route in routes():
        names_it = "<str:collective_id>" in route.pattern or route.place == "kitchen"
        if names_it and not any(word in f"/{route.pattern}" for word in OPEN[state]):
            yield route


@pytest.mark.parametrize("state", STATES)
def test_no_route_admits_a_token(world: World, state: str):
    change, codes = STATES[state]
    client = Client(raise_request_exception=False, headers=headers_of_bob())
    ids = ids_of(world)
    change(world)
    before, faults = contents(), []

    for route in routes_naming_the_kitchen(state):
        for method in METHODS:
            path = route.path(ids)
            response = client.generic(method, path, BODY, "application/json")
            is_refused = response.status_code in {403, 404, 405}
            if not is_refused or any(word in response.text for word in INSIDE):
                faults.append(f"{method} {path} {response.status_code}")
            if response.status_code == 403 and response.json()["code"] not in codes:
                faults.append(f"{method} {path} {response.json()['code']}")

    assert faults == []
    assert contents() == before


def test_no_route_admits_an_agent_whose_parent_left(world: World):
    with tenant_bound(world.tenant().id):
        add_member(world.collective("kitchen"), world.person("pilot"), now=world.now)
    client = Client(
        raise_request_exception=False, headers=headers_with(make_token("bob", agent="pilot"))
    )
    ids = ids_of(world)
    left = token_client(make_token("bob")).post(
        "/collectives/kitchen/members/actions/leave_collective"
    )
    before, faults = contents(), []

    for route in routes_naming_the_kitchen("not a member"):
        for method in METHODS:
            path = route.path(ids)
            response = client.generic(method, path, BODY, "application/json")
            is_refused = response.status_code in {403, 404, 405}
            if not is_refused or any(word in response.text for word in INSIDE):
                faults.append(f"{method} {path} {response.status_code}")

    assert left.status_code == 200
    assert faults == []
    assert contents() == before


def headers_of_bob() -> dict[str, str]:
    return headers_with(make_token("bob"))


def headers_with(plaintext: str) -> dict[str, str]:
    return {
        "host": "garden.localhost",
        "authorization": f"Bearer {plaintext}",
        "accept": "application/json",
    }


@pytest.mark.parametrize("state", ["archived", "not a member"])
def test_no_route_admits_a_session(world: World, state: str):
    change, _ = STATES[state]
    browser = anonymous_client(raise_request_exception=False)
    sign_in(browser, "bob", "garden")
    ids = ids_of(world)
    change(world)
    before, faults = contents(), []

    for route in routes_naming_the_kitchen(state):
        for method in METHODS:
            path = route.path(ids)
            response = browser.generic(method, path, BODY, "application/json")
            is_refused = response.status_code in {302, 401, 403, 404, 405}
            if not is_refused or any(word in response.text for word in INSIDE):
                faults.append(f"{method} {path} {response.status_code}")

    assert faults == []
    assert contents() == before


def test_the_routes_include_those_outside_the_collectives_prefix():
    patterns = {route.pattern for route in routes_naming_the_kitchen("closed")}

    assert "api/v1/collectives/<str:collective_id>" in patterns
    assert "api/v1/collectives/<str:collective_id>/members" in patterns
    assert "workspace/<str:collective>/api/v1/collectives/<str:collective_id>" in patterns


# --- What stays -----------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["handle", "id"])
@pytest.mark.parametrize("method", ["get", "put", "patch"])
def test_a_closed_collective_addressed_by_id_names_who_can_enable_it(
    world: World, method: str, word: str
):
    treasury = world.collective("treasury")
    named = treasury.handle if word == "handle" else treasury.id
    carol = token_client(make_token("carol"))

    response = getattr(carol, method)(
        f"/api/v1/collectives/{named}", {"name": "X"}, content_type="application/json"
    )

    assert response.status_code == 403
    assert response.json()["error"] == "API not enabled for this collective"
    assert "/collectives/treasury/settings" in response.json()["hint"]
    assert world.collective("treasury").name == "Treasury"


def test_the_tokens_reach_reports_the_same(world: World):
    alice = token_client(make_token("alice"))

    reach = alice.get("/api/v1/tokens/self").json()["reach"]

    treasury = next(each for each in reach if each["collective"]["handle"] == "treasury")
    assert "api_disabled_collective" in json.dumps(treasury)


@pytest.mark.parametrize("path", ["/collectives", "/whoami", "/", "/u/carol"])
def test_a_list_marks_a_collective_that_is_closed_to_the_token(world: World, page: Any, path: str):
    markdown = {"accept": "text/markdown"}
    to_token = token_client(make_token("alice")).get(path, headers=markdown).text
    to_session = page("alice").get(path, headers=markdown).text

    assert "[Treasury](/collectives/treasury) (API off)" in to_token
    assert "[Treasury](/collectives/treasury)" in to_session
    assert "(API off)" not in to_session


def test_an_internal_token_ignores_the_switches(world: World):
    switch_off(world)
    steward = token_client(Stage(world).internal_token())

    assert steward.get("/api/v1/collectives/kitchen").status_code == 200


def test_the_main_collective_answers_by_id_regardless_of_its_switch(world: World):
    Collective.unscoped.filter(is_main=True).update(is_api_enabled=False)
    bob = token_client(make_token("bob"))

    assert bob.get("/api/v1/collectives/garden").status_code == 200
