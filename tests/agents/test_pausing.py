"""Pausing an agent: every request is refused, and its tokens are kept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from collectives.events.models import Event
from collectives.notes.models import Note
from tests.access.stage import Stage
from tests.access.test_deciding import before_the_write
from tests.fixtures.rows import change
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World, make_token, token_client
from tests.mcp.client import Mcp
from tests.rules.test_tokens import path_of
from tests.security.conftest import markdown

pytestmark = pytest.mark.django_db

SCOUT = "/ai-agents/scout"
KITCHEN = "/collectives/kitchen"
REASON = "This agent is paused"
HINT = "Alice (@alice) can resume it at /ai-agents/scout."
JSON = "application/json"


def pause(handle: str = "scout", parent: str = "alice") -> None:
    Caller(MARKDOWN, parent).act("pause_ai_agent", f"/ai-agents/{handle}").assert_done()


def resume() -> None:
    Caller(MARKDOWN, "alice").act("resume_ai_agent", SCOUT).assert_done()


def is_paused(world: World, handle: str = "scout") -> bool:
    return world.agent(handle).paused_at is not None


@pytest.fixture
def scout(world: World) -> Client:
    return token_client(make_token("alice", agent="scout"))


# --- Who may --------------------------------------------------------------------------------


@pytest.mark.rule("agents.parent-pauses")
@on(HTML, MARKDOWN, REST)
def test_a_parent_pauses_and_resumes_their_agent(world, call, scout):
    alice = call("alice")

    alice.act("pause_ai_agent", SCOUT).assert_done()
    assert scout.get("/whoami").status_code == 403

    alice.act("resume_ai_agent", SCOUT).assert_done()
    assert scout.get("/whoami").status_code == 200


@pytest.mark.rule("agents.only-parent-pauses")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_only_the_parent_pauses_and_resumes_an_agent(world, call, who):
    call(who).act("pause_ai_agent", SCOUT).assert_refused(403)
    assert not is_paused(world)

    pause()
    call(who).act("resume_ai_agent", SCOUT).assert_refused(403)
    assert is_paused(world)


@pytest.mark.rule("agents.never-pauses")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("target", ["scout", "steward"])
def test_an_agent_pauses_neither_itself_nor_its_siblings(world, call, target):
    call("scout").act("pause_ai_agent", f"/ai-agents/{target}").assert_refused(403)
    assert not is_paused(world, target)

    pause(target)
    call("scout").act("resume_ai_agent", f"/ai-agents/{target}").assert_refused(403)
    assert is_paused(world, target)


@pytest.mark.parametrize("surface", [HTML, MARKDOWN])
def test_the_page_of_the_agent_asks_before_it_pauses_and_resumes(world, surface):
    alice = Caller(surface, "alice")
    for name, heading in (("pause", "Pause “scout”?"), ("resume", "Resume “scout”?")):
        path = f"{SCOUT}/actions/{name}_ai_agent"
        assert f"{name}_ai_agent" in alice.get(SCOUT).text
        assert surface == MARKDOWN or heading in alice.get(path).text
        alice.act(f"{name}_ai_agent", SCOUT).assert_done()


@on(HTML, MARKDOWN, REST)
def test_pausing_twice_and_resuming_twice_change_nothing_more(world, call):
    alice = call("alice")
    alice.act("pause_ai_agent", SCOUT).assert_done()
    since = world.agent("scout").paused_at

    alice.act("pause_ai_agent", SCOUT).assert_done()
    assert world.agent("scout").paused_at == since

    for _ in range(2):
        alice.act("resume_ai_agent", SCOUT).assert_done()
    events = Event.unscoped.filter(subject="agent").exclude(verb="created").order_by("happened_at")
    assert list(events.values_list("verb", flat=True)) == ["paused", "resumed"]


@on(HTML, MARKDOWN, REST)
def test_an_inactive_agent_is_neither_paused_nor_resumed(world, call):
    change(world.person("scout"), archived_at=world.now)

    call("alice").act("pause_ai_agent", SCOUT).assert_refused(403, "This agent is inactive.")
    assert not is_paused(world)


@pytest.mark.rule("proof.not-asked")
def test_an_old_session_can_pause_an_agent(world, page):
    session = page("alice", at=timezone.now() - timedelta(hours=1, minutes=50))

    session.post(f"{SCOUT}/actions/pause_ai_agent")

    assert is_paused(world)


# --- What a paused agent can do -------------------------------------------------------------

REQUESTS: dict[str, tuple[str, str, Any]] = {
    "a page": ("GET", "/whoami", None),
    "a page of a collective": ("GET", KITCHEN, None),
    "a public page": ("GET", "/help", None),
    "a page that does not exist": ("GET", "/nope", None),
    "an action": ("POST", f"{KITCHEN}/note/actions/create_note", {"text": "Soup"}),
    "an action described": ("GET", f"{KITCHEN}/note/actions/create_note", None),
    "a read over REST": ("GET", f"{KITCHEN}/api/v1/notes", None),
    "its token over REST": ("GET", "/api/v1/tokens/self", None),
    "a write over REST": ("POST", f"{KITCHEN}/api/v1/notes", {"text": "Soup"}),
    "an unknown route": ("GET", "/api/v1/nope", None),
}


@pytest.mark.rule("agents.paused-refused")
@pytest.mark.parametrize("accept", ["text/html", "text/markdown", JSON])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_paused_agent_is_refused_everywhere_with_the_reason(world, scout, name, accept):
    method, path, body = REQUESTS[name]
    pause()
    notes = Note.unscoped.count()

    answer = scout.generic(
        method,
        path,
        json.dumps(body) if body else "",
        content_type=JSON if body else "",
        headers={"accept": accept},
    )

    shown = answer.content.decode().replace("\\", "")
    assert answer.status_code == 403
    assert REASON in shown
    assert HINT in shown
    if accept == JSON:
        assert answer.json()["code"] == "agent_paused"
    assert Note.unscoped.count() == notes


@pytest.mark.rule("agents.paused-refused")
def test_the_tools_of_a_paused_agent_answer_with_the_reason(world, scout):
    pause()
    mcp = Mcp(scout)

    assert mcp.result("initialize", {"protocolVersion": "2025-11-25"})["serverInfo"]
    for result in (
        mcp.read("/whoami"),
        mcp.read("/nope"),
        mcp.act(f"{KITCHEN}/note", "create_note", {"text": "Soup"}),
        mcp.call("get_help"),
        mcp.call("search", query="soup"),
    ):
        assert result["isError"]
        said = result["structuredContent"]
        assert (said["code"], said["status"], said["error"]) == ("agent_paused", 403, REASON)
        assert said["hint"].startswith(HINT)
    assert not Note.unscoped.filter(text="Soup").exists()


@pytest.mark.rule("agents.paused-refused")
def test_the_internal_token_of_a_paused_agent_is_refused(world, settings):
    token = Stage(world, settings).internal_token()
    pause("steward")

    answer = token_client(token).get("/whoami")

    assert answer.status_code == 403
    assert "/ai-agents/steward" in answer.content.decode()


@pytest.mark.rule("agents.paused-refused")
@pytest.mark.parametrize("path", [f"{KITCHEN}/api/v1/notes", f"{KITCHEN}/note/actions/create_note"])
def test_a_write_that_began_before_the_pause_writes_nothing(world, scout, path):
    def paused() -> None:
        change(world.agent("scout"), paused_at=timezone.now())

    with before_the_write(paused) as done:
        answer = scout.post(path, {"text": "Too late"}, JSON, headers={"accept": JSON})

    assert done
    assert (answer.status_code, answer.json()["code"]) == (403, "agent_paused")
    assert not Note.unscoped.filter(text="Too late").exists()


@pytest.mark.rule("agents.resumed")
def test_after_resuming_the_same_token_works_as_before(world, scout):
    pause()
    assert scout.get("/whoami").status_code == 403

    resume()

    assert scout.get("/whoami").status_code == 200
    made = scout.post(f"{KITCHEN}/api/v1/notes", {"text": "Soup"}, JSON)
    assert made.status_code == 200


@pytest.mark.rule("agents.paused-refused")
def test_a_pause_concerns_no_other_agent_and_not_the_parent(world):
    others = [make_token("alice"), make_token("bob", agent="pilot")]

    pause()

    assert [token_client(each).get("/whoami").status_code for each in others] == [200, 200]


def test_a_paused_agents_invalid_token_is_unauthorized(world, scout):
    pause()
    assert token_client("hmn_nonsense").get("/whoami").status_code == 401


# --- Where it is shown ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ai-agents", SCOUT, f"{SCOUT}/settings"])
def test_the_pages_of_the_parent_say_that_the_agent_is_paused(world, page, path):
    alice = page("alice")
    assert "Paused" not in alice.get(path).content.decode()

    pause()

    assert ">Paused</span>" in alice.get(path).content.decode()


def test_the_page_of_a_token_says_why_it_does_not_work(world, page):
    path = path_of("scout", make_token("alice", agent="scout"))
    pause()

    shown = page("alice").get(path).content.decode()

    assert "scout is paused." in shown
    assert "resume the agent" in shown


def test_pausing_resuming_and_stopping_are_in_the_security_log(world, page):
    pause()
    resume()
    Caller(MARKDOWN, "alice").act("stop_ai_agent", "/ai-agents/steward").assert_done()

    said = markdown(page("alice"), "/settings/security")

    for line in (
        "The agent scout was paused",
        "The agent scout was resumed",
        "The agent steward was stopped",
    ):
        assert line in said


def test_a_refused_write_of_a_paused_agent_is_in_the_security_log(world, scout, page):
    pause()
    scout.post(f"{KITCHEN}/note/actions/create_note", {"text": "Soup"}, JSON)

    said = markdown(page("alice"), "/settings/security")
    assert "A write was refused: the agent is paused" in said


# --- Over REST ------------------------------------------------------------------------------


def test_rest_answers_with_the_state_of_the_agent(world, api):
    alice = api("alice")

    paused = alice.post("/api/v1/users/scout/pause").json()
    resumed = alice.post("/api/v1/users/@scout/resume").json()

    assert paused.keys() == resumed.keys() == {"id", "handle", "paused_at", "message"}
    assert (paused["id"], paused["handle"]) == (str(world.user("scout").id), "scout")
    assert paused["paused_at"]
    assert resumed["paused_at"] is None


def test_a_token_for_users_pauses_one_for_tokens_stops_and_a_read_only_one_does_neither(world, api):
    users = token_client(make_token("alice", scopes=["update:users"]))
    tokens = token_client(make_token("alice", scopes=["delete:api_tokens"]))
    for name, narrow in (("pause", users), ("resume", users), ("stop", tokens)):
        refused = api("alice", scope="read").post(f"/api/v1/users/scout/{name}")
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        assert narrow.post(f"/api/v1/users/scout/{name}").status_code == 200


def test_a_dry_run_over_rest_pauses_nothing(world, api):
    answer = api("alice").post("/api/v1/users/scout/pause?dry_run=true").json()

    assert answer["dry_run"] is True
    assert answer["paused_at"]
    assert not is_paused(world)


def test_a_repeated_key_over_rest_stops_once(world, api):
    alice = api("alice")
    make_token("alice", agent="scout")
    sent = {"headers": {"idempotency-key": "once"}}

    first = alice.post("/api/v1/users/scout/stop", **sent)
    make_token("alice", agent="scout")
    second = alice.post("/api/v1/users/scout/stop", **sent)

    assert second.json() == first.json()
    assert second["Idempotent-Replayed"] == "true"
    assert token_client(make_token("alice", agent="scout")).get("/whoami").status_code == 200


@pytest.mark.parametrize("name", ["pause", "resume", "stop"])
def test_rest_refuses_people_and_unknown_accounts(world, api, name):
    alice = api("alice")

    assert alice.post(f"/api/v1/users/me/{name}").status_code == 403
    assert alice.post(f"/api/v1/users/bob/{name}").status_code == 403
    assert alice.post(f"/api/v1/users/nobody/{name}").status_code == 404
