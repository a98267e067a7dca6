"""The layout of feeds, of headings in other scripts and of tablets."""

from __future__ import annotations

import pytest
from playwright.sync_api import FloatRect, Locator, expect

from tests.browser.conftest import Server, Visitor
from tests.browser.pages import opener
from tests.browser.test_media import PAGES
from tests.browser.test_pages import overflow
from tests.browser.test_tokens import make_token

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


def test_the_links_of_a_collective_fit_a_phone(visitor: Visitor) -> None:
    page = visitor("alice", width=360).open("/collectives/kitchen/members")

    edges = page.locator(".nav--place .nav__link").evaluate_all(
        "links => links.map(link => link.getBoundingClientRect().right)"
    )

    assert len(edges) > 3
    assert max(edges) <= 360


# --- Facts and actions ----------------------------------------------------------------------


def box_of(place: Locator) -> FloatRect:
    box = place.bounding_box()
    assert box
    return box


def test_the_actions_of_a_note_are_on_the_first_screen_of_a_phone(visitor: Visitor) -> None:
    visit = visitor("alice", width=360)
    opener(visit)("/collectives/kitchen/n/NOTE")

    byline = visit.page.locator("main .byline").first
    for each in (byline.get_by_role("link", name="Edit"), byline.get_by_text("read")):
        assert box_of(each.first)["y"] < 400


@pytest.mark.parametrize("width", [360, 1280])
def test_the_facts_and_actions_of_a_token_come_first(
    visitor: Visitor, server: Server, width: int
) -> None:
    page = visitor("alice", width=width).open("/u/alice/settings/tokens/new")
    # The first use is counted immediately, and shows the chart.
    assert server.get("/whoami.md", make_token(page, f"{width} wide")).status == 200
    page.get_by_role("link", name="Done").click()

    facts = box_of(page.locator("dl.facts").first)
    rotate = box_of(page.get_by_role("link", name="Rotate token"))
    reach = box_of(page.get_by_role("heading", name="Access by collective"))
    assert rotate["y"] < 700
    if width == 360:
        assert facts["y"] < rotate["y"] < reach["y"]
    else:
        assert min(facts["x"], rotate["x"]) > reach["x"] + 600

    chart = box_of(page.locator(".spark svg"))
    column = box_of(page.get_by_role("region", name="Access by collective"))
    assert abs(chart["width"] - column["width"]) < 2
