"""Keyboard only: sign in, navigate, write a note."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Server, Visitor

pytestmark = pytest.mark.browser

FOCUS = """() => {
  const focused = document.activeElement;
  const ringed = focused.closest(".choice") ?? focused;
  const style = getComputedStyle(ringed);
  return {
    words: (focused.getAttribute("aria-label") ?? focused.textContent).trim().replace(/\\s+/g, " "),
    name: focused.getAttribute("name") ?? "",
    isVisible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
  };
}"""


def tab_to(page: Page, words: str = "", *, name: str = "", limit: int = 60) -> None:
    """Press Tab until the element has focus; each stop must have a visible focus ring."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["isVisible"], f"no focus ring on {focus}"
        if (words and focus["words"] == words) or (name and focus["name"] == name):
            return
    raise AssertionError(f"{words or name} cannot be reached by Tab")


def test_sign_in_and_write_a_note_by_keyboard(visitor: Visitor, server: Server) -> None:
    page = visitor().page
    page.goto(server.url("/login"))

    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("bob@example.com")
    tab_to(page, name="password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(server.url("/"))

    tab_to(page, "Skip to content")
    page.keyboard.press("Enter")
    tab_to(page, "New note")
    page.keyboard.press("Enter")
    page.wait_for_url(server.url("/note"))

    tab_to(page, name="title")
    page.keyboard.type("By keyboard alone")
    tab_to(page, name="text")
    page.keyboard.type("No mouse was moved.")
    tab_to(page, "Create note")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("By keyboard alone")


def test_the_menu_of_a_phone_opens_and_closes_by_keyboard(visitor: Visitor) -> None:
    page = visitor("alice", width=360).open("/")
    menu = page.locator("#menu")
    expect(menu).to_be_hidden()

    tab_to(page, "Menu")
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    tab_to(page, "API tokens")
    page.keyboard.press("Escape")

    expect(menu).to_be_hidden()
    expect(page.get_by_role("button", name="Menu")).to_be_focused()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_feed_is_searched_by_keyboard(visitor: Visitor, width: int, script: bool) -> None:
    page = visitor("bob", script=script).open("/collectives/kitchen")
    page.set_viewport_size({"width": width, "height": 780})

    tab_to(page, name="q")
    page.keyboard.type("dull knife")
    page.keyboard.press("Enter")
    expect(page.get_by_role("searchbox", name="Words in a title or text")).to_have_value(
        "dull knife"
    )
    expect(page.get_by_role("link", name="Knife care")).to_be_visible()
    tab_to(page, name="q")
    page.keyboard.type("a zanzibar")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No matches.")).to_be_visible()
    tab_to(page, "Clear")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Activity Feed")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("")
