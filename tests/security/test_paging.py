"""Paging of the security log: constant number of queries, stable cursors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import SecurityEvent
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import World, make_token
from tests.markdown.reading import read
from tests.security.conftest import act, markdown
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

OWN, TENANT = "/settings/security", "/tenant-admin/security"
# Tenant, session and viewer; events; people and the parents of agents; collectives; tokens.
# One of them counts the unread notifications.
BUDGET = {OWN: 11, TENANT: 9}


def fill(world: World, count: int, name: str = "n", handle: str = "alice") -> None:
    """Write events that name people, collectives and tokens, a second apart, the last one now."""
    tokens = list(ApiToken.unscoped.filter(owner__handle="scout").values_list("id", flat=True))
    collectives = [world.collective(handle).id for handle in ("kitchen", "treasury", "board")]
    people = [world.user(each).id for each in (handle, "scout", "pilot")]
    tenant = world.tenant()
    with tenant_bound(tenant.id):
        for number in range(count):
            SecurityEvent(
                tenant=tenant,
                at=timezone.now() - timedelta(seconds=count - number),
                event=("admin_action", "token_created")[number % 2],
                severity="info",
                user_id=people[0],
                subject_id=people[number % 2],
                data={
                    "action": "update_member_roles",
                    "role": "admin",
                    "grant": True,
                    "name": f"{name} {number}",
                    "collective_id": str(collectives[number % 3]),
                    "token_id": str(tokens[number % len(tokens)]),
                    "by_token_id": str(tokens[0]),
                    "inviter_id": str(people[2]),
                },
            ).save()


def walk(client: Any, path: str) -> list[str]:
    """Return the first cells of all pages, newest first."""
    cells: list[str] = []
    page, _, query = path.partition("?")
    while page:
        document = read(client.get(f"{page}.md?{query}").content.decode())
        cells += [text for text in document.texts if text.startswith("Token “n ")]
        older = [link for link in document.targets if "cursor=" in link]
        page, _, query = older[0].partition("?") if older else ("", "", "")
    return cells


@pytest.mark.parametrize("path", BUDGET)
@pytest.mark.parametrize("query", ["", "?event=admin_action", "?who=scout", "?who=gone"])
@pytest.mark.parametrize("count", [6, 130])
def test_the_number_of_queries_is_independent_of_the_number_of_events(
    path: str, query: str, count: int, page: Any, world: World, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        make_token("alice", agent="scout")
    fill(world, count)
    alice = page("alice")
    alice.get(f"{path}{query}")

    with django_assert_max_num_queries(BUDGET[path]):
        assert alice.get(f"{path}{query}").status_code == 200


def test_filters_combine(page: Any, world: World) -> None:
    make_token("bob")
    make_token("alice", agent="scout")
    act(page("bob"), "/u/bob/settings/actions/update_profile.json", name="Bobby")
    alice = page("alice")

    found = markdown(alice, f"{TENANT}?event=token_created&who=bob")

    assert "bob in a test" in found
    assert "scout in a test" not in found
    assert "The profile was changed" not in found
    assert "No events match" in markdown(alice, f"{TENANT}?event=logout&who=bob")


def test_page_links_keep_the_filters(page: Any, world: World) -> None:
    make_token("alice", agent="scout")
    fill(world, 130)
    fill(world, 4, "other", handle="bob")

    cells = walk(page("alice"), f"{TENANT}?event=token_created&who=alice")

    assert [cell.split("”")[0] for cell in cells] == [
        f"Token “n {number}" for number in reversed(range(1, 130, 2))
    ]


def test_a_cursor_stays_valid_while_events_and_agents_are_added(page: Any, world: World) -> None:
    make_token("alice", agent="scout")
    fill(world, 60)
    alice = page("alice")
    first = read(alice.get(f"{OWN}.md").content.decode())
    older = next(link for link in first.targets if "cursor=" in link).replace(OWN, f"{OWN}.md")
    before = read(alice.get(older).content.decode()).texts

    act(alice, "/ai-agents/new/actions/create_ai_agent.json", name="Helper")
    make_token("alice")

    assert read(alice.get(older).content.decode()).texts == before


def test_a_cursor_of_another_list_shows_the_first_page(page: Any, world: World) -> None:
    make_token("alice", agent="scout")
    fill(world, 60)
    first = read(page("alice").get(f"{OWN}.md").content.decode())
    cursor = next(link for link in first.targets if "cursor=" in link).partition("cursor=")[2]

    for path in (f"{TENANT}.md?cursor={cursor}", f"{OWN}.md?event=logout&cursor={cursor}"):
        assert "Newest events" not in page("alice").get(path).content.decode()
