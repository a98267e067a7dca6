"""The API reference: folded, with links to each operation and examples to copy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser

REFERENCE = "/api/v1/docs"


def test_the_folded_reference_is_short_on_a_phone(visitor: Visitor) -> None:
    page = visitor(width=360).open(REFERENCE)

    # With all operations open it is 60,000 px long.
    assert page.evaluate("document.documentElement.scrollHeight") < 25_000


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_the_anchor_of_an_operation_opens_it(visitor: Visitor, script: bool) -> None:
    page = visitor(script=script).open(f"{REFERENCE}#read_note")

    expect(page.locator("#read_note")).to_be_in_viewport()
    expect(page.locator("#read_collective")).to_be_hidden()


def test_the_contents_link_each_operation(visitor: Visitor) -> None:
    page = visitor().open(REFERENCE)

    page.get_by_role("navigation", name="Contents").get_by_role(
        "link", name="Delete a note"
    ).click()

    expect(page.locator("#delete_note")).to_be_in_viewport()


def test_an_example_can_be_copied(visitor: Visitor) -> None:
    visit = visitor()
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.open(f"{REFERENCE}#create_note")

    page.get_by_role("button", name="Copy the request body of POST /notes", exact=True).click()

    expect(page.locator("#create_note").get_by_text("Copied").first).to_be_visible()
    shown = page.locator("#create_note .code code").first.text_content()
    assert page.evaluate("navigator.clipboard.readText()") == shown


def test_an_operation_opens_by_keyboard(visitor: Visitor) -> None:
    page = visitor().open(REFERENCE)
    page.locator("summary", has_text="List notes").focus()

    page.keyboard.press("Enter")

    expect(page.locator("#list_notes")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_path_is_beside_its_method_and_breaks_at_slashes(visitor: Visitor, width: int) -> None:
    page = visitor(width=width).open(REFERENCE)

    crooked = page.locator(".endpoint__name").evaluate_all(
        """names => names.filter(name => {
          const [method, path] = name.children;
          const ends = [...path.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
          const isBroken = ends.some(node => {
            const range = document.createRange();
            range.selectNodeContents(node);
            return range.getClientRects().length > 1;
          });
          const rows = [method, path].map(each => each.getClientRects()[0].top);
          return isBroken || Math.abs(rows[0] - rows[1]) > 4;
        }).map(name => name.textContent)"""
    )

    assert crooked == []
