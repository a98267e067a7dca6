"""A forbidden request has the same reason and code in HTML and Markdown, REST, MCP and a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from harmonic.runner import queue
from harmonic.runner.engine.tool_calls import ToolCalls
from tests.fixtures.rows import change
from tests.fixtures.world import World, make_token, token_client
from tests.mcp.client import Mcp
from tests.runner.model_server import acts
from tests.runner.runs import Runs

KITCHEN, BOARD = "/collectives/kitchen", "/collectives/board"
BODY = {"text": "Soup"}


@dataclass(frozen=True)
class Case:
    """A refused write: its caller, place, preceding change and code."""

    where: str
    code: str
    change: Callable[[World], Any] = lambda world: None
    scope: str = "write"
    agent: str | None = "scout"
    parent: str = "alice"


CASES = {
    "not a member": Case(BOARD, "not_a_member"),
    "read-only token": Case(KITCHEN, "insufficient_scope", scope="read"),
    "tenant switch": Case(
        KITCHEN,
        "api_disabled_tenant",
        lambda world: change(world.tenant(), is_api_enabled=False),
    ),
    "collective switch": Case(
        KITCHEN,
        "api_disabled_collective",
        lambda world: change(world.collective("kitchen"), is_api_enabled=False),
    ),
    "archived collective": Case(
        KITCHEN,
        "collective_archived",
        lambda world: change(world.collective("kitchen"), archived_at=world.now),
    ),
    "capability": Case(
        KITCHEN,
        "capability_denied",
        lambda world: change(world.agent("scout"), capability_names=["pin_note"]),
    ),
    "public writes": Case(
        "", "forbidden", lambda world: change(world.agent("scout"), may_write_publicly=False)
    ),
    "paused": Case(
        KITCHEN,
        "agent_paused",
        lambda world: change(world.agent("scout"), paused_at=world.now),
    ),
    "unknown collective": Case("/collectives/nowhere", "not_found"),
}


# Browsers are those of people: without a token, capabilities, a parent and API switches.
OF_PEOPLE = ["not a member", "archived collective", "unknown collective"]


@pytest.mark.parametrize("name", CASES)
def test_a_write_is_refused_alike_on_every_surface(world, page, name):
    case = CASES[name]
    client = token_client(make_token(case.parent, case.scope, agent=case.agent))
    case.change(world)
    action = f"{case.where}/note/actions/create_note"

    json, markdown = (
        client.post(action, BODY, content_type="application/json", headers={"accept": accept})
        for accept in ("application/json", "text/markdown")
    )
    page_json = json.json()
    rest = client.post(f"{case.where}/api/v1/notes", BODY, content_type="application/json").json()
    tool = Mcp(client).act(f"{case.where}/note", "create_note", BODY)["structuredContent"]

    assert page_json["code"] == rest["code"] == tool["code"] == case.code
    assert page_json["status"] == rest["status"] == tool["status"] == markdown.status_code
    assert page_json["error"] == rest["error"] == tool["error"]
    assert page_json.get("hint") == tool.get("hint")
    assert page_json["error"] in markdown.content.decode().replace("\\", "")
    if name in OF_PEOPLE:
        html = page("bob").post(action, BODY)
        refused = html.wsgi_request.refused
        assert html["Content-Type"].startswith("text/html")
        assert (html.status_code, refused.code) == (rest["status"], case.code)
        assert refused.message == rest["error"]


# Internal tokens are exempt from the API switches, and always have all scopes.
OF_RUNS = [
    name for name in CASES if name not in {"read-only token", "tenant switch", "collective switch"}
]
SECOND = {
    "capability": lambda world: change(world.agent("steward"), capability_names=["pin_note"]),
    "public writes": lambda world: change(world.agent("steward"), may_write_publicly=False),
    "paused": lambda world: change(world.agent("steward"), paused_at=world.now),
}


@pytest.mark.rule("runs.nothing-more")
@pytest.mark.parametrize("name", OF_RUNS)
def test_a_run_is_refused_as_a_tool_is(world, name):
    """The run is of another agent of the same parent, in the same collectives."""
    case, runs = CASES[name], Runs()
    client = Mcp(token_client(make_token(case.parent, agent=case.agent)))
    run = runs.queue()
    started = queue.claim_next(run.tenant_id, run.id, world.now)
    assert started is not None
    case.change(world)
    SECOND.get(name, lambda world: None)(world)
    visibility = "shared" if case.where else "public"

    tool = client.act(f"{case.where}/note", "create_note", BODY, visibility)["structuredContent"]
    calls = ToolCalls("garden", started.token, str(run.id))
    result = calls.call(*acts(f"{case.where}/note", "create_note", BODY, visibility))

    assert result.is_error
    assert result.facts["code"] == tool["code"] == case.code
    assert result.facts["status"] == tool["status"]
    assert result.facts["error"] == tool["error"]
    assert result.facts.get("hint", "") == tool.get("hint", "").replace("scout", "steward")


READS = [
    KITCHEN,
    BOARD,
    "/",
    "/u/bob/settings/tokens",
    "/ai-agents",
    "/tenant-admin/settings",
    "/u/alice",
    "/help/agents",
    "/nope",
]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(("parent", "agent"), [("alice", "scout"), ("bob", None), ("carol", None)])
def test_a_page_answers_a_tool_as_it_answers_the_same_token(world, path, parent, agent):
    client = token_client(make_token(parent, agent=agent))
    shown = client.get(path, headers={"accept": "text/markdown"})
    tool = Mcp(client, agent or parent).read(path)

    assert tool["structuredContent"]["status"] == shown.status_code
    assert tool.get("isError", False) is (shown.status_code >= 300)
