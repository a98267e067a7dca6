"""Runs in a browser: a task is given, watched and cancelled, and leads to what the agent wrote."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visitor
from tests.browser.test_axe import violations
from tests.browser.test_keyboard import tab_to

pytestmark = pytest.mark.browser

FORM = "/ai-agents/steward/run"
FINISHED = "The agent finished."
# A worker starts in seconds, longer on a busy machine.
PATIENCE = 60_000


def give(page: Page, task: str) -> None:
    page.get_by_label("Task").fill(task)
    page.get_by_role("button", name="Run task").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run of")


def test_a_new_agent_runs_a_task_and_its_note_is_there(visitor: Visitor, server: Server) -> None:
    visit = visitor("alice")
    page = visit.open("/ai-agents/new")
    page.get_by_label("Name").fill("Herald")
    page.get_by_label("internal").check()
    page.get_by_role("button", name="Create").click()
    visit.open("/ai-agents/herald/settings")
    page.get_by_role("button", name="Add to Kitchen Crew").click()
    visit.open("/ai-agents")
    page.locator("main").get_by_role("link", name="Run a task").first.click()
    give(page, "Say hello to the kitchen.")
    page.evaluate("window.isSamePage = true")
    with server.worker():
        expect(page.locator("#run-words")).to_have_text(FINISHED, timeout=PATIENCE)

    assert page.evaluate("window.isSamePage") is True
    expect(page.locator("#run-steps > li")).to_have_count(3)
    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0)
    expect(page.get_by_role("link", name="Run again")).to_be_visible()
    assert visit.console == []
    page.locator("#run-result").get_by_role("link", name="Note").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A note by the demo model")
    expect(page.locator("main .byline").first).to_contain_text("Herald")


def test_a_run_is_cancelled(visitor: Visitor) -> None:
    page = visitor("alice").open(FORM)
    give(page, "Water the beans.")

    expect(page.locator("#run-words")).to_contain_text("Queued.")
    page.get_by_role("button", name="Cancel run").click()

    expect(page.locator("#run-words")).to_contain_text("Cancelled by user")
    expect(page.get_by_role("button", name="Cancel run")).to_have_count(0)


def test_a_page_that_is_open_elsewhere_shows_the_end(visitor: Visitor) -> None:
    visit = visitor("alice")
    page = visit.open(FORM)
    give(page, "Water the beans.")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Cancel run").focus()
    page.get_by_role("button", name="Cancel run").click()

    status = other.get_by_role("status").filter(has_text="Cancelled by user")
    expect(status).to_be_visible(timeout=PATIENCE)
    expect(other.get_by_role("heading", level=1)).to_be_focused()
    other.close()


def test_an_earlier_task_is_sent_again(visitor: Visitor) -> None:
    page = visitor("alice").open(FORM)
    give(page, "Water the tomatoes.")
    page.get_by_role("button", name="Cancel run").click()
    page.get_by_role("link", name="Run again").click()

    expect(page.get_by_label("Task")).to_have_value("Water the tomatoes.")


def test_a_task_is_given_and_cancelled_by_keyboard(visitor: Visitor) -> None:
    page = visitor("alice").open("/ai-agents/steward")
    tab_to(page, "Run a task")
    page.keyboard.press("Enter")
    page.wait_for_url("**/run")
    tab_to(page, name="task")
    page.keyboard.type("Water the beans.")
    tab_to(page, "Run task")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*")
    tab_to(page, "Cancel run")
    page.keyboard.press("Enter")

    expect(page.locator("#run-words")).to_contain_text("Cancelled by user")


def test_without_script_a_link_reloads_the_page(visitor: Visitor, server: Server) -> None:
    page = visitor("alice", script=False).open(FORM)
    give(page, "Say hello to the kitchen.")
    reload = page.get_by_role("link", name="Reload this page")
    with server.worker():
        for _ in range(120):
            reload.click()
            if page.locator("#run-words").inner_text() == FINISHED:
                break
            page.wait_for_timeout(500)

    expect(page.locator("#run-words")).to_have_text(FINISHED)
    expect(reload).to_have_count(0)


def test_a_finished_run_passes_axe(visitor: Visitor, server: Server) -> None:
    page = visitor("alice").open(FORM)
    give(page, "Say hello to the kitchen.")
    with server.worker():
        expect(page.locator("#run-words")).to_have_text(FINISHED, timeout=PATIENCE)

    assert violations(Axe(), page) == []
