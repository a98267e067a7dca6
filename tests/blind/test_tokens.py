"""A blind agent whose token does not do is told what would help, and it helps."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.blind.conftest import WireFor, over
from tests.blind.reading import Wire
from tests.blind.stage import KITCHEN, TEXT
from tests.blind.surfaces import MarkdownAgent, McpAgent, RestAgent
from tests.fixtures.world import World, make_token, sign_in, token_client
from tokens.models import ApiToken

pytestmark = pytest.mark.one_database

ASK_YOUR_HUMAN = "Agents cannot create tokens: ask your human for one."
PAGES = (MarkdownAgent, McpAgent)


def on(*kinds: type[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds, ids=[kind.surface for kind in kinds])


# --- Tokens that are invalid ----------------------------------------------------------------


def revoked(world: World) -> Wire:
    plaintext = make_token("alice", agent="scout")
    ApiToken.unscoped.filter(owner__handle="scout").update(deleted_at=timezone.now())
    return Wire(over(token_client(plaintext)))


def foreign(world: World) -> Wire:
    return Wire(over(token_client(make_token("alice", tenant="summit"))))


def mistyped(world: World) -> Wire:
    return Wire(over(token_client(make_token("alice", agent="scout")[:-1])))


def expired(world: World) -> Wire:
    at = timezone.now() - timedelta(days=2)
    return Wire(over(token_client(make_token("alice", agent="scout", days=1, at=at))))


DEAD = {"revoked": revoked, "foreign": foreign, "mistyped": mistyped, "expired": expired}


@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD)
@on(MarkdownAgent, RestAgent)
def test_the_first_answer_to_a_dead_token_sends_to_the_human(
    world: World, kind: type[Any], dead: Callable[[World], Wire]
) -> None:
    wire = dead(world)
    first = wire.ask("GET", "/" if kind is MarkdownAgent else "/api/v1")

    assert (first.status, wire.requests) == (401, 1)
    assert ASK_YOUR_HUMAN in first.text
    assert ("another community" in first.text) is (dead is not expired)


@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD)
def test_the_handshake_with_a_dead_token_sends_to_the_human(
    world: World, dead: Callable[[World], Wire]
) -> None:
    wire = dead(world)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    first = wire.ask("POST", "/mcp", message)

    assert first.status == 401
    assert ASK_YOUR_HUMAN in first.text


@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD)
def test_the_human_finds_where_to_create_a_token_that_works(
    world: World, wire_for: WireFor, dead: Callable[[World], Wire]
) -> None:
    """The help that the refusal links requires no token, and names the page that Alice opens."""
    agent = MarkdownAgent(dead(world))
    agent.open("/")
    agent.wire.send = over(Client(headers={"host": "garden.localhost"}))
    agent.follow("Help, without a token")
    seen = agent.follow("API", "Tokens")
    assert seen.status == 200
    named = re.search(r"/u/\{handle\}/settings/tokens", agent.here.text)
    assert named

    human = MarkdownAgent(wire_for("alice"))
    human.open(named[0].replace("{handle}", "scout"))
    human.follow("new")
    made = human.act("create", name="again", read_write="write")
    plaintext = re.search(r"hmn_\w+", made.text)

    assert plaintext
    assert MarkdownAgent(Wire(over(token_client(plaintext[0])))).open("/").status == 200


# --- Tokens that may do less ----------------------------------------------------------------


def created_by_the_parent(path: str, scope: str) -> str:
    """Return the token that the parent creates in a browser at the path that a refusal named."""
    browser = Client(headers={"host": "garden.localhost", "accept": "text/html"})
    sign_in(browser, "alice", "garden")
    assert browser.get(path).status_code == 200
    sent = {"name": "as the refusal says", "read_write": scope}
    answer = browser.post(f"{path}/actions/create_api_token", sent)
    plaintext = re.search(r"hmn_\w+", answer.content.decode())
    assert plaintext, answer.content
    return plaintext[0]


def asked_for(text: str) -> tuple[str, str]:
    """Return the page where the parent creates a token, and the scope of it."""
    named = re.search(
        r"A (read-only|read \+ write) token has it\. The person who manages you can create one",
        text,
    )
    page = re.search(r"create one at (/\S+?),", text)
    assert named, text
    assert page, text
    return page[1], "read" if named[1] == "read-only" else "write"


@on(MarkdownAgent, McpAgent)
def test_a_read_only_token_is_told_at_once_and_a_page_names_the_scope(
    wire_for: WireFor, kind: type[MarkdownAgent]
) -> None:
    agent = kind(wire_for("scout", scope="read"))
    agent.connect()

    assert "This token can only read" in agent.who_am_i().says
    seen = agent.follow(KITCHEN)

    assert not seen.actions
    assert "the token lacks the scope create:notes" in seen.says


@on(MarkdownAgent, McpAgent)
def test_a_write_with_a_read_only_token_names_the_token_that_does_it(
    wire_for: WireFor, kind: type[MarkdownAgent]
) -> None:
    """The agent read the page with a read + write token before it was given another one."""
    agent = kind(wire_for("scout"))
    agent.connect()
    agent.follow(KITCHEN)
    action = agent.follow("New note").action("write a note")
    agent.wire.send = wire_for("scout", scope="read").send

    refused = agent.perform(action, {"text": TEXT})
    page, scope = asked_for(refused.text)
    agent.wire.send = over(token_client(created_by_the_parent(page, scope)))

    assert refused.fields["code"] == "insufficient_scope"
    assert agent.perform(action, {"text": TEXT}).status == 200


@pytest.mark.parametrize("scopes", [["read:all"], ["read:notes"], ["read:notes", "update:notes"]])
def test_a_write_over_rest_with_too_few_scopes_names_the_token_that_does_it(
    wire_for: WireFor, scopes: list[str]
) -> None:
    agent = RestAgent(wire_for("scout", scopes=scopes))
    agent.connect()
    agent.enter(KITCHEN)

    refused = agent.call("POST", "notes", text=TEXT)
    page, scope = asked_for(refused["hint"])
    agent.wire.send = over(token_client(created_by_the_parent(page, scope)))

    assert refused["code"] == "insufficient_scope"
    assert agent.call("POST", "notes", text=TEXT)["text"] == TEXT


@on(MarkdownAgent, McpAgent)
def test_a_narrow_token_that_cannot_read_its_account_is_told_which_can(
    wire_for: WireFor, kind: type[MarkdownAgent]
) -> None:
    agent = kind(wire_for("scout", scopes=["read:notes", "create:notes"]))

    agent.connect()
    refused = agent.who_am_i()
    page, scope = asked_for(refused.text)
    agent.wire.send = over(token_client(created_by_the_parent(page, scope)))

    assert "This token can only read" in agent.open(refused.fields["path"]).says


def test_a_missing_capability_names_the_settings_where_the_parent_grants_it(
    world: World, wire_for: WireFor
) -> None:
    told_by = MarkdownAgent(wire_for("alice"))
    agent = RestAgent(wire_for("scout"))
    agent.connect()
    agent.enter(KITCHEN)
    note = agent.call("POST", "notes", text=TEXT)

    refused = agent.call("DELETE", "notes", of=note["id"])
    named = re.search(
        r"The person who manages you can change your capabilities at (/\S+)\.", refused["hint"]
    )
    assert named, refused["hint"]
    settings = told_by.open(named[1])
    granted = told_by.perform(
        settings.action("change", "agent"), {"capabilities": ["create_note", "delete_note"]}
    )
    assert granted.status == 200, granted.text
    agent.call("DELETE", "notes", of=note["id"])

    assert refused["code"] == "capability_denied"
    assert agent.status == 200
