"""The life of a token in the browser: created, copied, used, rotated, deleted and refused."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import Server, Visit, Visitor

pytestmark = pytest.mark.browser
PLAINTEXT = re.compile(r"hmn_[A-Za-z0-9]+")


def make_token(page: Page, name: str) -> str:
    """Create a read + write token with the form, and return the plaintext as shown."""
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("radio", name="Read + write").check()
    page.get_by_role("button", name="Create token").click()
    shown = page.get_by_role("region", name="Copy it now. It is shown only once.")
    return shown.locator("code").inner_text()


def copied(visit: Visit) -> str:
    origin = visit.server.url()
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
    visit.page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(visit.page.get_by_role("button", name="Copied")).to_be_visible()
    return str(visit.page.evaluate("navigator.clipboard.readText()"))


def delete_token(page: Page, name: str) -> None:
    page.get_by_role("link", name="Delete token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Delete “{name}”?")
    page.get_by_role("button", name="Delete token").click()
    expect(page.get_by_role("status")).to_contain_text("Requests with this token are now refused.")


def assert_refused(server: Server, token: str) -> None:
    assert server.get("/api/v1", token).status == 401
    assert server.get("/whoami.md", token).status == 401


def test_a_token_is_created_copied_used_and_deleted(visitor: Visitor, server: Server) -> None:
    visit = visitor("alice")
    page = visit.open("/u/alice/settings/tokens/new")

    token = make_token(page, "browser test")
    assert PLAINTEXT.fullmatch(token)
    assert copied(visit) == token
    tried = page.locator("section", has=page.get_by_role("heading", name="Try it"))
    commands = tried.locator(".code code").all_inner_texts()
    assert [command.split()[-1] for command in commands] == [
        'HARMONIC_TOKEN="paste-the-token-here"',
        server.url("/api/v1"),
        server.url("/whoami.md"),
    ]
    assert all("Bearer $HARMONIC_TOKEN" in command for command in commands[1:])

    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("browser test")
    assert token not in page.content()

    assert server.get("/api/v1", token).status == 200
    assert "logged in as [Alice]" in server.get("/whoami.md", token).text

    delete_token(page, "browser test")
    assert_refused(server, token)
    assert visit.console == []


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_reloading_the_page_of_a_new_token_creates_no_other(visitor: Visitor, script: bool) -> None:
    name = f"made once {'with' if script else 'without'} scripts"
    visit = visitor("bob", script=script)
    make_token(visit.open("/u/bob/settings/tokens/new"), name)

    visit.page.once("dialog", lambda dialog: dialog.accept())
    for _ in range(2):
        visit.page.reload()
    page = visit.open(f"/u/bob/settings/tokens?q={name}")

    expect(page.get_by_role("rowheader")).to_have_count(1)


def test_an_agents_token_is_created_from_its_settings(visitor: Visitor, server: Server) -> None:
    visit = visitor("alice")
    page = visit.open("/ai-agents/scout/settings")

    page.get_by_role("link", name="Create Token").click()
    assert page.url == server.url("/u/scout/settings/tokens/new")
    token = make_token(page, "scout's eyes")
    assert server.get("/api/v1", token).status == 200
    assert "managed by [Alice]" in server.get("/whoami.md", token).text

    page.get_by_role("link", name="Done").click()
    assert token not in page.content()
    delete_token(page, "scout's eyes")
    assert_refused(server, token)


def test_leaving_before_copying_asks_for_confirmation_once(visitor: Visitor) -> None:
    visit = visitor("bob")
    page = visit.open("/u/bob/settings/tokens/new")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    make_token(page, "left behind")
    page.get_by_role("link", name="Home").click()
    page.wait_for_url(visit.server.url("/"))

    assert asked == ["beforeunload"]


def test_the_previewed_expiry_is_the_expiry_in_the_readers_zone(visitor: Visitor) -> None:
    visit = visitor("bob", zone="America/New_York")
    page = visit.open("/u/bob/settings/tokens/new")
    page.get_by_role("button", name="7 days").click()
    previewed = page.get_by_role("status").filter(has_text="America").inner_text()

    make_token(page, "for a week")
    page.get_by_role("link", name="Done").click()

    expires = page.locator("dl div", has_text="Expires").locator("time")
    expect(expires.last).to_have_text(re.compile(r"^\d+ \w{3} \d{4}, \d\d:\d\d America/New_York$"))
    shown = expires.last.inner_text()
    # A minute may pass between the two.
    day, hour = previewed.split(":")[0].split(", ")
    assert shown.startswith(f"{day}, {hour}:")
    assert previewed.endswith("America/New_York")
    assert expires.first.get_attribute("title") == shown
    page.get_by_role("button", name="Times: relative").click()
    assert f"{expires.first.inner_text()} America/New_York" == shown


def test_a_refused_token_form_keeps_its_values(visitor: Visitor) -> None:
    visit = visitor("bob")
    page = visit.open("/u/bob/settings/tokens/new")

    page.get_by_role("radio", name="Read + write").check()
    page.get_by_role("button", name="7 days").click()
    page.get_by_role("button", name="Create token").click()

    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    expect(page.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("radio", name="Read + write")).to_be_checked()
    expect(page.get_by_role("spinbutton", name="Expires after")).to_have_value("7")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_choosing_another_owner_keeps_what_was_typed(visitor: Visitor, script: bool) -> None:
    page = visitor("alice", script=script).open("/u/alice/settings/tokens/new")
    page.get_by_label("Name", exact=True).fill("scout's eyes")
    page.get_by_role("radio", name="Read + write").check()

    owners = page.get_by_role("group", name="Owner")
    expect(owners.get_by_role("radio", name="steward")).to_be_disabled()
    owners.get_by_role("radio", name="You").focus()
    page.keyboard.press("ArrowDown")

    expect(owners.get_by_role("radio", name="scout")).to_be_checked()
    expect(page.get_by_label("Name", exact=True)).to_have_value("scout's eyes")
    expect(page.get_by_role("radio", name="Read + write")).to_be_checked()
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("scout's eyes")
    expect(page.locator("main")).to_contain_text("This token belongs to your AI agent scout.")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_list_is_searched_sorted_and_managed_by_keyboard(
    visitor: Visitor, script: bool
) -> None:
    visit = visitor("carol", script=script)
    kind = "scripted" if script else "plain"
    for name in (f"alpha {kind}", f"beta {kind}"):
        make_token(visit.open("/u/carol/settings/tokens/new"), name)
        visit.page.get_by_role("link", name="Done").click()
    page = visit.open("/u/carol/settings/tokens")

    page.get_by_role("searchbox").fill(f"BETA {kind}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader")).to_have_count(1)
    page.get_by_role("searchbox").fill(kind)
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader")).to_have_count(2)
    page.get_by_role("link", name="Name", exact=True).press("Enter")
    expect(page.get_by_role("rowheader").first).to_contain_text(f"alpha {kind}")
    page.get_by_role("link", name=f"Delete alpha {kind}").press("Enter")
    page.get_by_role("button", name="Delete token").press("Enter")

    expect(page.get_by_role("status").first).to_contain_text(f"Deleted “alpha {kind}”.")
    assert page.url == visit.server.url("/u/carol/settings/tokens")


# --- Rotating a token, stopping an agent ----------------------------------------------------


def rotate_token(page: Page, name: str, *, days: int | None = None) -> str:
    """Rotate the token of the current page, and return the successor's plaintext as shown."""
    page.get_by_role("link", name="Rotate token").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Rotate “{name}”")
    if days is not None:
        page.get_by_label("Overlap in days").fill(str(days))
    page.get_by_role("button", name="Rotate token").click()
    shown = page.get_by_role("region", name="Copy it now. It is shown only once.")
    return shown.locator("code").inner_text()


def test_a_rotated_token_works_during_the_overlap(visitor: Visitor, server: Server) -> None:
    page = visitor("alice").open("/u/alice/settings/tokens/new")
    first = make_token(page, "turning")
    page.get_by_role("link", name="Done").click()

    second = rotate_token(page, "turning")
    assert PLAINTEXT.fullmatch(second)
    assert second != first
    expect(page.locator("main")).to_contain_text("The old token expires in 1 day.")
    page.get_by_role("link", name="Done").click()
    assert second not in page.content()
    assert [server.get("/whoami.md", each).status for each in (first, second)] == [200, 200]

    expect(page.locator("main")).to_contain_text(
        re.compile(r"This token replaces hmn_\w{4}…,\s+which works until")
    )

    third = rotate_token(page, "turning", days=0)
    expect(page.locator("main")).to_contain_text("The old token is deleted.")
    assert_refused(server, second)
    assert [server.get("/whoami.md", each).status for each in (first, third)] == [200, 200]


def test_a_stopped_agent_is_refused_on_its_next_request(visitor: Visitor, server: Server) -> None:
    visit = visitor("alice")
    own = make_token(visit.open("/u/alice/settings/tokens/new"), "not the agent's")
    page = visit.open("/u/scout/settings/tokens/new")
    token = make_token(page, "runaway")
    assert server.get("/whoami.md", token).status == 200

    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Stop agent").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stop “scout”?")
    assert server.get("/whoami.md", token).status == 200
    page.get_by_role("button", name="Stop agent").click()

    expect(page.get_by_role("status")).to_contain_text("Stopped scout:")
    assert page.url == server.url("/ai-agents/scout/settings")
    assert_refused(server, token)
    assert server.get("/whoami.md", own).status == 200
