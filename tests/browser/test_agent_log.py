"""The log of an agent, and pausing and resuming it, in the browser."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_axe import axe, violations
from tests.browser.test_tokens import make_token

__all__ = ["axe"]

pytestmark = pytest.mark.browser

SCOUT = "/ai-agents/scout"
LOG = f"{SCOUT}/mcp-tool-calls"


def write(server: Server, token: str, place: str = "kitchen") -> int:
    """Create a note as the agent, and return the status."""
    sent = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/collectives/{place}/api/v1/notes",
        json.dumps({"text": "Soup"}).encode(),
        {
            "Host": f"garden.localhost:{server.port}",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(sent) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_log_shows_what_the_agent_did_and_pauses_it(
    axe: Axe, visitor: Visitor, server: Server
) -> None:
    visit = visitor("alice")
    token = make_token(visit.open("/u/scout/settings/tokens/new"), "logged")
    assert (write(server, token), write(server, token, "board")) == (200, 403)

    page = visit.open(LOG)
    expect(page.get_by_role("row").filter(has_text="not_a_member")).to_have_count(1)
    assert violations(axe, page) == []
    page.get_by_label("Result").select_option(label="ok")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("not_a_member")).to_have_count(0)
    page.get_by_role("link", name="create_note").first.click()
    expect(page.get_by_text("POST /collectives/kitchen/api/v1/notes")).to_be_visible()
    assert violations(axe, page) == []

    visit.open(LOG).get_by_role("link", name="Pause agent").click()
    assert violations(axe, page) == []
    page.get_by_role("button", name="Pause agent").click()
    expect(page.locator(".notice")).to_contain_text("scout is paused.")
    assert write(server, token) == 403

    page.get_by_role("link", name="Resume agent").click()
    page.get_by_role("button", name="Resume agent").click()
    expect(page.locator(".notice")).to_contain_text("scout is active again")
    assert write(server, token) == 200
