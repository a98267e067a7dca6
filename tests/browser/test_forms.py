"""Forms in a browser: typed text is not lost, and an agent's capabilities are one choice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import Visitor
from tests.browser.test_keyboard import tab_to

pytestmark = pytest.mark.browser

NOTE = "/collectives/kitchen/note"


def warnings_of(page: Page) -> list[str]:
    """Return a list that collects the warnings of a page, each of which is dismissed."""
    found: list[str] = []

    def note(dialog: Dialog) -> None:
        found.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", note)
    return found


def leave(page: Page) -> None:
    page.get_by_role("link", name="Help").first.click()
    page.wait_for_timeout(500)


def test_leaving_a_changed_form_warns(visitor: Visitor) -> None:
    page = visitor("bob").open(NOTE)
    warnings = warnings_of(page)
    page.get_by_label("Text").press_sequentially("Onions")

    leave(page)

    assert warnings == ["beforeunload"]
    expect(page.get_by_label("Text")).to_have_value("Onions")


def test_leaving_an_unchanged_form_does_not_warn(visitor: Visitor) -> None:
    page = visitor("alice").open("/ai-agents/scout/settings")
    warnings = warnings_of(page)
    page.get_by_label("Name", exact=True).press_sequentially("x")
    page.keyboard.press("Backspace")

    leave(page)

    assert warnings == []
    assert page.url.endswith("/help")


def test_leaving_a_refused_form_warns(visitor: Visitor) -> None:
    page = visitor("bob").open(NOTE)
    page.get_by_label("Title").fill("Soup")
    page.get_by_role("button", name="Create note").click()
    expect(page).to_have_title(re.compile("^Error: "))
    warnings = warnings_of(page)
    page.keyboard.press("Shift")

    leave(page)

    assert warnings == ["beforeunload"]


def test_sending_a_changed_form_does_not_warn(visitor: Visitor) -> None:
    page = visitor("bob").open(NOTE)
    warnings = warnings_of(page)
    page.get_by_label("Text").press_sequentially("Onions")

    page.get_by_role("button", name="Create note").click()

    expect(page.get_by_label("Your comment")).to_be_visible()
    assert warnings == []


def test_back_restores_what_was_typed(visitor: Visitor) -> None:
    page = visitor("bob", script=False).open(NOTE)
    page.get_by_label("Title").fill("Soup")
    page.get_by_label("Text").fill("Onions")
    page.get_by_role("link", name="Help").first.click()

    page.go_back()

    expect(page.get_by_label("Title")).to_have_value("Soup")
    expect(page.get_by_label("Text")).to_have_value("Onions")


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_custom_capabilities_are_selected_by_keyboard(visitor: Visitor, script: bool) -> None:
    page = visitor("alice", script=script).open("/ai-agents/scout/settings")
    grid = page.get_by_role("group", name="Allowed actions")
    save = page.get_by_role("button", name="Save settings")
    expect(grid).to_be_hidden()
    expect(save).to_be_in_viewport()

    tab_to(page, name="preset")
    while page.locator("[name=preset]:checked").input_value() != "custom":
        page.keyboard.press("ArrowDown")
    expect(grid).to_be_visible()
    page.get_by_label("Delete note").focus()
    page.keyboard.press("Space")
    is_selected = page.get_by_label("Delete note").is_checked()
    expect(save).to_be_in_viewport()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").first).to_contain_text("Agent settings saved.")
    page.locator("[name=preset][value=custom]").check()
    assert page.get_by_label("Delete note").is_checked() is is_selected

    # The other variant of the test begins with a preset too.
    page.locator("[name=preset][value=contribute]").check()
    save.click()
    expect(page.get_by_role("status").first).to_contain_text("Agent settings saved.")


def test_the_timezone_is_found_by_typing(visitor: Visitor) -> None:
    page = visitor("alice").open("/collectives/kitchen/settings")
    field = page.get_by_role("combobox", name="Timezone")

    field.fill("europe/ber")
    offered = field.evaluate(
        "(field) => [...field.list.options].map((option) => option.value)"
        ".filter((name) => name.toLowerCase().includes(field.value))"
    )

    assert offered == ["Europe/Berlin"]
