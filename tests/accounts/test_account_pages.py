"""The pages of accounts: their titles, and the fields that password managers fill."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.fixtures.world import anonymous_client

pytestmark = pytest.mark.django_db

PAGES = (
    "/whoami",
    "/motto",
    "/logout",
    "/logout-success",
    "/reverify",
    "/settings",
    "/settings/security",
    "/tenant-admin/security",
    "/ai-agents",
    "/ai-agents/new",
    "/ai-agents/scout",
    "/ai-agents/scout/settings",
    "/u/alice",
    "/u/scout",
)


def parsed(response: Any) -> Any:
    return BeautifulSoup(response.content, "html.parser")


def assert_title_is_heading(document: Any) -> None:
    title = " ".join(document.title.text.split())
    heading = " ".join(document.h1.text.split())
    assert title == f"{heading} · Garden Cooperative"


@pytest.mark.parametrize("path", PAGES)
def test_the_title_of_a_page_is_its_heading(page: Any, path: str) -> None:
    assert_title_is_heading(parsed(page("alice").get(path, follow=True)))


def test_the_title_of_the_sign_in_page_is_its_heading(world: Any) -> None:
    assert_title_is_heading(parsed(anonymous_client().get("/login")))


def test_reverification_names_the_account_to_password_managers(page: Any) -> None:
    form = parsed(page("alice").get("/reverify?scope=admin")).select_one("main form")
    account = form.select_one("[autocomplete=username]")

    assert account["value"] == "alice@example.com"
    assert form.select_one("[autocomplete=current-password]")["type"] == "password"
    assert form.index(account) < form.index(form.select_one(".field"))
