"""Every main page against axe, in both themes, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Server, Visit, Visitor
from tests.browser.test_pages import PAGES, PHONE
from tests.browser.test_tokens import make_token

pytestmark = pytest.mark.browser

DESK = 1280
RULES = {
    "runOnly": {"type": "tag", "values": "wcag2a wcag2aa wcag21aa wcag22aa".split()},
    "resultTypes": ["violations"],
}
SCHEMES = ["light", "dark"]

Opener = Callable[[str], Page]


@pytest.fixture(scope="session")
def axe() -> Axe:
    return Axe()


@pytest.fixture(scope="session", params=SCHEMES)
def desk(request: pytest.FixtureRequest, visitor: Visitor) -> Opener:
    """Return how to open a page on Alice's screen, in one of the themes."""
    visit = visitor("alice", scheme=request.param)
    note_path = path_of_a_note(visit)
    return lambda path: visit.open(path.replace("NOTE", note_path))


def path_of_a_note(visit: Visit) -> str:
    page = visit.open("/collectives/kitchen")
    note = page.get_by_role("link", name="Welcome to the kitchen").first
    return (note.get_attribute("href") or "").split("#")[0]


def violations(axe: Axe, page: Page) -> list[str]:
    """Return what axe finds at both widths, each with the first element that it names."""
    found = []
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        for each in axe.run(page, options=RULES).response["violations"]:
            node = each["nodes"][0]
            found.append(
                f"{width} px: {each['id']}: {node['html'][:120]}: {node['failureSummary']}"
            )
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_violation(axe: Axe, desk: Opener, path: str) -> None:
    assert violations(axe, desk(path)) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_doors_have_no_violation(
    axe: Axe, visitor: Visitor, server: Server, scheme: str
) -> None:
    page = visitor(scheme=scheme).page
    reference = server.url("/api/v1/docs")
    root = f"http://localhost:{server.port}/"
    for url in (root, server.url("/login"), server.url("/help"), reference):
        page.goto(url)

        assert violations(axe, page) == [], url


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_a_token_is_shown_with_has_no_violation(
    axe: Axe, visitor: Visitor, scheme: str
) -> None:
    page = visitor("alice", scheme=scheme).open("/u/alice/settings/tokens/new")
    make_token(page, f"seen in {scheme}")
    assert violations(axe, page) == []

    page.get_by_role("link", name="I have stored it").click()
    for each in ("Rotate…", "Delete…"):
        assert violations(axe, page) == []
        page.get_by_role("link", name=each).click()
        assert violations(axe, page) == []
        page.go_back()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_refusals_have_no_violation(axe: Axe, visitor: Visitor, scheme: str) -> None:
    visit = visitor("bob", scheme=scheme)
    page = visit.open("/u/bob/settings/tokens/new")
    page.get_by_role("button", name="Create token").click()
    page.get_by_role("alert").wait_for()
    assert violations(axe, page) == []

    for path in ("/nowhere", "/tenant-admin"):
        assert violations(axe, visit.open(path)) == [], path


def test_axe_would_find_one(axe: Axe, visitor: Visitor, server: Server) -> None:
    page = visitor().page
    page.goto(server.url("/login"))
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")

    assert [each.partition(": ")[2][:9] for each in violations(axe, page)] == ["image-alt"] * 2
