"""All routes, callers and methods: each response is allowed by the rule of its route."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import User
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.registry import actions
from tests.access.contents import contents, writes_noted
from tests.access.routes import routes
from tests.access.sweep import (
    ALL,
    BODY,
    KITCHEN,
    MAIN,
    READS,
    WRITES,
    Caller,
    Sweep,
    gate,
    headers_of,
)
from tests.fixtures.world import World

CALLERS = (
    Caller("nobody", ""),
    Caller("session of another tenant", "session", "dave", "summit", is_dead=True),
    Caller("token of another tenant", "token", "dave", "summit", is_dead=True),
    Caller("outsider's session", "session", "carol", places=MAIN),
    Caller("outsider's token", "token", "carol", places=MAIN),
    Caller("member's session", "session", "bob", places=ALL),
    Caller("member's token", "token", "bob", places=ALL),
    Caller("member's read-only token", "token", "bob", places=ALL, is_read_only=True),
    Caller("admin's session", "session", "alice", places=KITCHEN),
    Caller("admin's token", "token", "alice", places=KITCHEN),
    Caller("agent's token", "token", "alice", places=KITCHEN, agent="scout"),
    Caller("suspended person's session", "session", "erin", is_dead=True, is_of_old=True),
    Caller("suspended person's token", "token", "erin", is_dead=True, is_of_old=True),
)
# They are admitted by most routes, and so execute the statements of all.
ON_BOTH_DATABASES = frozenset({"member's token", "admin's session"})


def swept(caller: Caller) -> Any:
    """Return a caller as a parameter of a test."""
    marks = () if caller.name in ON_BOTH_DATABASES else pytest.mark.one_database
    name = caller.name.replace(" ", "_").replace("'s", "")
    return pytest.param(caller, id=name, marks=marks)


@pytest.mark.parametrize("caller", [swept(each) for each in CALLERS])
def test_every_response_is_allowed_by_the_routes_rule(
    caller: Caller, world: World, ids: dict[str, str], quiet: None
):
    headers = headers_of(caller, world)
    sweep = Sweep(caller, headers, ids)

    for route in routes():
        for method in (*READS, *WRITES):
            sweep.ask(route, method)
            if method in WRITES and gate(caller, route, method) is not None:
                sweep.ask(route, method, json.dumps({**BODY, "ai_agent_id": ids["user_id"]}))

    assert sweep.faults == []


# --- The basis of the sweep -----------------------------------------------------------------


def test_every_route_has_a_rule():
    assert [route.pattern for route in routes() if route.rule is None] == []


def test_the_sweep_covers_pages_inside_and_outside_collectives():
    patterns = {route.pattern for route in routes()}

    assert {"whoami", "n/<str:note_id>", "api/v1/notes"} <= patterns
    assert "collectives/<str:collective>/n/<str:note_id>" in patterns
    assert "workspace/<str:collective>/settings" in patterns
    assert {route.place for route in routes()} == {"", "kitchen", "room"}


def test_the_body_of_the_sweep_is_accepted_by_every_action():
    body = RawParams({**BODY, "ai_agent_id": "7f000000-0000-4000-8000-000000000000"})

    for action in actions().values():
        validated(action.params, body)


def test_the_sweep_detects_a_write(world: World):
    before = contents()

    with writes_noted() as written:
        User.objects.filter(email="bob@example.com").update(name="Robert")

    assert written
    assert contents() != before
