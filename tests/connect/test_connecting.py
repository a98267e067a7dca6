"""Connecting a client to an agent: who can, what is created, and where its token works."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from harmonic.kernel.scopes import READ_WRITE
from tests.access.stage import Stage
from tests.fixtures.html import parsed
from tests.fixtures.rows import change
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, on
from tests.fixtures.world import make_token, token_client
from tests.mcp.client import Mcp
from tokens.connect.harnesses import HARNESSES
from tokens.models import ApiToken

TOKEN = re.compile(r"hmn_\w{42}")
CURSOR = "/ai-agents/{}/connect/cursor"


def made(world, handle="scout"):
    return list(ApiToken.unscoped.filter(owner=world.person(handle), token_type="mcp"))


def connected(page, harness="cursor"):
    """Return the plaintext of a token for a client of scout."""
    answer = page("alice").post(f"/ai-agents/scout/connect/{harness}")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    (token,) = set(TOKEN.findall(answer.content.decode()))
    return token


# --- Who can --------------------------------------------------------------------------------


@pytest.mark.rule("tokens.parent-connects")
@on(HTML, FORM, MARKDOWN)
def test_a_parent_can_connect_a_client_to_their_external_agent(world, call):
    answer = call("alice").act("connect_ai_agent", CURSOR.format("scout")).assert_done()

    (row,) = made(world)
    assert (row.name, row.client_name) == ("Cursor connection", "Cursor")
    assert row.scopes == list(READ_WRITE)
    year = row.created_at.replace(year=row.created_at.year + 1)
    limit = timezone.now() + timedelta(days=31) if answer.surface == MARKDOWN else year
    assert abs(row.expires_at - limit) < timedelta(days=2)
    assert TOKEN.search(answer.text)


@pytest.mark.rule("tokens.parent-connects")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_nobody_else_can_connect_a_client(world, call, who):
    call(who).act("connect_ai_agent", CURSOR.format("scout")).assert_refused(403)

    assert made(world) == []


@pytest.mark.rule("tokens.agents-create-none")
@on(MARKDOWN)
def test_an_agent_cannot_connect_a_client_to_itself(world, call):
    call("scout").act("connect_ai_agent", CURSOR.format("scout")).assert_refused(403)

    assert made(world) == []


@pytest.mark.rule("tokens.internal-agent-none")
@on(HTML, FORM, MARKDOWN)
def test_an_internal_agent_cannot_be_connected(world, call):
    answer = call("alice").act("connect_ai_agent", CURSOR.format("steward"))

    answer.assert_refused(403, "Internal AI agents cannot have API tokens")
    assert made(world, "steward") == []


@pytest.mark.rule("tokens.not-for-suspended")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize("state", ["suspended", "archived"])
def test_a_suspended_or_archived_agent_cannot_be_connected(world, call, state):
    caller = call("alice")
    if state == "archived":
        change(world.person("scout"), archived_at=timezone.now())
    else:
        User.objects.filter(pk=world.user("scout").pk).update(suspended_at=timezone.now())

    caller.act("connect_ai_agent", CURSOR.format("scout")).assert_refused(403)

    assert made(world) == []


@on(HTML, FORM, MARKDOWN)
def test_an_unknown_client_is_refused(world, call):
    answer = call("alice").act("connect_ai_agent", "/ai-agents/scout/connect/cursr")

    answer.assert_refused(422, "cursor")
    assert made(world) == []


@pytest.mark.rule("tokens.fifty")
@on(HTML, FORM, MARKDOWN)
def test_connecting_respects_the_limit_of_active_tokens(world, call, settings):
    caller = call("alice")
    Stage(world, settings).fill_up("scout")

    answer = caller.act("connect_ai_agent", CURSOR.format("scout"))

    answer.assert_refused(422, "Maximum of 50 active API tokens reached.")
    assert made(world) == []


@pytest.mark.rule("proof.asked")
def test_an_old_session_confirms_its_password_first(world, page):
    old = page("alice", at=timezone.now() - timedelta(minutes=90))

    answer = old.post(CURSOR.format("scout"))

    assert answer.status_code in {302, 303}
    assert answer["Location"].startswith("/reverify")
    assert made(world) == []


# --- What is shown --------------------------------------------------------------------------


def test_a_form_sent_twice_creates_one_token_and_shows_it_once(world, page):
    alice = page("alice")
    form = parsed(alice.get(CURSOR.format("scout")).content).select_one("form.button-form")
    fields = {each["name"]: each["value"] for each in form.select("input")}

    first, second = (alice.post(form["action"], fields) for _ in range(2))

    (row,) = made(world)
    assert TOKEN.search(first.content.decode())
    assert (second.status_code, second["Location"]) == (
        303,
        f"/u/scout/settings/tokens/{row.id}",
    )


def test_a_key_sent_twice_shows_no_second_secret(world, api):
    program = api("alice")
    headers = {"accept": "text/markdown", "idempotency-key": str(uuid4())}
    path = f"{CURSOR.format('scout')}/actions/connect_ai_agent"

    first, second = (program.post(path, headers=headers) for _ in range(2))

    assert len(made(world)) == 1
    assert TOKEN.search(first.content.decode())
    assert not TOKEN.search(second.content.decode())


def test_a_program_gets_the_token_as_json(page):
    answer = page("alice").post(
        f"{CURSOR.format('scout')}/actions/connect_ai_agent", headers={"accept": "application/json"}
    )

    body = answer.json()
    assert body["success"] is True
    assert TOKEN.fullmatch(body["token"])


def test_it_warns_when_the_agent_reaches_no_collective(world, page):
    change(world.collective("kitchen"), is_api_enabled=False)

    answer = page("alice").post(CURSOR.format("scout"))

    assert "scout is not in any collective with the API enabled" in answer.content.decode()


@pytest.mark.parametrize("harness", HARNESSES)
def test_every_client_names_its_token(world, page, harness):
    connected(page, harness)

    (row,) = made(world)
    assert row.name == f"{HARNESSES[harness].label} connection"
    text = page("alice").get(f"/u/scout/settings/tokens/{row.id}.md").content.decode()
    assert f"| Created For | {HARNESSES[harness].label} |" in text
    assert "| Access | read + write, over MCP only |" in text


# --- Where the token works ------------------------------------------------------------------


@pytest.mark.rule("tokens.confined-to-mcp")
def test_the_token_works_over_mcp_with_the_agents_access(page):
    mcp = Mcp(token_client(connected(page)))

    assert "@scout" in mcp.read("/whoami")["content"][0]["text"]
    done = mcp.act("/collectives/kitchen/note", "create_note", {"text": "Soup at noon"})
    assert done["structuredContent"]["status"] == 200


@pytest.mark.rule("tokens.confined-to-mcp")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/whoami.md"),
        ("get", "/collectives/kitchen.md"),
        ("get", "/api/v1"),
        ("get", "/api/v1/tokens/self"),
        ("get", "/collectives/kitchen/api/v1/notes"),
        ("post", "/collectives/kitchen/api/v1/notes"),
        ("post", "/collectives/kitchen/note/actions/create_note"),
        ("get", "/mcp/context.md"),
    ],
)
def test_the_token_is_refused_on_pages_and_in_the_api(page, method, path):
    program = token_client(connected(page))

    answer = getattr(program, method)(path, headers={"accept": "application/json, text/markdown"})

    assert answer.status_code == 403
    text = answer.content.decode()
    assert "mcp_only" in text
    assert "http://garden.localhost/mcp" in text


@pytest.mark.rule("tokens.confined-to-mcp")
def test_the_refusal_comes_before_the_api_switches(world, page):
    program = token_client(connected(page))
    change(world.tenant(), is_api_enabled=False)

    assert program.get("/api/v1").json()["code"] == "mcp_only"


@pytest.mark.rule("tokens.confined-to-mcp")
def test_other_tokens_work_everywhere(world):
    for handle, agent in (("alice", None), ("alice", "scout")):
        plaintext = make_token(handle, agent=agent)
        assert token_client(plaintext).get("/whoami.md").status_code == 200
        assert "text" in Mcp(token_client(plaintext)).read("/whoami")["content"][0]


@pytest.mark.rule("tokens.confined-to-mcp")
def test_the_successor_of_a_token_is_confined_too(world, page):
    connected(page)
    (row,) = made(world)

    page("alice").post(f"/u/scout/settings/tokens/{row.id}/actions/rotate_api_token")

    _, successor = sorted(made(world), key=lambda each: each.created_at)
    assert (successor.token_type, successor.client_name) == ("mcp", "Cursor")


def test_rest_shows_the_type_of_a_token(page, api):
    connected(page)

    rows = api("alice").get("/api/v1/users/scout/tokens").json()

    assert {row["token_type"] for row in rows} == {"mcp"}
