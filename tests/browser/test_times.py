"""Times: relative or exact, as the reader chooses; they are not tab stops."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser

ZONE = "Europe/Berlin"
EXACT = re.compile(r"^\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d$")


def times(page: Page) -> list[str]:
    return page.locator("main time[data-style=ago]").all_text_contents()


def test_a_switch_shows_every_time_exactly_without_hover(visitor: Visitor) -> None:
    page = visitor("alice", zone=ZONE).open("/collectives/kitchen")
    in_words = times(page)
    assert in_words
    assert all(text.endswith("ago") or text == "just now" for text in in_words)

    page.get_by_role("button", name="Times: relative").click()

    for time in page.locator("main time[data-style=ago]").all():
        expect(time).to_have_text(EXACT)
    expect(page.get_by_role("button", name=f"Times: exact, {ZONE}")).to_be_visible()


def test_the_choice_is_kept_and_can_be_undone(visitor: Visitor) -> None:
    visit = visitor("alice", zone=ZONE)
    page = visit.open("/collectives/kitchen")
    in_words = times(page)
    page.get_by_role("button", name="Times: relative").click()
    exactly = times(page)

    assert times(visit.open("/collectives/kitchen")) == exactly
    page.get_by_role("button", name="Times: exact").click()
    assert times(page) == in_words
    assert times(visit.open("/collectives/kitchen")) == in_words


def test_the_server_renders_exact_times_for_a_reader_without_scripts(visitor: Visitor) -> None:
    visit = visitor("alice", script=False)
    visit.page.context.add_cookies([{"name": "times", "value": "exact", "url": visit.server.url()}])

    assert not [text for text in times(visit.open("/collectives/kitchen")) if "ago" in text]


SHIFTS = """() => {
  window.shifts = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) window.shifts += entry.value;
  }).observe({type: "layout-shift"});
}"""


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    "path", ["/collectives/kitchen", "/collectives/kitchen/members", "/settings/security"]
)
def test_focusing_a_time_or_a_link_with_one_shifts_nothing(
    visitor: Visitor, path: str, width: int
) -> None:
    page = visitor("alice", width=width).open(path)
    page.wait_for_load_state("networkidle")
    page.evaluate(SHIFTS)

    for time in page.locator("time:visible").all()[:20]:
        time.evaluate("element => { element.tabIndex = -1; element.focus(); }")
        time.hover()
    for _ in range(30):
        page.keyboard.press("Tab")
    page.wait_for_timeout(200)

    assert page.evaluate("window.shifts") == 0


def test_times_are_no_tab_stops(visitor: Visitor) -> None:
    page = visitor("alice").open("/collectives/kitchen")

    assert page.locator("time").count() > 5
    assert page.locator("time[tabindex]").count() == 0
