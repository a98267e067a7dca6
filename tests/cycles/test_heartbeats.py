"""Heartbeats: who can send them, what they unlock, and who sees them (content §10.5)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from collectives.cycles import presence
from collectives.cycles.models import Heartbeat
from collectives.cycles.windows import Unit, current_cycle
from collectives.models import Collective, CollectiveMember
from harmonic.kernel.http.moments import format_timestamp
from tests.fixtures.rows import change
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World

KITCHEN = "/collectives/kitchen"
HEARTBEATS = f"{KITCHEN}/heartbeats"
REQUIRED = "## Heartbeat Required"
POST = "POST"
UTC = ZoneInfo("UTC")


@pytest.fixture
def silent(world: World) -> None:
    """Delete all heartbeats, as at the start of a cycle."""
    Heartbeat.unscoped.all().delete()


def count(world: World, handle: str) -> int:
    return Heartbeat.unscoped.filter(
        collective=world.collective("kitchen"), user=world.user(handle)
    ).count()


# --- Sending --------------------------------------------------------------------------------


@pytest.mark.rule("heartbeats.send")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize("handle", ["alice", "bob"])
def test_a_member_sends_a_heartbeat(call: Any, silent: None, world: World, handle: str) -> None:
    call(handle).act("send_heartbeat", KITCHEN).assert_done()

    heartbeat = Heartbeat.unscoped.get(user=world.user(handle))
    week = current_cycle(Unit.WEEK, world.now, UTC)
    assert heartbeat.collective == world.collective("kitchen")
    assert (heartbeat.cycle_started_at, heartbeat.expires_at) == (week.start, week.end)


@pytest.mark.rule("heartbeats.agents")
@on(MARKDOWN)
def test_an_agent_sends_a_heartbeat_without_any_capability(
    call: Any, silent: None, world: World
) -> None:
    change(world.agent("scout"), capability_names=[])

    call("scout").act("send_heartbeat", KITCHEN).assert_done()

    assert count(world, "scout") == 1


@pytest.mark.rule("heartbeats.not-outsider")
@on(HTML, FORM, MARKDOWN)
def test_an_outsider_cannot_send_a_heartbeat(call: Any, silent: None) -> None:
    answer = call("carol").act("send_heartbeat", KITCHEN)

    assert not answer.is_done()
    assert not Heartbeat.unscoped.exists()


@pytest.mark.rule("heartbeats.read-only")
@on(MARKDOWN)
def test_a_read_only_token_cannot_send_a_heartbeat(call: Any, silent: None) -> None:
    caller = call("bob", scope="read")

    caller.act("send_heartbeat", KITCHEN).assert_refused(403)
    assert "send_heartbeat" not in caller.get(KITCHEN).text.partition("# Collective")[0]


@pytest.mark.rule("heartbeats.once")
@on(HTML, MARKDOWN)
def test_a_second_heartbeat_in_a_cycle_is_refused(call: Any, silent: None, world: World) -> None:
    call("bob").act("send_heartbeat", KITCHEN).assert_done()

    again = call("bob").act("send_heartbeat", KITCHEN)

    again.assert_refused(409, "Heartbeat already exists for this cycle.")
    assert count(world, "bob") == 1


@pytest.mark.rule("heartbeats.next-cycle")
@on(HTML, MARKDOWN)
def test_a_new_cycle_accepts_a_new_heartbeat(call: Any, silent: None, world: World) -> None:
    call("bob").act("send_heartbeat", KITCHEN).assert_done()
    row = Heartbeat.unscoped.get()
    week = timedelta(days=7)
    change(
        row,
        created_at=row.cycle_started_at - week / 2,
        cycle_started_at=row.cycle_started_at - week,
        expires_at=row.cycle_started_at,
    )

    call("bob").act("send_heartbeat", KITCHEN).assert_done()

    assert count(world, "bob") == 2


@pytest.mark.rule("heartbeats.tempo")
@on(HTML, MARKDOWN)
def test_a_shorter_tempo_starts_a_new_cycle(call: Any, silent: None, world: World) -> None:
    call("bob").act("send_heartbeat", KITCHEN).assert_done()
    today = current_cycle(Unit.DAY, world.now, UTC)
    change(Heartbeat.unscoped.get(), created_at=today.start)
    Collective.unscoped.filter(handle="kitchen").update(tempo="daily")

    call("bob").act("send_heartbeat", KITCHEN).assert_done()

    ends = set(Heartbeat.unscoped.values_list("expires_at", flat=True))
    assert today.end in ends
    assert count(world, "bob") == 2


@pytest.mark.rule("heartbeats.not-main-or-workspace")
@on(HTML, MARKDOWN)
def test_the_main_collective_and_workspaces_have_no_heartbeats(
    call: Any, silent: None, world: World
) -> None:
    bob = call("bob")
    for place in (f"/workspace/{world.workspace('bob').handle}", "/collectives/garden"):
        answer = bob.act("send_heartbeat", place)
        assert answer.status == 403, answer.excerpt
        assert "This collective has no heartbeats." in answer.text
        assert bob.get(f"{place}/heartbeats").status == 404
        assert "Heartbeat Required" not in bob.get(place).text
    assert bob.get("/heartbeats").status == 404
    assert not Heartbeat.unscoped.exists()


# --- POST {collective}/heartbeats -----------------------------------------------------------


def test_posting_to_heartbeats_returns_json(silent: None, world: World) -> None:
    Caller(MARKDOWN, "alice").act("send_heartbeat", KITCHEN).assert_done()

    answer = Caller(REST, "bob")._send(POST, HEARTBEATS, {})

    row = Heartbeat.unscoped.get(user=world.user("bob"))
    assert answer.assert_done().json == {
        "expires_at": format_timestamp(row.expires_at),
        "other_heartbeats": 1,
        "cycle_display_name": "this week",
    }


def test_posting_twice_is_a_conflict(silent: None) -> None:
    bob = Caller(REST, "bob")
    bob._send(POST, HEARTBEATS, {}).assert_done()

    again = bob._send(POST, HEARTBEATS, {})

    assert again.status == 409
    assert again.json["error"] == "Heartbeat already exists"


@pytest.mark.parametrize("surface", [HTML, MARKDOWN])
def test_create_heartbeat_is_the_action_on_the_heartbeats_page(
    silent: None, world: World, surface: str
) -> None:
    client = Caller(surface, "bob")
    path = f"{HEARTBEATS}/actions/create_heartbeat"

    assert client._send(POST, path, {}).is_done()

    client._send(POST, path, {}).assert_refused(409, "Heartbeat already exists for this cycle.")
    assert count(world, "bob") == 1


# --- The gate -------------------------------------------------------------------------------


@pytest.mark.rule("heartbeats.gate")
def test_the_markdown_home_asks_for_a_heartbeat_and_shows_nothing_else(
    api: Any, silent: None
) -> None:
    home = api("bob").get(f"{KITCHEN}.md").text

    frontmatter, body = home.split("\n---\n", 1)
    assert REQUIRED in body
    assert "  - name: send_heartbeat" in frontmatter
    for hidden in ("Welcome to the kitchen", "## Activity Feed", "## Team", "## Pinned", "Alice"):
        assert hidden not in body


@pytest.mark.rule("heartbeats.gate")
@pytest.mark.parametrize("query", ["?cycle=last-week", "?cursor=x"])
def test_parts_of_the_markdown_home_are_gated_too(api: Any, silent: None, query: str) -> None:
    assert REQUIRED in api("bob").get(f"{KITCHEN}{query}", follow=True).text


@pytest.mark.rule("heartbeats.opens")
def test_a_heartbeat_unlocks_the_markdown_home(api: Any, silent: None) -> None:
    bob = api("bob")
    bob.post(f"{KITCHEN}/actions/send_heartbeat")

    home = bob.get(f"{KITCHEN}.md").text

    assert REQUIRED not in home
    assert "Welcome to the kitchen" in home
    assert "## Cycle: This Week" in home
    assert "send_heartbeat" not in home


@pytest.mark.rule("heartbeats.gate-html")
def test_the_html_home_is_veiled_with_one_button(page: Any, silent: None) -> None:
    home = page("bob").get(KITCHEN).text

    assert home.count('action="/collectives/kitchen/actions/send_heartbeat"') == 1
    assert 'class="veiled" inert' in home
    assert "A heartbeat tells other members that you are here this cycle." in home

    page("bob").post(f"{KITCHEN}/actions/send_heartbeat")
    assert "veiled" not in page("bob").get(KITCHEN).text


@pytest.mark.rule("heartbeats.not-gated")
def test_items_creation_search_cycles_and_rest_do_not_require_a_heartbeat(
    api: Any, silent: None, note_path: Any
) -> None:
    bob = api("bob")

    for path in (
        f"{note_path('Knife care')}.md",
        f"{KITCHEN}/note.md",
        f"{KITCHEN}?q=knife",
        f"{KITCHEN}?since=2026-01-01",
        f"{KITCHEN}/cycles",
        f"{KITCHEN}/cycles/this-month",
        f"{KITCHEN}/members",
        f"{KITCHEN}/api/v1/notes",
        f"{KITCHEN}/api/v1/cycles/today",
    ):
        response = bob.get(path)
        assert response.status_code == 200, path
        assert REQUIRED not in response.text, path
    made = bob.post(f"{KITCHEN}/note/actions/create_note", {"text": "x"}, "application/json")
    assert made.status_code == 200


def test_a_program_that_posts_to_the_gated_home_creates_its_note(api: Any, silent: None) -> None:
    """The home page still lists its actions, because creating items requires no heartbeat."""
    bob = api("bob")

    assert "  - name: create_note" in bob.get(f"{KITCHEN}.md").text
    made = bob.post(f"{KITCHEN}/actions/create_note", {"text": "x"}, "application/json")
    assert made.status_code == 200


# --- Who is here ----------------------------------------------------------------------------


@pytest.mark.rule("heartbeats.seen")
@on(HTML, MARKDOWN)
def test_members_see_who_is_here_this_cycle(call: Any, silent: None, world: World) -> None:
    call("alice").act("send_heartbeat", KITCHEN).assert_done()
    bob = call("bob")
    bob.act("send_heartbeat", KITCHEN).assert_done()

    assert "Alice" in bob.get(HEARTBEATS).text
    assert "scout" not in bob.get(HEARTBEATS).text.partition("Here this cycle")[2]


@pytest.mark.rule("heartbeats.seen")
@on(HTML, MARKDOWN)
def test_heartbeats_of_former_members_and_earlier_cycles_are_not_shown(
    call: Any, silent: None, world: World
) -> None:
    for handle in ("alice", "scout", "bob"):
        Caller(MARKDOWN, handle).act("send_heartbeat", KITCHEN).assert_done()
    past = world.now - timedelta(days=30)
    Heartbeat.unscoped.filter(user=world.user("alice")).update(created_at=past, expires_at=past)
    CollectiveMember.unscoped.filter(
        person=world.person("scout"), collective=world.collective("kitchen")
    ).update(archived_at=world.now)

    here = call("bob").get(HEARTBEATS).text.partition("Here this cycle")[2]

    assert "No other member has sent a heartbeat this cycle." in here


@pytest.mark.meets("heartbeats of others on a page")
@on(HTML, MARKDOWN)
def test_a_page_shows_the_newest_heartbeats_only(
    call: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SHOWN", 1)

    text = call("bob").get(HEARTBEATS).text.partition("Here this cycle")[2]

    assert sum(name in text for name in ("Alice", "steward", "scout")) >= 1
    assert "Only the newest heartbeats are shown." in text


@pytest.mark.rule("heartbeats.not-outsider")
@on(HTML, MARKDOWN)
def test_an_outsider_cannot_see_heartbeats(call: Any) -> None:
    answer = call("carol").get(HEARTBEATS)

    assert answer.status in (302, 403)
    assert "Alice" not in answer.text


@pytest.mark.rule("heartbeats.due")
@on(HTML, MARKDOWN)
def test_lists_of_collectives_say_where_a_heartbeat_is_due(call: Any, world: World) -> None:
    """Alice has sent a heartbeat in the kitchen but not in the treasury."""
    alice = call("alice")

    listed = alice.get("/collectives").text.partition("<main")[2] or alice.get("/collectives").text
    assert listed.lower().count("heartbeat due") == 1
    assert listed.index("Treasury") < listed.index("Kitchen Crew")
    home = alice.get("/").text
    assert home.count("(heartbeat due)") == 1

    alice.act("send_heartbeat", "/collectives/treasury")

    if alice.surface == HTML:  # the API is disabled there
        assert "eartbeat due" not in alice.get("/collectives").text


# --- Races ----------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.rule("heartbeats.once")
def test_concurrent_heartbeats_of_one_member_are_stored_once(
    transactional_world: World,
) -> None:
    Heartbeat.unscoped.all().delete()
    callers = [Caller(MARKDOWN, "bob") for _ in range(6)]

    def send(caller: Caller) -> int:
        try:
            return caller.act("send_heartbeat", KITCHEN).status
        finally:
            connection.close()

    with ThreadPoolExecutor(len(callers)) as pool:
        statuses = sorted(pool.map(send, callers))

    assert statuses == [200, *[409] * 5]
    assert count(transactional_world, "bob") == 1
