"""Both API switches: a change in the browser takes effect for programs immediately."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit, Visitor
from tests.browser.test_tokens import make_token

pytestmark = pytest.mark.browser

TENANT = ("/tenant-admin/settings", "Enable the API in this tenant")
KITCHEN = ("/collectives/kitchen/settings", "Enable the API in this collective")


@pytest.fixture
def admin(visitor: Visitor) -> Iterator[Visit]:
    """Alice's browser; both switches are on again after the test."""
    visit = visitor("alice")
    yield visit
    for switch in (TENANT, KITCHEN):
        turn(visit, switch, on=True)


def turn(visit: Visit, switch: tuple[str, str], *, on: bool) -> Page:
    path, label = switch
    page = visit.open(path)
    page.get_by_role("checkbox", name=label).set_checked(on)
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_role("status")).to_contain_text("Settings saved.")
    return page


def test_the_tenants_switch_disables_and_enables_the_api(admin: Visit, server: Server) -> None:
    token = make_token(admin.open("/u/alice/settings/tokens/new"), "tenant switch")
    assert server.get("/whoami.md", token).status == 200

    turn(admin, TENANT, on=False)
    refused = server.get("/whoami.md", token)
    assert refused.status == 403
    assert "API not enabled for this tenant" in refused.text
    assert server.get("/api/v1", token).status == 403
    page = admin.open("/collectives/kitchen")
    expect(page.locator("main")).to_contain_text("API off for Garden Cooperative")

    turn(admin, TENANT, on=True)
    assert server.get("/whoami.md", token).status == 200


def test_a_collectives_switch_affects_that_collective_only(admin: Visit, server: Server) -> None:
    token = make_token(admin.open("/u/alice/settings/tokens/new"), "kitchen switch")
    assert server.get("/collectives/kitchen.md", token).status == 200

    turn(admin, KITCHEN, on=False)
    refused = server.get("/collectives/kitchen.md", token)
    assert refused.status == 403
    assert "API not enabled for this collective" in refused.text
    assert server.get("/whoami.md", token).status == 200
    page = admin.open("/collectives/kitchen")
    expect(page.locator("main")).to_contain_text("API off here")

    turn(admin, KITCHEN, on=True)
    assert server.get("/collectives/kitchen.md", token).status == 200
