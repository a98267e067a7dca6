"""The line that waits for a client's first request, and shows when and from where it connected."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.fixtures.world import make_token, token_client
from tests.mcp.client import CAPABILITIES_KEY, STATELESS, VERSION_KEY, Mcp
from tokens.models import ApiToken

NOON = datetime(2027, 3, 10, 12, 4, tzinfo=UTC)
WAITING = "Waiting for the first request…"
CLIENT_KEY = "io.modelcontextprotocol/clientInfo"
JSON = {"accept": "application/json"}


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def token(noon, world):
    return make_token("alice", agent="scout")


def row_of(plaintext):
    return ApiToken.unscoped.get(token_prefix=plaintext[:8])


def status_path(plaintext):
    return f"/u/scout/settings/tokens/{row_of(plaintext).id}/connection"


def status(page, path):
    answer = page("alice", at=NOON).get(path, headers=JSON)
    assert answer["Content-Type"] == "application/json"
    return answer.json()


def initialize(plaintext, client, **headers):
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
    program = token_client(plaintext, REMOTE_ADDR="203.0.113.77")
    return Mcp(program).result("initialize", params, **headers)


# --- What the pages show --------------------------------------------------------------------


@pytest.mark.parametrize("where", ["token", "agent"])
def test_the_status_waits_until_the_first_request(page, token, where):
    path = status_path(token) if where == "token" else "/ai-agents/scout/connection"
    waiting = {"is_connected": False, "at": None, "from": None, "client": None}
    assert status(page, path) == waiting
    assert WAITING in page("alice").get(f"{path}.md").content.decode()

    initialize(token, {"name": "claude-code", "title": "Claude Code", "version": "2"})

    assert status(page, path) == {
        "is_connected": True,
        "at": "2027-03-10T12:04:00+00:00",
        "from": "203.0.113.0/24",
        "client": "Claude Code",
    }
    said = "Connected: 2027-03-10T12:04:00Z, from 203.0.113.0/24, Claude Code"
    assert said in page("alice").get(f"{path}.md").content.decode()


@pytest.mark.parametrize("path", ["/ai-agents/scout", "/ai-agents/scout/connection"])
def test_pages_show_the_time_of_day_of_a_connection_of_today(page, token, path):
    assert WAITING in page("alice", at=NOON).get(path).content.decode()

    initialize(token, {"name": "Cursor"})

    html = page("alice", at=NOON).get(path).content.decode()
    assert re.search(r"Connected:\s+<time [^>]*>12:04</time>, from 203\.0\.113\.0/24, Cursor", html)
    assert WAITING not in html


def test_an_earlier_day_is_shown_with_its_date(page, token, noon):
    initialize(token, {"name": "Cursor"})
    noon.shift(timedelta(days=2))

    html = page("alice", at=NOON + timedelta(days=2)).get("/ai-agents/scout").content.decode()

    assert re.search(r"Connected:\s+<time [^>]*>10 Mar 2027, 12:04</time>", html)


def test_an_agent_without_a_token_waits_for_nothing(page, world):
    html = page("alice").get("/ai-agents/scout").content.decode()

    assert "scout has no active token." in html
    assert WAITING not in html


def test_any_request_connects_a_token(page, token):
    token_client(token).get("/whoami.md", headers={"user-agent": "curl/8.5.0"})

    assert status(page, status_path(token))["client"] == "curl"


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_others_cannot_see_the_status(page, token, who):
    for path in (status_path(token), "/ai-agents/scout/connection"):
        assert page(who, at=NOON).get(path, headers=JSON).status_code == 403


# --- The name of the client -----------------------------------------------------------------


def test_a_stateless_client_is_named_in_its_metadata(token):
    meta = {VERSION_KEY: STATELESS, CAPABILITIES_KEY: {}, CLIENT_KEY: {"name": "goose"}}
    params = {"name": "fetch_page", "arguments": {"path": "/whoami"}, "_meta": meta}
    headers = {"mcp-protocol-version": STATELESS, "mcp-method": "tools/call"}

    Mcp(token_client(token)).result("tools/call", params, **headers, **{"mcp-name": "fetch_page"})

    assert row_of(token).last_used_by == "goose"


def test_a_client_without_a_name_is_known_by_its_user_agent(token):
    for client in (None, {}, {"name": 3}, {"name": "  "}, "Cursor", ["Cursor"]):
        initialize(token, client, **{"user-agent": "Cursor/1.2"})
        assert row_of(token).last_used_by == "Cursor"
        ApiToken.unscoped.filter(id=row_of(token).id).update(last_used_at=None, last_used_by="")


@pytest.mark.meets("name of an MCP client")
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("x" * 10_000, "x" * 64),
        ("Claude\r\nCode\t\x00", ""),
        ("Claude\r\nCode", "Claude Code"),
        ("\u202eedoC", "edoC"),
        ("\u200b\u200b", ""),
        ("\ud800", ""),
        ("<b>Cursor</b>", "<b>Cursor</b>"),
    ],
    ids=["long", "nul", "lines", "bidi", "invisible", "surrogate", "markup"],
)
def test_the_name_is_stored_as_one_short_line(page, token, sent, stored):
    initialize(token, {"name": sent})

    assert row_of(token).last_used_by == stored
    html = page("alice", at=NOON).get(status_path(token)).content.decode()
    assert "<b>Cursor" not in html


def test_a_token_in_the_name_is_not_stored(token):
    initialize(token, {"name": token})

    assert token not in row_of(token).last_used_by
