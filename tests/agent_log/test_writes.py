"""The log of what an agent does over Markdown and REST."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from collectives.notes.models import Note
from harmonic.agent_log import storing
from harmonic.agent_log.models import Entry
from tests.access.stage import Stage
from tests.fixtures.rows import change
from tests.fixtures.world import make_token, token_client
from tests.mcp.client import Mcp, mcp_of

pytestmark = pytest.mark.django_db

KITCHEN = "/collectives/kitchen"
NEW = f"{KITCHEN}/note/actions/create_note"
NOTES = f"{KITCHEN}/api/v1/notes"
JSON = "application/json"
BODY = {"text": "Soup with a secret", "title": "Soup"}


@pytest.fixture
def scout(world):
    return token_client(make_token("alice", agent="scout"))


def post(client: Any, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(path, body or {}, content_type=JSON, headers=headers)


def entries() -> list[Entry]:
    storing.flush()
    return list(Entry.unscoped.order_by("called_at"))


SURFACES = {"markdown": NEW, "rest": NOTES}


@pytest.mark.rule("agent-log.writes")
@pytest.mark.parametrize("surface", SURFACES)
def test_a_write_is_logged_with_what_it_changed(world, scout, surface):
    response = post(scout, SURFACES[surface], BODY)

    (entry,) = entries()
    note = Note.unscoped.get(title="Soup")
    assert response.status_code == 200
    assert (entry.surface, entry.status, entry.code, entry.tool_name) == (surface, "ok", "", "")
    assert entry.user == world.user("scout")
    assert entry.token is not None
    assert entry.token.owner == world.person("scout")
    assert entry.arguments["action"] == "create_note"
    assert sorted(entry.arguments["params"]["keys"]) == ["text", "title"]
    assert entry.touched is not None
    assert entry.touched["path"] == f"{KITCHEN}/n/{note.truncated_id}"
    assert entry.duration_ms is not None
    assert entry.request_id


def test_an_entry_names_the_page_or_the_route(world, scout):
    post(scout, NEW, BODY)
    post(scout, NOTES, BODY)

    assert [each.asked_for for each in entries()] == [
        f"create_note at {KITCHEN}/note",
        f"POST {NOTES} (create_note)",
    ]


@pytest.mark.rule("agent-log.keys-only")
@pytest.mark.parametrize("surface", SURFACES)
def test_no_value_of_a_parameter_is_kept(world, scout, surface):
    post(scout, SURFACES[surface], BODY)
    post(scout, SURFACES[surface], {**BODY, "text": "", "subtype": "nonsense"})
    post(scout, f"{SURFACES[surface]}?title=Elsewhere", {"txt": "Soup with a secret"})

    kept = repr([(each.arguments, each.error, each.context) for each in entries()])
    assert "secret" not in kept
    assert "Elsewhere" not in kept
    assert "nonsense" not in kept


@pytest.mark.rule("agent-log.refusals")
@pytest.mark.parametrize("surface", SURFACES)
def test_a_refused_write_is_logged_with_its_reason(world, scout, surface):
    change(world.agent("scout"), capability_names=[])

    post(scout, SURFACES[surface], BODY)

    (entry,) = Entry.unscoped.all()
    assert (entry.status, entry.code) == ("tool_error", "capability_denied")
    assert entry.error == "Your capabilities do not include 'create_note'"
    assert entry.http_status == 403
    assert entry.touched is None
    assert entry.arguments["action"] == "create_note"


REFUSED = {
    "not a member": ("/collectives/board/api/v1/notes", "not_a_member"),
    "no such action": (f"{KITCHEN}/note/actions/drop_table", "not_found"),
    "no such page": ("/nope/actions/create_note", "not_found"),
    "invalid": (NOTES, "invalid"),
}


@pytest.mark.rule("agent-log.refusals")
@pytest.mark.parametrize("name", REFUSED)
def test_every_kind_of_refusal_is_logged_once(world, scout, name):
    path, code = REFUSED[name]

    post(scout, path, {"subtype": "nonsense"})

    assert [(each.status, each.code) for each in entries()] == [("tool_error", code)]


@pytest.mark.rule("agent-log.refusals")
def test_the_writes_of_a_paused_agent_are_logged(world, scout):
    change(world.agent("scout"), paused_at=world.now)

    post(scout, NEW, BODY)

    (entry,) = entries()
    assert (entry.code, entry.asked_for) == ("agent_paused", f"create_note at {KITCHEN}/note")


def test_a_body_that_cannot_be_read_is_logged_without_parameters(world, scout):
    scout.post(NEW, b"{", content_type=JSON)

    (entry,) = entries()
    assert (entry.status, entry.arguments["params"]) == ("tool_error", {"keys": []})


@pytest.mark.parametrize("surface", SURFACES)
def test_a_dry_run_is_logged_as_one(world, scout, surface):
    post(scout, SURFACES[surface], {**BODY, "dry_run": True})

    (entry,) = entries()
    assert (entry.status, entry.code) == ("ok", "dry_run")
    assert not Note.unscoped.filter(title="Soup").exists()


@pytest.mark.parametrize("surface", SURFACES)
def test_a_repetition_is_logged_as_one(world, scout, surface):
    for _ in range(2):
        post(scout, SURFACES[surface], BODY, **{"idempotency-key": "once"})

    assert [(each.status, each.code) for each in entries()] == [("ok", ""), ("ok", "replayed")]
    assert Note.unscoped.filter(title="Soup").count() == 1


def test_a_dry_run_and_a_repetition_over_mcp_are_logged_as_such(world):
    mcp = mcp_of()
    mcp.act(f"{KITCHEN}/note", "create_note", {**BODY, "dry_run": True})
    arguments = {
        "path": f"{KITCHEN}/note",
        "action": "create_note",
        "params": BODY,
        "context": mcp.context(),
    }
    call = {"name": "execute_action", "arguments": arguments}
    for _ in range(2):
        mcp.result("tools/call", call, **{"idempotency-key": "once"})

    assert [each.status for each in entries()] == ["ok"] * 3
    assert [each.code for each in entries()] == ["dry_run", "", "replayed"]
    assert Note.unscoped.filter(title="Soup").count() == 1


REPEATED_REFUSALS = {
    "not allowed": ([], BODY, "capability_denied", "Your capabilities do not include"),
    "invalid": (["create_note"], {"text": ""}, "invalid", "The parameters are not valid."),
}


@pytest.mark.rule("agent-log.refusals")
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("name", REPEATED_REFUSALS)
def test_the_repetition_of_a_refused_write_is_logged_as_refused(world, scout, surface, name):
    """Its response is the stored one, so it is refused for the reason of the first request."""
    capabilities, body, code, reason = REPEATED_REFUSALS[name]
    change(world.agent("scout"), capability_names=capabilities)

    answers = [
        post(scout, SURFACES[surface], body, **{"idempotency-key": "once"}) for _ in range(2)
    ]

    assert answers[1]["Idempotent-Replayed"] == "true"
    first, repeated = entries()
    assert (repeated.status, repeated.code) == ("tool_error", code)
    assert repeated.error.startswith(reason)
    assert repeated.http_status == first.http_status == answers[1].status_code


@pytest.mark.rule("agent-log.refusals")
def test_the_repetition_of_a_refused_tool_call_has_its_reason(world):
    change(world.agent("scout"), capability_names=[])
    mcp = mcp_of()
    arguments = {
        "path": f"{KITCHEN}/note",
        "action": "create_note",
        "params": BODY,
        "context": mcp.context(),
    }
    call = {"name": "execute_action", "arguments": arguments}

    first, repeated = (
        mcp.result("tools/call", call, **{"idempotency-key": "once"}) for _ in range(2)
    )

    assert repeated["structuredContent"] == {**first["structuredContent"], "replayed": True}
    assert repeated["structuredContent"]["code"] == "capability_denied"
    assert [each.code for each in entries()] == ["capability_denied"] * 2


def test_a_write_that_changes_nothing_is_logged(world, scout):
    note = world.note("Knife care").truncated_id
    for _ in range(2):
        post(scout, f"{KITCHEN}/n/{note}/actions/confirm_read")

    assert [each.status for each in entries()] == ["ok", "ok"]


def test_reads_over_markdown_and_rest_are_not_logged(world, scout):
    for path in ("/whoami", KITCHEN, NOTES, f"{KITCHEN}/note/actions/create_note", "/nope"):
        scout.get(path)

    assert entries() == []


@pytest.mark.rule("agent-log.people")
def test_writes_of_people_are_not_logged_and_cost_no_query_more(world, page, monkeypatch):
    bob = token_client(make_token("bob"))
    post(bob, NOTES, BODY)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        post(bob, NOTES, BODY)
    page("alice").post(NEW, BODY)

    assert entries() == []
    assert not any("agent_log" in query["sql"] for query in queries)


def test_a_write_of_an_agent_costs_one_query_more(world, scout, monkeypatch):
    post(scout, NOTES, BODY)

    with CaptureQueriesContext(connection) as queries:
        post(scout, NOTES, BODY)

    mine = [query["sql"] for query in queries if "agent_log" in query["sql"]]
    assert len(mine) == 1
    assert mine[0].startswith("INSERT")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("surface", SURFACES)
def test_an_entry_is_inserted_in_the_transaction_of_its_write(
    transactional_world, monkeypatch, surface
):
    client = token_client(make_token("alice", agent="scout"), raise_request_exception=False)
    seen: list[bool] = []
    insert = storing.insert

    def inserting(entry: Entry) -> None:
        seen.append(connection.in_atomic_block)
        insert(entry)
        raise OSError("The write fails after its entry.")

    monkeypatch.setattr(storing, "insert", inserting)
    response = post(client, SURFACES[surface], BODY)

    assert response.status_code == 500
    assert seen[0] is True
    assert not Note.unscoped.filter(title="Soup").exists()
    assert not Entry.unscoped.filter(status="ok").exists()


def test_a_database_that_is_away_keeps_the_entry_for_later(world, scout, monkeypatch):
    def away(entry: Entry) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as patched:
        patched.setattr(storing, "insert", away)
        post(scout, "/nope/actions/create_note", BODY)

    assert not Entry.unscoped.exists()
    assert [each.code for each in entries()] == ["not_found"]


# --- Tool calls and runs --------------------------------------------------------------------


def test_a_tool_call_is_logged_once(world):
    mcp_of().act(f"{KITCHEN}/note", "create_note", BODY)

    assert [(each.surface, each.tool_name) for each in entries()] == [("mcp", "execute_action")]


@pytest.mark.rule("agent-log.runs")
def test_the_calls_of_a_run_name_it(world, settings, page):
    run_id = "3f0c7a52-0000-4000-8000-000000000001"
    stage = Stage(world, settings)
    token = stage.row_of(stage.internal_token())
    plaintext = stage.internal_token()
    change(stage.row_of(plaintext), context=f"run {run_id}")
    assert token.is_internal

    Mcp(token_client(plaintext), "steward").read("/whoami")

    (entry,) = entries()
    assert (entry.surface, str(entry.run_id)) == ("run", run_id)
    log = "/ai-agents/steward/mcp-tool-calls"
    shown = page("alice").get(log).content.decode()
    assert "Internal Agent Token" not in shown
    assert "fetch_page" in page("alice").get(f"{log}?run={run_id}").content.decode()
    other = "3f0c7a52-0000-4000-8000-000000000002"
    assert "No entries match" in page("alice").get(f"{log}?run={other}").content.decode()
