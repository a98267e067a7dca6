"""The official Python and TypeScript clients of MCP work with the shipped server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from harmonic.agent_log.models import Entry
from tests.server.process import HOST, Running, started

pytestmark = pytest.mark.one_database

TOKEN = """
from harmonic.management.commands.create_token import issue_token
who = {{"tenant": "garden", "user": "alice", "agent": "scout"}}
print(issue_token(who, {{"name": "MCP client", "read_write": "{access}"}}))
"""
CONTEXT = {
    "identity": {"actor": "@scout"},
    "visibility": "shared",
    "intention": "Tell the kitchen about lunch.",
}
NOTE = {
    "context": CONTEXT,
    "path": "/collectives/kitchen/note",
    "action": "create_note",
    "params": {"text": "Soup at noon"},
}
# The packages of the TypeScript clients: the stateless protocol, and the handshake before it.
PACKAGES = ("@modelcontextprotocol/client@2.4.0", "@modelcontextprotocol/sdk@1.32.2")
SCRIPT = Path(__file__).with_name("mcp_client.mjs")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("var"), prepared=True) as running:
        yield running


@pytest.fixture(scope="module")
def token(server: Running) -> str:
    return server.manage("shell", "-v", "0", "-c", TOKEN.format(access="write"))


@pytest.fixture(scope="module")
def read_only_token(server: Running) -> str:
    return server.manage("shell", "-v", "0", "-c", TOKEN.format(access="read"))


@asynccontextmanager
async def connected(
    server: Running, token: str, mode: Any = "auto", **headers: str
) -> AsyncIterator[Client]:
    sent = {"Host": f"{HOST}:{server.port}", "Authorization": f"Bearer {token}", **headers}
    async with httpx2.AsyncClient(headers=sent) as http:
        transport = streamable_http_client(f"http://127.0.0.1:{server.port}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def shown(contents: Sequence[Any]) -> str:
    """Return the text of a result with one content."""
    (content,) = contents
    return str(content.text)


def run(steps: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(steps(), 60))


@pytest.mark.parametrize(
    ("mode", "version"),
    [
        ("auto", "2026-07-28"),
        ("2026-07-28", "2026-07-28"),
        ("legacy", "2025-11-25"),
        ("legacy", "2025-06-18"),
        ("legacy", "2025-03-26"),
    ],
)
def test_the_python_client_uses_every_tool(server, token, mode, version, monkeypatch):
    if mode == "legacy":
        # The client asks for the newest version that begins with `initialize`.
        monkeypatch.setattr("mcp.client.session.LATEST_HANDSHAKE_VERSION", version)

    async def steps() -> None:
        async with connected(server, token, mode) as client:
            assert client.session.protocol_version == version
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools] == [
                "fetch_page",
                "execute_action",
                "search",
                "get_help",
            ]
            page = await client.call_tool("fetch_page", {"path": "/whoami"})
            assert not page.is_error
            assert "# Who Am I?" in shown(page.content)
            done = await client.call_tool("execute_action", NOTE)
            assert not done.is_error, done
            assert done.structured_content["status"] == 200
            assert "# Help" in shown((await client.call_tool("get_help", {})).content)
            await client.call_tool("search", {"query": "soup"})
            (resource,) = (await client.list_resources()).resources
            (content,) = (await client.read_resource(resource.uri)).contents
            assert "Harmonic context for @scout" in shown([content])

    run(steps)


def test_the_python_client_sees_a_refused_write(server, read_only_token):
    async def steps() -> None:
        async with connected(server, read_only_token) as client:
            refused = await client.call_tool("execute_action", NOTE)
            assert refused.is_error
            assert refused.structured_content["code"] == "insufficient_scope"

    run(steps)


READS = """
from harmonic.agent_log.models import Entry
print(Entry.unscoped.filter(token__name="MCP client", arguments__path="/notes-of-nobody").count())
"""


@pytest.mark.meets("age of an agent's reads that are not yet in its log")
def test_a_read_is_in_the_log_of_the_agent_within_ten_seconds(server, token):
    async def steps() -> None:
        async with connected(server, token) as client:
            await client.call_tool("fetch_page", {"path": "/notes-of-nobody"})

    run(steps)
    # A second for the write itself, and the time of the command that looks for it.
    deadline = time.monotonic() + Entry.READS_WRITTEN_EVERY.total_seconds() + 1
    while not int(server.manage("shell", "-v", "0", "-c", READS)):
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer nonsense"}, {"Origin": "https://evil.example"}]
)
def test_the_python_client_is_refused_without_credentials_or_from_another_origin(
    server, token, headers
):
    async def steps() -> None:
        with pytest.raises((MCPError, ExceptionGroup)):
            async with connected(server, token, **headers) as client:
                await client.list_tools()

    run(steps)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the TypeScript clients installed."""
    if shutil.which("npm") is None and os.environ.get("CI") != "true":
        pytest.skip("no npm on PATH")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", *PACKAGES]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.copy(SCRIPT, folder)
    return folder


HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26")


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("client", "2026-07-28"),
        *(("client", version) for version in HANDSHAKE),
        *(("sdk", version) for version in HANDSHAKE),
    ],
)
def test_the_typescript_client_uses_every_tool(
    server, token, read_only_token, packages, package, version
):
    call = {
        "package": package,
        "version": version,
        "port": server.port,
        "host": f"{HOST}:{server.port}",
        "token": token,
        "readOnlyToken": read_only_token,
        "note": NOTE,
    }
    done = subprocess.run(
        ["node", SCRIPT.name],
        cwd=packages,
        input=json.dumps(call),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["versions"] == [version]
    assert seen["tools"] == ["fetch_page", "execute_action", "search", "get_help"]
    assert "# Who Am I?" in seen["page"]
    assert seen["written"] == 200
    assert "# Help" in seen["help"]
    assert seen["search"] == 200
    assert "Harmonic context for @scout" in seen["context"]
    assert seen["refused"] == [True, "insufficient_scope"]
    assert seen["foreignOrigin"] == 403


# --- The transport, as a client of no package sees it ---------------------------------------

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def sent(server: Running, token: str, method: str, body: bytes, **headers: str) -> Any:
    """Return the status, headers and body of the response to a request to the endpoint."""
    lines = {
        "Host": f"{HOST}:{server.port}",
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return server.ask(f"{method} /mcp HTTP/1.1\r\n{head}\r\n".encode() + body)


def pinged(**more: Any) -> bytes:
    return json.dumps({**PING, **more}).encode()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_server_answers_other_methods_with_405(server, token, method):
    status, headers, _ = sent(server, token, method, b"")
    assert (status, headers["Allow"]) == (405, "POST")


def test_the_server_accepts_a_notification(server, token):
    notification = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
    assert sent(server, token, "POST", notification)[0::2] == (202, b"")


def test_the_server_answers_an_unknown_version_with_the_newest_one(server, token):
    body = pinged(method="initialize", params={"protocolVersion": "1999-01-01"})
    status, _, answer = sent(server, token, "POST", body)
    assert (status, json.loads(answer)["result"]["protocolVersion"]) == (200, HANDSHAKE[0])


def test_the_server_refuses_a_wrong_version_a_foreign_origin_and_a_large_body(server, token):
    large = pinged(params={"pad": "x" * 300_000})
    refused = [
        sent(server, token, "POST", pinged(), MCP_Protocol_Version="1999-01-01"),
        sent(server, token, "POST", pinged(), Origin="https://evil.example"),
        sent(server, token, "POST", large),
    ]
    assert [status for status, *_ in refused] == [400, 403, 413]
    assert "exceeds 262144 bytes" in refused[2][2].decode()
