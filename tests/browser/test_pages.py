"""Every page on a phone, in both themes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harmonic.site.help import TOPICS
from tests.browser.conftest import Server, Visit, Visitor
from tests.browser.pages import FRONT_DOORS, PAGES, PUBLIC, opener

pytestmark = pytest.mark.browser

PHONE = 360
CHECK = (Path(__file__).parent / "accessibility.js").read_text()
# The style guide shows each component several times.
SAMPLES = "/styleguide"

Opener = Callable[[str], Visit]


@pytest.fixture(scope="session", params=["light", "dark"])
def phone(request: pytest.FixtureRequest, visitor: Visitor) -> Opener:
    """Return a function that opens a page on Alice's phone, in one of the themes."""
    visit = visitor("alice", width=PHONE, scheme=request.param)
    open_page = opener(visit)

    def opened(path: str) -> Visit:
        open_page(path)
        return visit

    return opened


def overflow(visit: Visit) -> int:
    visit.page.wait_for_load_state()
    return int(
        visit.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


def test_the_pages_are_those_of_the_routes() -> None:
    """Check the enumeration against pages that were missing before."""
    once_forgotten = {"/settings/security", "/tenant-admin/security", "/styleguide", "/reverify"}
    topics = {topic.path for topic in TOPICS}

    assert once_forgotten | topics | {"/", "/settings", "/u/alice"} <= set(PAGES)
    assert {"/login", "/help", "/styleguide"} <= set(PUBLIC)
    assert "/" in FRONT_DOORS


def faults(visit: Visit) -> list[str]:
    """Return the errors of the open page; documents other than HTML have none."""
    if visit.page.evaluate("document.contentType") != "text/html":
        return []
    wide, found = overflow(visit), list(visit.page.evaluate(CHECK))
    if wide > 0:
        found.append(f"{wide} px wider than the screen")
    # The console repeats the status of a refusal.
    refused = "Failed to load resource: the server responded with a status of "
    found += [line for line in visit.console if not line.startswith(f"{refused}{visit.status}")]
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone_and_is_in_order(phone: Opener, path: str) -> None:
    visit = phone(path)

    assert visit.status < 500
    assert faults(visit) == []
    assert path == SAMPLES or visit.page.locator(".button--primary").count() <= 1


@pytest.mark.parametrize("word", ["Donaudampfschifffahrt" * 6, "كلمة" * 30, "🌱" * 80])
def test_a_word_of_any_length_fits_a_phone(visitor: Visitor, word: str) -> None:
    visit = visitor("carol", width=PHONE)
    page = visit.open("/workspace")
    workspace = urlsplit(page.url).path
    visit.open(f"{workspace}/note")
    page.get_by_label("Title").fill(word)
    page.get_by_label("Text").fill(word)
    page.get_by_role("button", name="Create note").click()
    note = urlsplit(page.url).path
    visit.open("/u/carol/settings/tokens/new")
    page.get_by_label("Name").fill(word)
    page.get_by_role("button", name="Create token").click()
    made = overflow(visit)
    page.get_by_role("link", name="Done").click()
    token = urlsplit(page.url).path

    assert made <= 0
    for path in (note, f"{note}/edit", f"{note}/settings", workspace, token):
        visit.open(path)
        assert overflow(visit) <= 0, path
    visit.open(f"{token}/actions/delete_api_token")
    assert overflow(visit) <= 0
    page.get_by_role("button", name="Delete token").click()
    assert overflow(visit) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_public_pages_fit_a_phone_and_are_in_order(visitor: Visitor, scheme: str) -> None:
    visit = visitor(width=PHONE, scheme=scheme)
    for tenant, paths in (("garden", PUBLIC), ("", FRONT_DOORS)):
        for path in paths:
            visit.console.clear()
            visit.open(path, tenant)

            assert visit.status == 200, path
            assert faults(visit) == [], path


@pytest.mark.parametrize(
    ("who", "path", "heading"),
    [
        ("alice", "/nowhere", "Not found"),
        ("bob", "/tenant-admin", "Only tenant admins"),
    ],
)
def test_a_refusal_fits_a_phone_and_is_in_order(
    visitor: Visitor, who: str, path: str, heading: str
) -> None:
    visit = visitor(who, width=PHONE)
    visit.open(path)

    assert re.search(heading, visit.page.get_by_role("heading", level=1).inner_text())
    assert overflow(visit) <= 0
    assert visit.page.evaluate(CHECK) == []


def test_the_footer_links_the_markdown(visitor: Visitor, server: Server) -> None:
    visit = visitor("alice")
    visit.open("/collectives/kitchen")

    visit.page.get_by_role("link", name="This page as Markdown").click()

    assert visit.page.url == server.url("/collectives/kitchen.md")
    assert visit.page.locator("body").inner_text().startswith("---\napp: Harmonic\n")


def test_the_theme_is_kept(visitor: Visitor) -> None:
    visit = visitor("alice")
    page = visit.open("/")

    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Theme").click()
    visit.open("/collectives")

    assert page.locator("html").get_attribute("data-theme") == "dark"
