"""The layout of feeds, of headings in other scripts and of tablets."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.pages import opener
from tests.browser.test_media import PAGES
from tests.browser.test_pages import overflow

pytestmark = pytest.mark.browser

# Pixels of a row with a title, a line of text and the author.
ROW_HEIGHT = 76
HEIGHTS = "rows => rows.map(row => row.getBoundingClientRect().height)"


def test_a_row_of_a_feed_is_short(visitor: Visitor) -> None:
    page = visitor("alice").open("/collectives/kitchen")

    heights = page.locator(".stream__row").evaluate_all(HEIGHTS)

    assert len(heights) > 3
    assert max(heights) <= ROW_HEIGHT * 1.1


def test_a_heading_from_right_to_left_keeps_its_button_in_place(visitor: Visitor) -> None:
    visit = visitor("carol")
    for name, handle in (("Library", "library"), ("ספרייה", "sifriya")):
        page = visit.open("/collectives/new")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Handle", exact=True).fill(handle)
        page.get_by_role("button", name="Create collective").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)

    edges = []
    for handle in ("library", "sifriya"):
        page = visit.open(f"/collectives/{handle}")
        heading = page.get_by_role("heading", level=1).evaluate(
            "h1 => { const range = document.createRange(); range.selectNodeContents(h1);"
            " return range.getBoundingClientRect().left }"
        )
        button = page.locator(".headline .button").bounding_box()
        assert button
        edges.append((round(heading), round(button["x"])))

    assert edges[0] == edges[1]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_tablet(visitor: Visitor, path: str) -> None:
    visit = visitor("alice", width=768)
    opener(visit)(path)

    assert visit.status == 200
    assert overflow(visit) <= 0
