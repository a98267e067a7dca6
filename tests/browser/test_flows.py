"""Flows by keyboard alone, with and without scripts: conversations, forms, tokens."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Server, Visitor
from tests.browser.test_keyboard import tab_to
from tests.browser.test_tokens import PLAINTEXT, make_token

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"]),
]

KITCHEN = "/collectives/kitchen"


def press_tab_to(page: Page, words: str = "", *, name: str = "", limit: int = 120) -> None:
    """Reach an element by Tab, and press Enter."""
    tab_to(page, words, name=name, limit=limit)
    page.keyboard.press("Enter")


def finish(page: Page) -> None:
    """Leave the page of a new token by its primary button, which asks nothing."""
    press_tab_to(page, "Done")
    page.wait_for_selector(".secret", state="detached")


def revoke_sessions(server: Server, handle: str) -> None:
    server.manage(
        "shell",
        "-c",
        "from accounts.models import User; from django.utils import timezone;"
        f" User.objects.filter(email='{handle}@example.com')"
        ".update(sessions_revoked_at=timezone.now())",
    )


def marked(page: Page, text: str) -> None:
    """Assert that the page is a thread with this new comment marked and in sight."""
    page.wait_for_url("**#c-*")
    comment = page.locator("article[aria-current=true]")
    expect(comment).to_contain_text(text)
    expect(comment).to_be_in_viewport()
    expect(comment.get_by_role("status")).to_contain_text("Comment added successfully.")


# --- Conversations --------------------------------------------------------------------------


def test_a_comment_and_a_reply_return_to_the_thread(visitor: Visitor, script: bool) -> None:
    page = visitor("bob", script=script).open(f"{KITCHEN}/note")
    tab_to(page, name="text")
    page.keyboard.type("What shall we plant?")
    press_tab_to(page, "Create note")
    page.wait_for_url("**/n/*")
    note = page.url.partition("?")[0]

    tab_to(page, name="text")
    page.keyboard.type("Beans.")
    press_tab_to(page, "Add comment")
    marked(page, "Beans.")
    assert page.url.startswith(note)

    press_tab_to(page, "Reply to Bob")
    page.wait_for_url("**#comments")
    # People cannot confirm their own comments.
    expect(page.get_by_role("button", name=re.compile("Confirm"))).to_have_count(0)
    tab_to(page, name="text")
    page.keyboard.type("And peas.")
    press_tab_to(page, "Add comment")
    marked(page, "And peas.")
    assert page.url.startswith(note)


def test_a_deleted_note_is_restored_from_its_notice(visitor: Visitor, script: bool) -> None:
    page = visitor("bob", script=script).open(f"{KITCHEN}/note")
    page.get_by_label("Text").fill(f"Deleted and restored, {script}")
    page.get_by_role("button", name="Create note").press("Enter")
    page.wait_for_url("**/n/*")

    page.locator("main").get_by_role("link", name="Settings").press("Enter")
    page.get_by_role("link", name="Delete…").press("Enter")
    page.get_by_role("button", name="Delete note").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("deleted")
    press_tab_to(page, "Restore")

    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Deleted and restored, {script}")


# --- Forms ----------------------------------------------------------------------------------


def test_a_refused_form_is_corrected(visitor: Visitor, script: bool) -> None:
    page = visitor("bob", script=script).open(f"{KITCHEN}/note")
    heading = page.get_by_role("heading", level=1).inner_text()
    tab_to(page, name="title")
    page.keyboard.type("Soup")
    press_tab_to(page, "Create note")

    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.get_by_label("Title")).to_have_value("Soup")
    expect(page.get_by_label("Text")).to_be_focused()
    page.keyboard.type("Onions")
    press_tab_to(page, "Create note")

    expect(page.get_by_role("heading", level=1)).to_have_text("Soup")


def test_a_form_is_sent_again_after_the_session_expired(visitor: Visitor, script: bool) -> None:
    visit = visitor("bob", script=script)
    page = visit.open(f"{KITCHEN}/note")
    tab_to(page, name="text")
    page.keyboard.type(f"Written for an hour, {script}")
    revoke_sessions(visit.server, "bob")
    press_tab_to(page, "Create note")

    page.wait_for_url("**/login?**")
    expect(page.locator("main")).to_contain_text("The form that you sent is kept for")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("bob@example.com")
    tab_to(page, name="password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Send your form again")
    expect(page.locator("main")).to_contain_text(f"Written for an hour, {script}")
    press_tab_to(page, "Create note")

    page.wait_for_url("**/n/*")
    expect(page.locator("main")).to_contain_text(f"Written for an hour, {script}")


def test_a_form_without_its_csrf_token_shows_the_text_again(visitor: Visitor, script: bool) -> None:
    visit = visitor("bob", script=script)
    page = visit.open(f"{KITCHEN}/note")
    tab_to(page, name="text")
    page.keyboard.type("Not to be lost")
    visit.page.context.clear_cookies(name="csrftoken")
    press_tab_to(page, "Create note")

    expect(page.locator("main")).to_contain_text("This form could not be verified")
    expect(page.locator("main")).to_contain_text("Not to be lost")


# --- Tokens ---------------------------------------------------------------------------------


def test_a_token_is_created_from_a_link_and_finished(
    visitor: Visitor, server: Server, script: bool
) -> None:
    name = f"keyed-{script}".lower()
    page = visitor("carol", script=script).open(
        f"/u/carol/settings/tokens/new?name={name}&access=read&expires=30d"
    )
    expect(page.get_by_role("radio", name="Read only")).to_be_checked()
    expect(page.get_by_role("spinbutton", name="Expires after")).to_have_value("30")
    press_tab_to(page, "Create token")

    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    token = page.locator(".secret code").inner_text()
    assert PLAINTEXT.fullmatch(token)
    assert server.get("/whoami.md", token).status == 200
    finish(page)

    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert token not in page.content()


def test_a_token_is_renamed_and_rotated_from_its_row(visitor: Visitor, script: bool) -> None:
    name = f"row {script}".lower()
    visit = visitor("carol", script=script)
    make_token(visit.open("/u/carol/settings/tokens/new"), name)
    finish(visit.page)
    page = visit.open(f"/u/carol/settings/tokens?q={name}")

    press_tab_to(page, f"Rename {name}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Rename “{name}”")
    page.get_by_role("textbox", name="Name").press("End")
    page.keyboard.type(" renamed")
    press_tab_to(page, "Save name and note")
    expect(page.get_by_role("status").first).to_contain_text("Name and note saved.")

    page = visit.open(f"/u/carol/settings/tokens?q={name}")
    press_tab_to(page, f"Rotate {name} renamed")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Rotate “{name} renamed”")
    press_tab_to(page, "Rotate token")
    page.wait_for_selector(".secret code")
    finish(page)
    page = visit.open(f"/u/carol/settings/tokens?q={name}")
    rows = page.get_by_role("row").filter(has_text=f"{name} renamed")
    expect(rows).to_have_count(2)
    expect(page.get_by_role("table")).to_contain_text("replaced by")
    expect(page.get_by_role("table")).to_contain_text("replaces")


# --- Settings -------------------------------------------------------------------------------


def test_a_timezone_is_typed_and_saved(visitor: Visitor, script: bool) -> None:
    visit = visitor("alice", script=script)
    page = visit.open("/tenant-admin/settings")
    field = page.get_by_role("combobox", name="Timezone")
    for zone in ("Europe/Lisbon", field.input_value()):
        tab_to(page, name="timezone")
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(zone)
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Save settings").press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("Settings saved.")
        visit.open("/tenant-admin/settings")
        expect(field).to_have_value(zone)
