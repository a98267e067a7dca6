"""Connecting an external agent in the browser, with a real MCP client."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_axe import violations
from tests.browser.test_keyboard import tab_to

pytestmark = pytest.mark.browser

CONNECTED = re.compile(r"^\s*Connected: \d\d:\d\d, from 127\.0\.0\.0/24, Claude Desktop\s*$")
WAITING = "Waiting for the first request…"


def shown_entry(page: Page, name: str) -> Any:
    """Return the server's entry in the JSON that the page shows first."""
    text = page.locator("code[data-language=json]").first.inner_text()
    return json.loads(text)["mcpServers"][name]


def connect(server: Server, entry: Any) -> None:
    """Connect a client that is configured with `entry`."""

    async def read() -> None:
        host = f"garden.localhost:{server.port}"
        headers = {**entry["headers"], "Host": host}
        url = entry["url"].replace(host, f"127.0.0.1:{server.port}")
        info = Implementation(name="claude-desktop", title="Claude Desktop", version="1.0")
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(url, http_client=http)
            async with Client(transport, client_info=info) as client:
                page = await client.call_tool("fetch_page", {"path": "/whoami"})
                assert not page.is_error

    # Playwright runs an event loop in this thread.
    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, asyncio.wait_for(read(), 30)).result(60)


def test_a_client_connects_and_the_page_says_so_by_itself(visitor: Visitor, server: Server) -> None:
    visit = visitor("alice")
    page = visit.open("/ai-agents/scout")

    tab_to(page, "Claude Desktop")
    page.keyboard.press("Enter")
    tab_to(page, "Create a token for Claude Desktop")
    page.keyboard.press("Enter")
    page.wait_for_url(server.url("/ai-agents/scout/connect/claude-desktop"))
    tab_to(page, "Create token")
    page.keyboard.press("Enter")
    status = page.locator(".connection [role=status]")
    expect(status).to_have_text(WAITING)
    expect(page.get_by_role("link", name="Check again")).to_be_hidden()
    assert "/settings/tokens/" in page.url

    connect(server, shown_entry(page, "harmonic-scout"))

    expect(status).to_have_text(CONNECTED)
    page.get_by_role("button", name="Copy: Claude Desktop 1").click()
    page.get_by_role("link", name="Done").click()
    expect(page.locator(".connection")).to_have_text(CONNECTED)
    visit.open("/ai-agents/scout")
    expect(page.locator(".connection")).to_have_text(CONNECTED)
    assert visit.console == []


def test_a_persons_own_token_connects_a_client(visitor: Visitor, server: Server) -> None:
    page = visitor("bob").open("/u/bob/settings/tokens/new")
    page.get_by_label("Name", exact=True).fill("desktop")
    page.get_by_role("button", name="Create token").click()
    page.locator("summary", has_text="Claude Desktop").click()
    # Clients whose tab is not open are hidden.
    expect(page.locator("#connect-claude-code")).to_be_hidden()

    connect(server, shown_entry(page, "harmonic-bob"))

    expect(page.locator(".connection [role=status]")).to_have_text(CONNECTED)


def test_connecting_works_without_script(visitor: Visitor, server: Server) -> None:
    page = visitor("alice", script=False).open("/ai-agents/scout")
    page.locator("summary", has_text="Cursor").click()
    page.get_by_role("link", name="Create a token for Cursor").click()
    page.get_by_role("button", name="Create token").click()
    expect(page.locator(".connection")).to_contain_text(WAITING)

    connect(server, shown_entry(page, "harmonic-scout"))
    page.get_by_role("link", name="Check again").click()

    expect(page.locator(".connection")).to_have_text(CONNECTED)


def test_the_shown_configuration_has_no_violation(visitor: Visitor) -> None:
    page = visitor("alice").open("/ai-agents/scout/connect/claude-desktop")
    page.get_by_role("button", name="Create token").click()
    page.get_by_text("Copy it now.").wait_for()

    assert violations(Axe(), page) == []


def test_a_page_whose_session_has_ended_stops_asking(visitor: Visitor, server: Server) -> None:
    page = visitor("alice").open("/ai-agents/scout/connect/curl")
    page.get_by_role("button", name="Create token").click()
    expect(page.locator(".connection")).to_contain_text(WAITING)

    page.context.clear_cookies()

    expect(page.get_by_role("link", name="Check again")).to_be_visible()
