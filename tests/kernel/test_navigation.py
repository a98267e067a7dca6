"""Menus: each page declares its entries, and only callers who can use a page see them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from django.test import Client

from harmonic.kernel.registry import pages
from tests.fixtures.world import World

pytestmark = pytest.mark.django_db

EVERYONE = [
    *("Home", "Notifications", "Search", "Collectives", "Your workspace"),
    *("AI agents", "API tokens"),
]
KITCHEN = "/collectives/kitchen"
ITEMS = ["Feed", "New note", "New decision", "New commitment", "Cycles", "Backlinks"]


def links(client: Client, path: str, menu: str) -> list[Tag]:
    answer = client.get(path)
    assert answer.status_code == 200
    navigation = BeautifulSoup(answer.content, "html.parser").find("nav", {"aria-label": menu})
    return list(navigation.select(".nav__list:first-of-type .nav__link")) if navigation else []


def labels(found: list[Tag]) -> list[str]:
    return [_label(link) for link in found]


def _label(link: Tag) -> str:
    for count in link.select(".count"):
        count.extract()
    return link.get_text(strip=True)


def current(found: list[Tag]) -> list[str]:
    return [_label(link) for link in found if link.get("aria-current") == "page"]


def test_only_a_tenant_admin_sees_the_administration(page: Any, world: World):
    name = world.tenant().name

    assert labels(links(page("alice"), "/help", name)) == [*EVERYONE, "Administration", "Help"]
    assert labels(links(page("bob"), "/help", name)) == [*EVERYONE, "Help"]


def test_only_an_admin_of_a_collective_sees_its_settings(page: Any, world: World):
    name = world.collective("kitchen").name
    members = [*ITEMS, "Members"]

    assert labels(links(page("alice"), KITCHEN, name)) == [*members, "Invite", "Settings"]
    assert labels(links(page("bob"), KITCHEN, name)) == members


def test_a_workspace_has_no_members(page: Any, world: World):
    workspace = world.workspace("bob")

    assert labels(links(page("bob"), workspace.path, workspace.name)) == ITEMS


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/", ["Home"]),
        ("/collectives", ["Collectives"]),
        ("/collectives/new", []),
        ("/ai-agents", ["AI agents"]),
        ("/ai-agents/new", ["AI agents"]),
        ("/u/alice/settings/tokens/new", ["API tokens"]),
        ("/help/rest-api", ["Help"]),
    ],
)
def test_the_entry_of_the_page_is_marked_as_current(
    page: Any, world: World, path: str, marked: list[str]
):
    assert current(links(page("alice"), path, world.tenant().name)) == marked


def test_every_entry_leads_to_its_page(page: Any, world: World):
    alice = page("alice")
    found = [
        *links(alice, "/help", world.tenant().name),
        *links(alice, KITCHEN, world.collective("kitchen").name),
    ]

    assert len(found) == len(
        [*EVERYONE, "Administration", "Help", *ITEMS, "Members", "Invite", "Settings"]
    )
    for link in found:
        assert alice.get(str(link["href"]), follow=True).status_code == 200


def test_entries_of_a_menu_have_different_orders():
    orders = Counter(
        (entry.menu, entry.order) for mounted in pages().values() for entry in mounted.page.nav
    )

    assert set(orders.values()) == {1}
