"""Pages without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visitor

pytestmark = pytest.mark.browser


def test_a_token_is_made_and_deleted_without_script(visitor: Visitor, server: Server) -> None:
    page = visitor("bob", script=False).open("/u/bob/settings/tokens/new")

    expect(page.get_by_role("button", name="7 days")).to_be_hidden()
    page.get_by_label("Name", exact=True).fill("plain")
    page.get_by_role("button", name="Create token").click()
    token = page.locator(".secret code").inner_text()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    assert server.get("/whoami.md", token).status == 200

    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Delete token").click()
    page.get_by_role("button", name="Delete token").click()
    expect(page.get_by_role("status")).to_contain_text("Requests with this token are now refused.")
    assert server.get("/whoami.md", token).status == 401


def test_a_note_is_written_and_answered_without_script(visitor: Visitor) -> None:
    page = visitor("bob", script=False).open("/collectives/kitchen")

    page.locator("main").get_by_role("link", name="New note").click()
    page.get_by_label("Title").fill("Without script")
    page.get_by_label("Text").fill("It *works*.")
    page.get_by_role("button", name="Create note").click()
    page.get_by_label("Your comment").fill("So it does.")
    page.get_by_role("button", name="Add comment").click()

    expect(page.locator("main")).to_contain_text("So it does.")


def test_a_phones_menu_opens_without_script(visitor: Visitor) -> None:
    page = visitor("bob", script=False, width=360).open("/")

    page.get_by_role("button", name="Menu").click()

    expect(page.get_by_role("navigation", name="Garden Cooperative")).to_be_visible()
