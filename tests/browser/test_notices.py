"""Notices of success have the focus, so that screen readers announce them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_the_notice_of_a_success_has_the_focus(visitor: Visitor, script: bool) -> None:
    page = visitor("alice", script=script).open("/settings")
    page.get_by_role("button", name="Save profile").click()

    notice = page.locator(".notice--success")

    expect(notice).to_be_visible()
    if script:
        expect(notice).to_be_focused()
    page.keyboard.press("Tab")
    assert page.locator("main :focus, .notices :focus").count() == 1
