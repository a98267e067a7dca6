"""All routes while the API is disabled in the tenant, in a collective, or in both.

A token of a person or of an external agent is refused, first by the tenant's switch and then
by the collective's. An internal agent and a session reach what they reach otherwise.
"""

from __future__ import annotations

import pytest

from accounts.models import Tenant
from collectives.models import Collective
from tests.access.routes import Route, routes
from tests.access.sweep import (
    ALL,
    KITCHEN,
    WRITES,
    Caller,
    Sweep,
    Switches,
    closed_by,
    headers_of,
)
from tests.fixtures.world import World

pytestmark = pytest.mark.one_database

PERSON = Caller("person's token", "token", "bob", places=ALL)
AGENT = Caller("agent's token", "token", "alice", places=KITCHEN, agent="scout")
INTERNAL = Caller("internal agent's token", "token", "steward", places=KITCHEN, is_internal=True)
SESSION = Caller("session", "session", "bob", places=ALL)
SHORT = ("GET", "POST")
BOUND, UNBOUND = (PERSON, AGENT), (INTERNAL, SESSION)

STATES = {
    "tenant off": Switches(tenant=False),
    "collective off": Switches(kitchen=False),
    "both off": Switches(tenant=False, kitchen=False),
}


def sweep_of(caller: Caller, world: World, ids: dict[str, str], switches: Switches) -> Sweep:
    """Give the caller a token or a session, then set the switches."""
    headers = headers_of(caller, world)
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=switches.tenant)
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=switches.kitchen)
    return Sweep(caller, headers, ids, switches)


def named(caller: Caller) -> str:
    return caller.name.replace(" ", "_").replace("'s", "")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("caller", BOUND, ids=named)
def test_a_token_is_refused_exactly_where_a_switch_is_off(
    caller: Caller, state: str, world: World, ids: dict[str, str], quiet: None
):
    sweep = sweep_of(caller, world, ids, STATES[state])

    for route in routes():
        for method in ("GET", *WRITES):
            if method in SHORT or closed_by(STATES[state], caller, route, method):
                sweep.ask(route, method)

    assert sweep.faults == []


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("caller", UNBOUND, ids=named)
def test_switches_affect_neither_sessions_nor_internal_agents(
    caller: Caller, state: str, world: World, ids: dict[str, str], quiet: None
):
    sweep = sweep_of(caller, world, ids, STATES[state])

    for route in routes():
        for method in SHORT:
            sweep.ask(route, method)

    assert sweep.faults == []


# --- What the rule of the sweep is ----------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "state", "code"),
    [
        ("whoami", "tenant off", "api_disabled_tenant"),
        ("whoami", "collective off", ""),
        ("whoami", "both off", "api_disabled_tenant"),
        ("collectives/<str:collective>/members", "tenant off", "api_disabled_tenant"),
        ("collectives/<str:collective>/members", "collective off", "api_disabled_collective"),
        ("collectives/<str:collective>/members", "both off", "api_disabled_tenant"),
        ("api/v1/collectives/<str:collective_id>", "collective off", "api_disabled_collective"),
        ("api/v1/notes", "collective off", ""),
        ("workspace/<str:collective>/api/v1/notes", "collective off", ""),
        ("login", "both off", ""),
    ],
)
def test_the_sweep_expects_the_tenants_refusal_first(pattern: str, state: str, code: str):
    assert closed_by(STATES[state], PERSON, route_of(pattern), "GET") == code
    assert closed_by(STATES[state], SESSION, route_of(pattern), "GET") == ""
    assert closed_by(STATES[state], INTERNAL, route_of(pattern), "GET") == ""


def route_of(pattern: str) -> Route:
    return next(route for route in routes() if route.pattern == pattern)
