"""Decisions in a browser: creating, voting with one tap, the tally, closing and verifying."""

from __future__ import annotations

import json
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server, Visit, Visitor

pytestmark = pytest.mark.browser


def ask(page: Page, question: str) -> str:
    """Create a decision with two options in the main collective, and return its path."""
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("textbox", name="Options").fill("Soup\nBread")
    page.get_by_role("button", name="Create decision").click()
    page.wait_for_url("**/d/*")
    return urlsplit(page.url).path


def row(page: Page, title: str) -> Locator:
    return page.locator(".ballot__option").filter(has_text=title)


def tap(page: Page, title: str) -> None:
    """Accept an option with a tap on its title, and wait until it is saved."""
    row(page, title).locator(".ballot__title").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def agent_vote(visit: Visit, server: Server, path: str) -> None:
    """Vote as Alice's agent scout, with a token."""
    page = visit.open("/u/scout/settings/tokens/new")
    page.get_by_label("Name").fill("voter")
    page.get_by_label("Read + write").check()
    page.get_by_role("button", name="Create token").click()
    token = page.locator(".secret code").inner_text()
    request = Request(
        f"http://127.0.0.1:{server.port}{path}/actions/vote",
        data=json.dumps({"votes": [{"option_title": "Bread", "accept": True}]}).encode(),
        headers={
            "Host": f"garden.localhost:{server.port}",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        },
    )
    with urlopen(request, timeout=10) as response:
        assert response.status == 200


def test_a_decision_is_made_by_three_people_and_an_agent(visitor: Visitor, server: Server) -> None:
    alice, bob, carol = visitor("alice"), visitor("bob", width=360, touch=True), visitor("carol")
    page = alice.open("/decide")
    path = ask(page, "What do we cook first?")

    expect(page.get_by_text("Submit your vote to see results")).to_be_visible()
    tap(page, "Soup")
    expect(row(page, "Soup")).to_contain_text("1 of 1")
    expect(page.get_by_role("button", name="Save my vote")).to_be_hidden()
    phone = bob.open(path)
    tap(phone, "Bread")
    expect(row(phone, "Bread")).to_contain_text("1 of 2")
    tap(carol.open(path), "Bread")
    agent_vote(alice, server, path)

    page = alice.open(path)
    expect(row(page, "Bread").get_by_role("img")).to_have_accessible_name(
        "Accepted by 2 people and 1 agent"
    )
    page.get_by_label("Prefer Soup").check(force=True)
    expect(row(page, "Soup")).to_contain_text("1 of 4 · 1 ★")
    page.reload()
    expect(page.get_by_label("Prefer Soup")).to_be_checked()

    page.get_by_role("link", name="Close decision").click()
    page.get_by_label("Final statement").fill("Bread first.")
    page.get_by_role("button", name="Close decision").click()
    expect(page.locator(".tally__row").first).to_contain_text("Bread")
    expect(page.locator("main")).to_contain_text("Bread first.")
    page.get_by_role("link", name="Verify results").click()
    expect(page.locator("main")).to_contain_text("Chain integrity: PASS")
    expect(page.locator("main")).to_contain_text("Vote tallies: PASS")
    assert alice.console == []


def test_voting_works_without_script(visitor: Visitor) -> None:
    page = visitor("alice", script=False).open("/decide")
    ask(page, "What do we cook without a script?")

    row(page, "Soup").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Save my vote").click()

    expect(row(page, "Soup")).to_contain_text("1 of 1")
    expect(row(page, "Bread")).to_contain_text("0 of 1")


def test_votes_and_preferences_work_by_keyboard(visitor: Visitor) -> None:
    page = visitor("bob").open("/decide")
    ask(page, "What do we cook with the keyboard?")

    row(page, "Soup").get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")

    expect(row(page, "Soup")).to_contain_text("1 of 1 · 1 ★")


def test_a_refused_question_keeps_what_was_typed(visitor: Visitor) -> None:
    page = visitor("bob").open("/decide")
    page.get_by_label("Question").fill("Who decides?")
    page.get_by_label("Decision maker").fill("nobody-here")
    page.get_by_role("button", name="Create decision").click()

    expect(page.get_by_role("alert")).to_contain_text("nobody-here")
    expect(page.get_by_label("Question")).to_have_value("Who decides?")
