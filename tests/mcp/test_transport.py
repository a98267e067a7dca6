"""Requests that the MCP endpoint accepts over HTTP, and the order of its refusals."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from harmonic.mcp.middleware import BURST, MAX_BODY, SUSTAINED
from tests.fixtures.rows import change
from tests.fixtures.world import host, make_token, token_client
from tests.mcp.client import Mcp, mcp_of
from tokens.models import ApiToken

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def error_of(response: Any, status: int) -> Any:
    body = json.loads(response.content)
    assert response.status_code == status, body
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert body["jsonrpc"] == "2.0"
    return body["error"]


def test_a_host_without_a_tenant_answers_404_without_a_body(world):
    for name in ("nowhere", ""):
        response = Mcp(token_client(make_token("bob"), name)).post(PING)
        assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize("method", ["get", "delete", "put", "patch"])
def test_only_post_is_answered(world, method):
    response = getattr(mcp_of().client, method)("/mcp")
    assert response.status_code == 405
    assert response["Allow"] == "POST"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://garden.localhost", 200),
        ("https://garden.localhost", 200),
        ("https://evil.example", 403),
        ("http://harbor.localhost", 403),
        ("null", 403),
    ],
)
def test_browsers_of_other_sites_are_refused(world, origin, status):
    response = mcp_of().post(PING, origin=origin)
    assert response.status_code == status
    if status == 403:
        assert error_of(response, 403) == {"code": -32600, "message": "Invalid Origin"}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json, text/event-stream", 200),
        ("*/*", 200),
        ("text/event-stream", 406),
        ("text/html", 406),
    ],
)
def test_the_answer_is_json(world, accept, status):
    assert mcp_of().post(PING, accept=accept).status_code == status


@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18", "2025-03-26"])
def test_versions_with_a_handshake_are_supported(world, version):
    assert mcp_of().result("ping", **{"mcp-protocol-version": version}) == {}


def test_an_unknown_version_is_named(world):
    response = mcp_of().post(PING, **{"mcp-protocol-version": "1999-01-01"})
    error = error_of(response, 400)
    assert error["code"] == -32600
    assert "1999-01-01" in error["message"]


@pytest.mark.parametrize(
    "authorization", ["", "Basic abc", "Bearer", "Bearer hmn_nonsense", "Bearer " + "a" * 40]
)
def test_without_a_valid_token_the_answer_is_401(world, authorization):
    client = Client(headers={"host": host("garden"), "authorization": authorization})
    response = Mcp(client).post(PING)

    error = error_of(response, 401)
    assert (error["code"], error["message"]) == (-32600, "Unauthorized")
    assert "ask your human for one" in error["data"]["hint"]
    assert response["WWW-Authenticate"] == (
        'Bearer realm="Harmonic", resource_metadata='
        '"http://garden.localhost/.well-known/oauth-protected-resource"'
    )


def test_expired_deleted_and_foreign_tokens_are_refused(world):
    expired = make_token("bob", at=timezone.now() - timedelta(days=40))
    assert Mcp(token_client(expired)).post(PING).status_code == 401
    assert Mcp(token_client(make_token("bob"), "harbor")).post(PING).status_code == 401
    deleted = make_token("bob")
    change(ApiToken.unscoped.latest("created_at"), deleted_at=timezone.now())
    assert Mcp(token_client(deleted)).post(PING).status_code == 401


def test_a_browser_session_is_no_credential(world, page):
    response = page("bob").post("/mcp", json.dumps(PING), content_type="application/json")
    assert response.status_code == 401


def test_credentials_are_checked_before_the_body(world):
    anonymous = Client(headers={"host": host("garden")})
    assert Mcp(anonymous).post(b"{nonsense").status_code == 401
    assert Mcp(anonymous).post(b"x" * (MAX_BODY + 1)).status_code == 401


@pytest.mark.meets("body of an MCP message")
def test_a_body_that_is_too_large_is_refused_with_the_limit(world):
    largest = {**PING, "params": {"pad": ""}}
    pad = MAX_BODY - len(json.dumps(largest))
    assert mcp_of().post({**PING, "params": {"pad": "x" * pad}}).status_code == 200

    error = error_of(mcp_of().post({**PING, "params": {"pad": "x" * (pad + 1)}}), 413)

    assert error["code"] == -32600
    assert "exceeds 262144 bytes" in error["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{nonsense", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (json.dumps([PING]).encode(), -32600),
        (b"7", -32600),
        (b"null", -32600),
        (b'{"id": 1}', -32600),
        (b'{"id": 1, "method": 7}', -32600),
    ],
)
def test_a_body_that_is_no_message_is_refused(world, body, code):
    assert error_of(mcp_of().post(body), 400)["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "fetch_page"}},
    ],
)
def test_a_notification_is_accepted_and_not_executed(world, body):
    response = mcp_of().post(body)
    assert (response.status_code, response.content) == (202, b"")


def test_no_session_is_begun(world):
    response = mcp_of().send("initialize", {}, **{"mcp-session-id": "mine"})
    assert "Mcp-Session-Id" not in response
    assert not response.cookies


# --- Limits ---------------------------------------------------------------------------------


@pytest.fixture
def limited(settings: Any) -> Any:
    settings.LIMIT_LOOPBACK = True
    moment = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    with time_machine.travel(moment, tick=False) as clock:
        yield clock


@pytest.mark.meets("MCP messages of a token a second")
def test_a_token_can_send_ten_requests_in_a_second(world, limited):
    mcp, other = mcp_of(), mcp_of("bob")
    assert [mcp.post(PING).status_code for _ in range(BURST)] == [200] * BURST

    response = mcp.post(PING)

    error = error_of(response, 429)
    assert error["message"] == "Rate limit exceeded (mcp/burst). Retry after 1s."
    assert response["Retry-After"] == "1"
    assert other.post(PING).status_code == 200
    limited.shift(1)
    assert mcp.post(PING).status_code == 200


@pytest.mark.meets("MCP messages per minute from a token")
def test_a_token_can_send_sixty_requests_in_a_minute(world, limited):
    mcp = mcp_of()
    for _ in range(SUSTAINED):
        limited.shift(0.5)
        assert mcp.post(PING).status_code == 200
    limited.shift(0.5)

    response = mcp.post(PING)

    assert error_of(response, 429)["message"].startswith("Rate limit exceeded (mcp/sustained).")
    assert response["Retry-After"] == "60"


@pytest.mark.meets("MCP messages per minute from a person and their agents")
def test_all_agents_of_a_person_share_a_limit(world, limited, monkeypatch):
    monkeypatch.setattr("harmonic.mcp.middleware.PRINCIPAL", 3)
    answers = [mcp_of(who).post(PING) for who in ("scout", "alice", "scout", "alice")]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert "(mcp/principal)" in error_of(answers[-1], 429)["message"]
    assert mcp_of("bob").post(PING).status_code == 200


@pytest.mark.meets("MCP messages per minute from a tenant's members")
def test_all_members_of_a_tenant_share_a_limit(world, limited, settings):
    settings.LIMIT_TENANT = 2
    answers = [mcp_of(who).post(PING).status_code for who in ("scout", "bob", "carol")]
    assert answers == [200, 200, 429]
