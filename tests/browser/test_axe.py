"""Every page passes axe, in both themes, on a desktop and a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Server, Visitor
from tests.browser.pages import FRONT_DOORS, PAGES, PUBLIC, opener
from tests.browser.test_pages import PHONE
from tests.browser.test_tokens import make_token

pytestmark = pytest.mark.browser

DESK = 1280
RULES = {
    "runOnly": {"type": "tag", "values": "wcag2a wcag2aa wcag21aa wcag22aa".split()},
    "resultTypes": ["violations"],
}
# The only rule that depends on the theme.
CONTRAST = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
THEMES: dict[Literal["light", "dark"], dict[str, Any]] = {"light": RULES, "dark": CONTRAST}

Opener = Callable[[str], Page]


@pytest.fixture(scope="session")
def axe() -> Axe:
    return Axe()


@pytest.fixture(scope="session")
def desk(visitor: Visitor) -> Opener:
    """Return a function that opens a page on Alice's desktop."""
    visit = visitor("alice")
    open_page = opener(visit)

    def opened(path: str) -> Page:
        open_page(path)
        return visit.page

    return opened


def violations(axe: Axe, page: Page) -> list[str]:
    """Return the violations at both widths in both themes, with the first element of each."""
    found: list[str] = []
    if page.evaluate("document.contentType") != "text/html":
        return found
    for theme, rules in THEMES.items():
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for width in (DESK, PHONE):
            page.set_viewport_size({"width": width, "height": 800})
            for each in axe.run(page, options=rules).response["violations"]:
                node = each["nodes"][0]
                what = f"{each['id']}: {node['html'][:120]}: {node['failureSummary']}"
                found.append(f"{theme}, {width} px: {what}")
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_violation(axe: Axe, desk: Opener, path: str) -> None:
    assert violations(axe, desk(path)) == []


def test_public_pages_have_no_violation(axe: Axe, visitor: Visitor) -> None:
    visit = visitor()
    for tenant, paths in (("garden", PUBLIC), ("", FRONT_DOORS)):
        for path in paths:
            page = visit.open(path, tenant)

            assert violations(axe, page) == [], path


def test_the_pages_of_a_token_have_no_violation(axe: Axe, visitor: Visitor) -> None:
    page = visitor("alice").open("/u/alice/settings/tokens/new")
    make_token(page, "seen by axe")
    assert violations(axe, page) == []

    page.get_by_role("link", name="Done").click()
    for each in ("Rotate token", "Delete token"):
        assert violations(axe, page) == []
        page.get_by_role("link", name=each).click()
        assert violations(axe, page) == []
        page.go_back()


def test_refusals_have_no_violation(axe: Axe, visitor: Visitor) -> None:
    visit = visitor("bob")
    page = visit.open("/u/bob/settings/tokens/new")
    page.get_by_role("button", name="Create token").click()
    page.get_by_role("alert").wait_for()
    assert violations(axe, page) == []

    for path in ("/nowhere", "/tenant-admin"):
        assert violations(axe, visit.open(path)) == [], path


def test_violations_are_found(axe: Axe, visitor: Visitor, server: Server) -> None:
    page = visitor().page
    page.goto(server.url("/login"))
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert [each.partition(": ")[2][:9] for each in violations(axe, page)] == ["image-alt"] * 2

    page.reload()
    page.evaluate("document.querySelector('h1').style.color = 'light-dark(black, #333)'")
    assert [each.split(" px: ")[0] for each in violations(axe, page)] == [
        f"dark, {DESK}",
        f"dark, {PHONE}",
    ]
