"""The methods of the MCP endpoint, in the versions with a handshake and in the stateless one."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.fixtures.rows import change
from tests.mcp.client import CAPABILITIES_KEY, STATELESS, VERSION_KEY, mcp_of, text_of

TOOLS = ["fetch_page", "execute_action", "search", "get_help"]


@pytest.mark.parametrize(
    ("wanted", "answered"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25"),
        ("2030-01-01", "2025-11-25"),
        (7, "2025-11-25"),
    ],
)
def test_initialize_answers_with_the_version_if_it_is_supported(world, wanted, answered):
    result = mcp_of().result("initialize", {"protocolVersion": wanted})

    assert result["protocolVersion"] == answered
    assert result["serverInfo"] == {"name": "harmonic", "version": "0.1.0"}
    assert result["capabilities"] == {"tools": {}, "resources": {}}
    assert "/whoami" in result["instructions"]


def test_parameters_may_be_missing_or_null(world):
    assert mcp_of().result("ping") == {}
    assert (
        json.loads(mcp_of().post({"id": 7, "method": "ping", "params": None}).content)["result"]
        == {}
    )


def test_the_four_tools_are_listed_in_their_order(world):
    listed = mcp_of().result("tools/list")["tools"]

    assert [tool["name"] for tool in listed] == TOOLS
    for tool in listed:
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
        jsonschema.Draft202012Validator.check_schema(tool["outputSchema"])
        assert tool["description"]
    by_name = {tool["name"]: tool for tool in listed}
    assert "required" not in by_name["get_help"]["inputSchema"]
    assert by_name["execute_action"]["annotations"]["destructiveHint"] is True
    assert all(
        by_name[name]["annotations"]["readOnlyHint"] for name in TOOLS if name != "execute_action"
    )
    writer = by_name["execute_action"]["inputSchema"]["properties"]["context"]
    assert writer["properties"]["visibility"]["enum"] == ["public", "private", "shared"]
    assert writer["required"] == ["identity", "visibility", "intention"]


@pytest.mark.parametrize(
    ("method", "params", "code", "message"),
    [
        ("nope", None, -32601, "Method not found: nope"),
        ("tools/call", [], -32602, "params must be an object"),
        ("tools/call", {}, -32602, "Missing required argument: name"),
        ("tools/call", {"name": "  "}, -32602, "Missing required argument: name"),
        ("resources/read", 7, -32602, "params must be an object"),
        ("resources/read", {}, -32602, "Missing required argument: uri"),
        ("resources/read", {"uri": "file:///x"}, -32602, "Unknown resource: file:///x"),
        ("notifications/initialized", None, -32601, "Method not found: notifications/initialized"),
    ],
)
def test_faulty_requests_get_an_error_with_their_id(world, method, params, code, message):
    response = mcp_of().send(method, params)
    body = json.loads(response.content)
    assert (response.status_code, body["id"]) == (200, 7)
    assert body["error"] == {"code": code, "message": message}


def test_an_unknown_tool_is_the_result_of_the_call(world):
    result = mcp_of().call("drop_table")
    assert result["isError"] is True
    assert text_of(result) == "Unknown tool: drop_table"


def test_the_context_says_who_the_caller_is_and_where_it_is_a_member(world):
    mcp = mcp_of()
    (listed,) = mcp.result("resources/list")["resources"]
    (content,) = mcp.result("resources/read", {"uri": listed["uri"]})["contents"]

    assert (listed["uri"], listed["name"]) == ("harmonic://context", "Harmonic context")
    assert content["mimeType"] == listed["mimeType"] == "text/markdown"
    text = content["text"]
    assert "# Harmonic context for @scout" in text
    assert "[Alice](/u/alice)" in text
    assert "You keep an eye on the kitchen" in text
    assert "[Kitchen Crew](/collectives/kitchen)" in text
    assert "](/whoami)" in text


def test_a_long_identity_prompt_is_cut_in_the_context(world):
    change(world.agent("scout"), identity_prompt="p" * 2000)
    (content,) = mcp_of().result("resources/read", {"uri": "harmonic://context"})["contents"]
    assert "p" * 1500 + "…" in content["text"]
    assert "p" * 1501 not in content["text"]


def test_methods_work_while_the_api_is_off_and_pages_do_not(world):
    mcp = mcp_of()
    change(world.tenant(), is_api_enabled=False)

    assert mcp.result("initialize", {})
    assert mcp.result("ping") == {}
    assert mcp.result("tools/list")["tools"]
    refused = mcp.read("/whoami")
    assert refused["isError"] is True
    assert refused["structuredContent"]["code"] == "api_disabled_tenant"
    assert "API not enabled for this tenant" in text_of(refused)


# --- Version 2026-07-28 ---------------------------------------------------------------------


def stateless(response: Any) -> Any:
    body = json.loads(response.content)
    assert response.status_code == 200, body
    result = body["result"]
    assert result["resultType"] == "complete"
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "harmonic"
    return result


def test_discover_names_the_supported_versions(world):
    result = stateless(mcp_of().stateless("server/discover"))
    assert result["supportedVersions"] == [STATELESS, "2025-11-25", "2025-06-18", "2025-03-26"]
    assert result["capabilities"] == {"tools": {}, "resources": {}}
    assert (result["cacheScope"], result["ttlMs"] > 0) == ("public", True)


def test_stateless_requests_need_no_handshake(world):
    mcp = mcp_of()
    tools = stateless(mcp.stateless("tools/list"))
    assert [tool["name"] for tool in tools["tools"]] == TOOLS
    page = stateless(
        mcp.stateless("tools/call", "fetch_page", name="fetch_page", arguments={"path": "/whoami"})
    )
    assert "# Who Am I?" in text_of(page)
    read = stateless(
        mcp.stateless(
            "resources/read", "=?base64?aGFybW9uaWM6Ly9jb250ZXh0?=", uri="harmonic://context"
        )
    )
    assert (read["ttlMs"], read["cacheScope"]) == (0, "private")


@pytest.mark.parametrize("method", ["initialize", "ping", "nope"])
def test_unknown_stateless_methods_answer_404(world, method):
    response = mcp_of().stateless(method)
    assert response.status_code == 404
    assert json.loads(response.content)["error"]["code"] == -32601


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"mcp-method": "tools/call"}, "MCP-Protocol-Version"),
        ({"mcp-protocol-version": STATELESS, "mcp-name": "fetch_page"}, "Mcp-Method"),
        ({"mcp-protocol-version": STATELESS, "mcp-method": "tools/list"}, "Mcp-Method"),
        ({"mcp-protocol-version": STATELESS, "mcp-method": "tools/call"}, "Mcp-Name"),
        (
            {"mcp-protocol-version": STATELESS, "mcp-method": "tools/call", "mcp-name": "search"},
            "Mcp-Name",
        ),
        (
            {
                "mcp-protocol-version": STATELESS,
                "mcp-method": "tools/call",
                "mcp-name": "=?base64?!!?=",
            },
            "Mcp-Name",
        ),
    ],
)
def test_headers_that_contradict_the_body_are_refused(world, headers, name):
    meta = {VERSION_KEY: STATELESS, CAPABILITIES_KEY: {}}
    params = {"name": "fetch_page", "arguments": {"path": "/whoami"}, "_meta": meta}
    response = mcp_of().send("tools/call", params, **headers)
    error = json.loads(response.content)["error"]
    assert response.status_code == 400
    assert error["code"] == -32020
    assert name in error["message"]


@pytest.mark.parametrize("meta", [{}, {VERSION_KEY: STATELESS}, {CAPABILITIES_KEY: {}}])
def test_stateless_requests_need_their_metadata(world, meta):
    headers = {"mcp-protocol-version": STATELESS, "mcp-method": "tools/list"}
    response = mcp_of().send("tools/list", {"_meta": meta}, **headers)
    assert response.status_code == 400
    assert json.loads(response.content)["error"]["code"] == -32602


def test_an_unsupported_version_in_the_body_names_those_supported(world):
    meta = {VERSION_KEY: "2031-01-01", CAPABILITIES_KEY: {}}
    response = mcp_of().send("tools/list", {"_meta": meta})
    error = json.loads(response.content)["error"]
    assert (response.status_code, error["code"]) == (400, -32022)
    assert error["data"]["requested"] == "2031-01-01"
    assert STATELESS in error["data"]["supported"]
