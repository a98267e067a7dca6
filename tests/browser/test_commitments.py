"""Commitments in a browser: joining with one tap, and a form that shows the fields that apply."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


def propose(page: Page, title: str, mass: int) -> None:
    """Propose a commitment in the kitchen, and stay on its page."""
    page.get_by_label("Title").fill(title)
    page.get_by_role("spinbutton", name="Critical mass").fill(str(mass))
    page.get_by_role("button", name="Create commitment").click()
    page.wait_for_url("**/c/*")


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_member_joins_and_leaves_with_one_tap(visitor: Visitor, script: bool, width: int) -> None:
    page = visitor("bob", script=script, width=width).open("/collectives/kitchen/commit")
    propose(page, f"Paint the fence {script} {width}", 2)
    status = page.get_by_role("region", name="Status")
    expect(status).to_contain_text("Pending")
    expect(status).to_contain_text("2 more needed")
    page.evaluate("() => (window.isSame = true)")

    join = page.get_by_role("button", name="Join")
    join.focus()
    page.keyboard.press("Enter")

    expect(status).to_contain_text("1 more needed")
    expect(status).to_contain_text("1 participant, including you")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "50")
    assert page.evaluate("() => window.isSame === true") == script
    if script:
        expect(page.get_by_role("button", name="Leave")).to_be_focused()
        expect(status.get_by_role("status")).to_contain_text("You joined")

    page.get_by_role("button", name="Leave").click()
    expect(status).to_contain_text("2 more needed")


def test_a_commitment_reaches_its_critical_mass_and_closes(visitor: Visitor) -> None:
    page = visitor("bob").open("/collectives/kitchen/commit")
    page.get_by_role("radio", name="At critical mass").check()
    propose(page, "Two for the bins", 2)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("button", name="Leave")).to_be_visible()
    alice = visitor("alice").open(urlsplit(page.url).path)

    alice.get_by_role("button", name="Join").click()

    status = alice.get_by_role("region", name="Status")
    expect(status).to_contain_text("Critical mass achieved.")
    expect(status).to_contain_text("Closed")
    expect(status.get_by_role("button")).to_have_count(0)
    expect(status.get_by_role("status")).to_contain_text("You joined")


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_the_form_shows_times_only_where_they_apply(visitor: Visitor, script: bool) -> None:
    page = visitor("bob", script=script).open("/collectives/kitchen/commit")
    expect(page.get_by_label("Starts at")).to_be_hidden()
    expect(page.get_by_label("Deadline (optional)")).to_be_hidden()

    page.get_by_role("radio", name="At a date and time").check()
    expect(page.get_by_label("Deadline (optional)")).to_be_visible()
    page.get_by_role("radio", name="Calendar event A meeting").check()
    page.get_by_label("Starts at").fill("2031-05-13T18:00")
    page.get_by_label("Ends at").fill("2031-05-13T17:00")
    page.get_by_label("Deadline (optional)").fill("2031-05-12T18:00")
    page.get_by_label("Title").fill("Dinner")
    page.get_by_role("spinbutton", name="Critical mass").fill("3")
    page.get_by_role("button", name="Create commitment").click()

    expect(page.get_by_text("Must be after starts_at", exact=True)).to_be_visible()
    expect(page.get_by_label("Starts at")).to_have_value("2031-05-13T18:00")
    page.get_by_label("Ends at").fill("2031-05-13T20:00")
    page.get_by_role("button", name="Create commitment").click()
    expect(page.locator("main")).to_contain_text("Upcoming")
    expect(page.get_by_role("button", name="RSVP")).to_be_visible()
