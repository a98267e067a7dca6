"""The pages of an agent's log: who reads them, and what their filters select."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import TenantUser
from harmonic.agent_log import storing
from harmonic.agent_log.models import Entry
from tests.fixtures.rows import change
from tests.fixtures.world import World, make_token, token_client
from tests.mcp.client import Mcp

pytestmark = pytest.mark.django_db

LOG = "/ai-agents/scout/mcp-tool-calls"
COUNTS = "/tenant-admin/agents"
KITCHEN = "/collectives/kitchen"
JSON = "application/json"


@pytest.fixture
def log(world: World) -> dict[str, Entry]:
    """Make an entry on each surface, one of them refused and one two days old."""
    first = token_client(make_token("alice", agent="scout"))
    second = token_client(make_token("alice", agent="scout"))
    Mcp(first).read("/whoami")
    first.post(f"{KITCHEN}/note/actions/create_note", {"text": "Soup"}, JSON)
    second.post("/collectives/board/api/v1/notes", {"text": "Soup"}, JSON)
    storing.flush()
    found = {each.surface: each for each in Entry.unscoped.all()}
    change(found["mcp"], called_at=found["mcp"].called_at - timedelta(days=2))
    return {name: Entry.unscoped.get(id=each.id) for name, each in found.items()}


def listed(client: Any, query: str = "") -> set[str]:
    """Return the IDs of the entries that the log lists."""
    body = client.get(f"{LOG}{query}").content.decode()
    return set(re.findall(rf'href="{LOG}/([0-9a-f-]{{36}})"', body))


def ids(*entries: Entry) -> set[str]:
    return {str(each.id) for each in entries}


# --- Who reads it ---------------------------------------------------------------------------


@pytest.mark.rule("agent-log.parent")
def test_the_parent_reads_the_log_of_all_surfaces_and_each_entry(log, page):
    alice = page("alice")

    assert listed(alice) == ids(*log.values())
    shown = alice.get(f"{LOG}/{log['markdown'].id}").content.decode()
    assert f"create_note at {KITCHEN}/note" in shown
    assert log["markdown"].touched["path"] in shown
    assert "Soup" not in shown
    refused = alice.get(f"{LOG}/{log['rest'].id}.md").content.decode().replace("\\", "")
    assert "You are not a member of this collective" in refused
    assert "not_a_member" in refused


@pytest.mark.rule("agent-log.nobody-else")
@pytest.mark.parametrize("who", ["bob", "carol"])
@pytest.mark.parametrize("is_admin", [True, False], ids=["admin", "member"])
def test_neither_members_nor_tenant_admins_read_it(world, log, page, who, is_admin):
    change(world.person(who), is_admin=is_admin)

    assert page(who).get(LOG).status_code == 403
    assert page(who).get(f"{LOG}/{log['rest'].id}").status_code == 403


@pytest.mark.rule("agent-log.nobody-else")
@pytest.mark.parametrize("agent", ["scout", "pilot"])
def test_no_agent_reads_it_even_if_it_and_its_parent_are_admins(world, log, agent):
    parent = {"scout": "alice", "pilot": "bob"}[agent]
    TenantUser.unscoped.filter(handle__in=[parent, agent]).update(is_admin=True)
    client = token_client(make_token(parent, agent=agent))

    assert client.get(LOG).status_code == 403
    assert client.get(f"{LOG}/{log['rest'].id}").status_code == 403


def test_an_entry_of_another_agent_is_not_found(world, log, page):
    mine = token_client(make_token("bob", agent="pilot"))
    mine.post(f"{KITCHEN}/note/actions/create_note", {"text": "Soup"}, JSON)

    assert page("bob").get(f"/ai-agents/pilot/mcp-tool-calls/{log['rest'].id}").status_code == 404


@pytest.mark.rule("agent-log.counts")
def test_tenant_admins_see_counts_and_nothing_else(world, log, page):
    change(world.person("carol"), is_admin=True)

    shown = page("carol").get(f"{COUNTS}.md").content.decode()

    (row,) = [line for line in shown.splitlines() if "scout" in line and line.startswith("|")]
    assert [cell.strip() for cell in row.split("|")[-3:-1]] == ["3", "1"]
    assert "create_note" not in shown
    assert KITCHEN not in shown


@pytest.mark.rule("agent-log.counts")
def test_other_members_do_not_see_counts(log, page):
    assert page("bob").get(COUNTS).status_code == 403


# --- Filters --------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", ["mcp", "markdown", "rest"])
def test_a_filter_selects_a_surface(log, page, surface):
    assert listed(page("alice"), f"?surface={surface}") == ids(log[surface])


def test_a_filter_selects_a_result(log, page):
    alice = page("alice")

    assert listed(alice, "?status=tool_error") == ids(log["rest"])
    assert listed(alice, "?status=ok") == ids(log["mcp"], log["markdown"])
    assert listed(alice, "?status=ok&surface=mcp") == ids(log["mcp"])


def test_a_filter_selects_a_token(log, page):
    alice = page("alice")

    assert listed(alice, f"?token={log['rest'].token_id}") == ids(log["rest"])
    assert listed(alice, f"?token={log['mcp'].token_id}") == ids(log["mcp"], log["markdown"])
    assert listed(alice, "?token=nonsense") == set()


def test_a_filter_selects_a_day_in_utc(log, page):
    day = log["mcp"].called_at.astimezone(UTC).date()
    change(log["rest"], called_at=datetime(2026, 3, 4, 23, 59, 59, 999999, tzinfo=UTC))
    change(log["markdown"], called_at=datetime(2026, 3, 5, tzinfo=UTC))
    alice = page("alice")

    assert listed(alice, f"?day={day}") == ids(log["mcp"])
    assert listed(alice, "?day=2026-03-04") == ids(log["rest"])
    assert listed(alice, "?day=2026-03-05") == ids(log["markdown"])


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "20261204T00"])
def test_a_day_that_is_no_date_is_refused_with_an_example(log, page, day):
    answer = page("alice").get(f"{LOG}?day={day}")

    assert answer.status_code == 400
    assert "2026-12-04" in answer.content.decode()


@pytest.mark.parametrize("query", ["?status=nonsense", "?surface=%00", "?page=x", "?run=x"])
def test_unknown_values_of_filters_are_no_server_error(log, page, query):
    assert page("alice").get(f"{LOG}{query}").status_code < 500


def test_the_pages_of_a_long_log_keep_the_filter(world, log, page):
    one = log["rest"]
    Entry.unscoped.bulk_create(
        Entry(
            tenant_id=one.tenant_id,
            user_id=one.user_id,
            surface="rest",
            called_at=one.called_at,
            arguments=one.arguments,
        )
        for _ in range(100)
    )

    body = page("alice").get(f"{LOG}?surface=rest").content.decode()

    assert "surface=rest&amp;page=2" in body


# --- The chart ------------------------------------------------------------------------------


def test_the_chart_counts_each_day_with_its_refusals(log, page):
    shown = page("alice").get(f"{LOG}.md").content.decode()
    today, earlier = log["rest"].called_at.date(), log["mcp"].called_at.date()

    assert "3 requests, 1 refused." in shown
    for day, counts in ((today, "| 2 | 1 |"), (earlier, "| 1 | 0 |")):
        (row,) = [line for line in shown.splitlines() if line.startswith(f"| [{day}]")]
        assert f"?day={day}" in row
        assert row.endswith(counts)


# --- Links and control ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ai-agents", "/ai-agents/scout", "/ai-agents/scout/settings"])
def test_the_pages_of_the_agent_link_to_its_log(world, page, path):
    assert f'href="{LOG}"' in page("alice").get(path).content.decode()


@pytest.mark.parametrize("path", ["/ai-agents", "/ai-agents/scout", LOG])
def test_list_page_and_log_offer_to_pause_to_resume_and_to_stop(world, page, path):
    alice = page("alice")
    shown = alice.get(path).content.decode()
    assert re.search(r'href="/ai-agents/scout[a-z/-]*/actions/pause_ai_agent"', shown)
    assert re.search(r'href="/ai-agents/scout[a-z/-]*/actions/stop_ai_agent"', shown)

    change(world.agent("scout"), paused_at=world.now)

    shown = alice.get(path).content.decode()
    assert re.search(r'href="/ai-agents/scout[a-z/-]*/actions/resume_ai_agent"', shown)
    assert "/ai-agents/scout/actions/pause_ai_agent" not in shown
