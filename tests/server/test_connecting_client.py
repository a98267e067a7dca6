"""A real MCP client connects by the configuration that a page shows, and the page says so."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from tests.fixtures.html import parsed
from tests.server.process import HOST, Running, started

pytestmark = pytest.mark.one_database

PASSWORD = "harmonic-demo-password"
CONNECT = "/ai-agents/scout/connect/claude-desktop"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("var"), prepared=True) as running:
        yield running


@pytest.fixture
def alice(server: Running) -> Iterator[httpx2.Client]:
    """Return a browser without JavaScript, signed in as Alice."""
    headers = {"Host": f"{HOST}:{server.port}", "Accept": "text/html"}
    base = f"http://127.0.0.1:{server.port}"
    with httpx2.Client(base_url=base, headers=headers, follow_redirects=False) as browser:
        form = fields_of(browser.get("/login").text)
        sent = {**form, "email": "alice@example.com", "password": PASSWORD}
        assert browser.post("/login", data=sent).status_code == 303
        yield browser


def fields_of(html: str) -> dict[str, str]:
    form = parsed(html).select_one("main form")
    return {each["name"]: each.get("value", "") for each in form.select("input[name]")}


async def call(server: Running, entry: dict[str, Any], mode: str) -> str:
    """Connect as a client configured with `entry` does, and return the name of the caller."""
    headers = {**entry["headers"], "Host": f"{HOST}:{server.port}"}
    url = entry["url"].replace(f"{HOST}:{server.port}", f"127.0.0.1:{server.port}")
    info = Implementation(name="claude-desktop", title="Claude Desktop", version="1.0")
    async with httpx2.AsyncClient(headers=headers) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode, client_info=info) as client:
            page: Any = await client.call_tool("fetch_page", {"path": "/whoami"})
            return str(page.content[0].text)


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
def test_a_client_connects_by_the_shown_configuration(
    server: Running, alice: httpx2.Client, mode: str
) -> None:
    created = alice.post(CONNECT, data=fields_of(alice.get(CONNECT).text))
    tree = parsed(created.text)
    entry = json.loads(tree.select_one('code[data-language="json"]').text)
    entry = entry["mcpServers"]["harmonic-scout"]
    assert "Waiting for the first request…" in created.text
    status = tree.select_one("[data-again]")["href"]
    assert not alice.get(status, headers={"Accept": "application/json"}).json()["is_connected"]

    # Playwright may run an event loop in this thread.
    with ThreadPoolExecutor(1) as executor:
        connected = asyncio.wait_for(call(server, entry, mode), 60)
        text = executor.submit(asyncio.run, connected).result(90)

    assert "@scout" in text
    found = alice.get(status, headers={"Accept": "application/json"}).json()
    assert (found["is_connected"], found["from"], found["client"]) == (
        True,
        "127.0.0.0/24",
        "Claude Desktop",
    )
    shown = re.sub(r"\s+", " ", parsed(alice.get(status).text).select_one("[data-state]").text)
    assert re.fullmatch(
        r"Connected: \d\d:\d\d, from 127\.0\.0\.0/24, Claude Desktop", shown.strip()
    )
    refused = httpx2.get(
        f"http://127.0.0.1:{server.port}/whoami.md",
        headers={**entry["headers"], "Host": f"{HOST}:{server.port}"},
    )
    assert (refused.status_code, "mcp_only" in refused.text) == (403, True)
