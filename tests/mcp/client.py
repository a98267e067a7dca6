"""A client of the MCP endpoint for tests, without the protocol's own package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from tests.fixtures.world import make_token, token_client

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
STATELESS = "2026-07-28"


@dataclass
class Mcp:
    """Calls of one account, by default the agent scout in the kitchen."""

    client: Client
    handle: str = "scout"

    def post(self, body: Any, **headers: str) -> Any:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(
            "/mcp", sent, content_type="application/json", headers=headers or None
        )

    def send(self, method: str, params: Any = None, **headers: str) -> Any:
        message = {"jsonrpc": "2.0", "id": 7, "method": method}
        return self.post(message if params is None else {**message, "params": params}, **headers)

    def result(self, method: str, params: Any = None, **headers: str) -> Any:
        response = self.send(method, params, **headers)
        body = json.loads(response.content)
        assert response.status_code == 200, body
        assert (body["jsonrpc"], body["id"]) == ("2.0", 7)
        return body["result"]

    def stateless(self, method: str, named: str = "", **params: Any) -> Any:
        """Send a message in version 2026-07-28, with metadata in the body and the headers."""
        meta = {VERSION_KEY: STATELESS, CAPABILITIES_KEY: {}}
        headers = {"mcp-protocol-version": STATELESS, "mcp-method": method}
        if named:
            headers["mcp-name"] = named
        return self.send(method, {**params, "_meta": meta}, **headers)

    def call(self, tool: str, **arguments: Any) -> Any:
        return self.result("tools/call", {"name": tool, "arguments": arguments})

    def read(self, path: str, **more: Any) -> Any:
        return self.call("fetch_page", path=path, **more)

    def act(
        self, path: str, action: str, params: Any = None, visibility: str = "shared", **more: Any
    ) -> Any:
        return self.call(
            "execute_action",
            **{
                "path": path,
                "action": action,
                "params": params or {},
                "context": self.context(visibility=visibility),
                **more,
            },
        )

    def context(self, **claims: Any) -> dict[str, Any]:
        identity = {"actor": f"@{self.handle}"}
        return {"identity": identity, "visibility": "shared", "intention": "To test.", **claims}


def mcp_of(handle: str = "scout", scope: str = "write", **token: Any) -> Mcp:
    parent = {"scout": "alice", "pilot": "bob"}.get(handle)
    if parent:
        return Mcp(token_client(make_token(parent, scope, agent=handle, **token)), handle)
    return Mcp(token_client(make_token(handle, scope, **token)), handle)


def text_of(result: dict[str, Any]) -> str:
    (content,) = result["content"]
    assert content["type"] == "text"
    return str(content["text"])
