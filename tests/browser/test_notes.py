"""Notes in a browser: what scrolls in them, and the way back to a thread."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser

WIDE = "a_long_word_of_code " * 30
TEXT = f"""One.

```
{WIDE}
```

```
short
```

| {" | ".join(f"Column {number}" for number in range(30))} |
|{"---|" * 30}
| {" | ".join(f"Value number {number}" for number in range(30))} |
"""


def write(page: Page, text: str) -> None:
    """Write a note in the kitchen, and stay at its page."""
    page.get_by_role("textbox", name="Text").fill(text)
    page.get_by_role("button", name="Create note").click()
    page.wait_for_url("**/n/*")


def test_the_keyboard_reaches_and_scrolls_what_is_wider_than_the_page(visitor: Visitor) -> None:
    page = visitor("alice").open("/collectives/kitchen/note")
    write(page, TEXT)
    code = page.get_by_role("region", name="Code")
    table = page.get_by_role("region", name="Table")

    # The block of one short word does not scroll, so it is not a tab stop.
    expect(code).to_have_count(1)
    for region in (code, table):
        region.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.activeElement.scrollLeft > 0")
    expect(table).to_be_focused()


def test_regions_are_tab_stops_without_scripts(visitor: Visitor) -> None:
    page = visitor("alice", script=False).open("/collectives/kitchen/note")
    write(page, TEXT)

    expect(page.get_by_role("region", name="Code")).to_have_count(2)
    expect(page.get_by_role("region", name="Table")).to_have_attribute("tabindex", "0")


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_new_comment_is_in_sight_with_its_notice(
    visitor: Visitor, script: bool, width: int
) -> None:
    page = visitor("alice", script=script, width=width).open("/collectives/kitchen/note")
    write(page, "A long note.\n\n" * 60)
    for text in ("First", "Second"):
        page.get_by_role("textbox", name="Your comment").fill(f"{text} comment")
        page.get_by_role("button", name="Add comment").click()
        page.wait_for_url("**#c-*")

    marked = page.locator("article[aria-current=true]")

    expect(marked).to_contain_text("Second comment")
    expect(marked).to_be_in_viewport()
    expect(marked.get_by_role("status")).to_be_in_viewport()
    expect(marked.get_by_role("status")).to_contain_text("Comment added successfully.")


def test_the_way_back_keeps_what_was_typed(visitor: Visitor) -> None:
    page = visitor("alice").open("/collectives/kitchen/note")
    page.get_by_role("textbox", name="Text").fill("Half a note")

    page.get_by_role("link", name="Members").first.click()
    page.wait_for_url("**/members")
    page.go_back()

    expect(page.get_by_role("textbox", name="Text")).to_have_value("Half a note")
