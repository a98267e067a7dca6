"""Every main page: on a phone, in both themes, without complaint, for everybody."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Server, Visit, Visitor

pytestmark = pytest.mark.browser

PHONE = 360
CHECK = (Path(__file__).parent / "accessibility.js").read_text()
PAGES = """
/ /collectives /collectives/new /whoami /help /help/api /help/rest-api /actions /motto /workspace
/note /settings /u/alice /u/bob /u/scout
/u/alice/settings/tokens /u/alice/settings/tokens/new
/u/alice/settings/tokens/new/actions/create_api_token
/collectives/kitchen /collectives/kitchen/note /collectives/kitchen/members
/collectives/kitchen/invite /collectives/kitchen/settings /collectives/kitchen/join
/collectives/kitchen/members/actions/update_member_roles?user_handle=bob
/collectives/kitchen/members/actions/remove_member?user_handle=bob
/collectives/treasury /collectives/board/join
/collectives/treasury/members/actions/leave_collective
/ai-agents /ai-agents/new /ai-agents/scout /ai-agents/scout/settings /ai-agents/steward/settings
/ai-agents/scout/settings/actions/deactivate_ai_agent
/tenant-admin /tenant-admin/settings /tenant-admin/users /tenant-admin/users/bob
/tenant-admin/users/bob/actions/remove_from_tenant
NOTE NOTE/edit NOTE/settings NOTE/settings/actions/delete_note
""".split()

Opener = Callable[[str], Visit]


@pytest.fixture(scope="session", params=["light", "dark"])
def phone(request: pytest.FixtureRequest, visitor: Visitor, server: Server) -> Opener:
    """Return how to open a page on Alice's phone, in one of the themes."""
    visit = visitor("alice", width=PHONE, scheme=request.param)
    visit.open("/collectives/kitchen")
    note = visit.page.get_by_role("link", name="Welcome to the kitchen").first
    note_path = (note.get_attribute("href") or "").split("#")[0]

    def open_page(path: str) -> Visit:
        visit.console.clear()
        visit.open(path.replace("NOTE", note_path))
        return visit

    return open_page


def overflow(visit: Visit) -> int:
    return int(
        visit.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone_and_is_in_order(phone: Opener, path: str) -> None:
    visit = phone(path)

    assert visit.page.evaluate("document.contentType") == "text/html"
    assert overflow(visit) <= 0
    assert visit.page.evaluate(CHECK) == []
    assert visit.page.locator(".button--primary").count() <= 1
    assert visit.console == []


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
    page.get_by_role("link", name="I have stored it").click()
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
def test_the_doors_fit_a_phone_and_are_in_order(
    visitor: Visitor, server: Server, scheme: str
) -> None:
    visit = visitor(width=PHONE, scheme=scheme)
    for url in (f"http://localhost:{server.port}/", server.url("/login"), server.url("/help")):
        visit.page.goto(url)

        assert overflow(visit) <= 0, url
        assert visit.page.evaluate(CHECK) == [], url
    assert visit.console == []


@pytest.mark.parametrize(
    ("who", "path", "heading"),
    [
        ("alice", "/nowhere", "Not found"),
        ("bob", "/tenant-admin", "Only tenant admins"),
    ],
)
def test_a_refusal_is_a_page_too(visitor: Visitor, who: str, path: str, heading: str) -> None:
    visit = visitor(who, width=PHONE)
    visit.open(path)

    assert re.search(heading, visit.page.get_by_role("heading", level=1).inner_text())
    assert overflow(visit) <= 0
    assert visit.page.evaluate(CHECK) == []


def test_every_page_leads_to_its_markdown(visitor: Visitor, server: Server) -> None:
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
