"""The log of an agent's tool calls: what is kept, and who reads it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError

from harmonic.agent_log import storing
from harmonic.agent_log.models import Entry
from harmonic.mcp import tools
from tests.fixtures.world import make_token
from tests.mcp.client import mcp_of, text_of

LOG = "/ai-agents/scout/mcp-tool-calls"
NEW = "/collectives/kitchen/note"


def logged() -> list[Entry]:
    storing.flush()
    return list(Entry.unscoped.order_by("called_at"))


def test_a_read_is_logged_without_a_write_to_the_database_at_once(world):
    result = mcp_of().read("/whoami")

    assert not Entry.unscoped.exists()
    (row,) = logged()
    assert result["_meta"]["harmonic"]["tool_call_log_id"] == str(row.id)
    assert (row.tool_name, row.status, row.http_status) == ("fetch_page", "ok", 200)
    assert row.arguments == {"path": "/whoami"}
    assert row.user == world.user("scout")
    assert row.token is not None
    assert row.duration_ms is not None
    assert row.request_id


def test_a_write_is_logged_before_it_is_executed(world, monkeypatch):
    seen: list[str] = []
    run = tools.execute_action

    def seen_running(caller: Any, arguments: Any) -> Any:
        seen.extend(Entry.unscoped.values_list("status", flat=True))
        return run(caller, arguments)

    tool = tools.TOOLS["execute_action"]
    monkeypatch.setitem(tools.TOOLS, "execute_action", replace(tool, run=seen_running))

    mcp = mcp_of()
    result = mcp.act(NEW, "create_note", {"text": "Soup with hmn_secret in it"})

    assert seen == ["pending"]
    row = Entry.unscoped.get()
    assert row.status == "ok"
    assert row.arguments == {"path": NEW, "action": "create_note", "params": {"keys": ["text"]}}
    assert row.context == mcp.context()
    assert row.touched == result["structuredContent"]["resource"]
    assert row.touched["path"].startswith("/collectives/kitchen/n/")


def test_refusals_are_logged_with_their_reason(world):
    mcp = mcp_of()
    mcp.read("/nope")
    mcp.act(NEW, "create_note", {"text": "Soup"}, visibility="private")
    mcp.call("drop_table", reason="x")
    mcp.call("execute_action", path=NEW, action="create_note", params=[])

    found = [(row.tool_name, row.status, row.code, row.error) for row in logged()]

    assert found == [
        ("fetch_page", "tool_error", "not_found", "Not found"),
        ("execute_action", "tool_error", "visibility_mismatch", "visibility_mismatch"),
        ("drop_table", "unknown_tool", "", "Unknown tool: drop_table"),
        ("execute_action", "tool_error", "", "params must be an object"),
    ]
    unknown = Entry.unscoped.get(tool_name="drop_table")
    assert (unknown.arguments, unknown.context) == ({}, None)


@pytest.mark.parametrize("method", ["ping", "tools/list", "initialize"])
def test_other_methods_are_not_logged(world, method):
    mcp_of().result(method)
    assert logged() == []


def test_calls_of_people_are_not_logged(world):
    result = mcp_of("bob").read("/whoami")
    assert logged() == []
    assert "_meta" not in result


def test_nothing_that_looks_like_a_token_and_nothing_long_is_kept(world):
    token = make_token("bob")
    mcp = mcp_of()
    mcp.read(f"/{token}")
    mcp.act(NEW, "create_note", {token: "x"}, context=mcp.context(intention=token))
    mcp.read("/whoami", context={"identity": {"viewer": "scout"}, "more": "x" * 5000})

    rows = logged()
    kept = repr([(row.arguments, row.context, row.error) for row in rows])
    assert token not in kept
    assert "x" * 100 not in kept


# --- Who reads it ---------------------------------------------------------------------------


def test_the_parent_reads_the_log_and_each_call(world, page):
    mcp = mcp_of()
    mcp.act(NEW, "create_note", {"text": "Soup"})
    mcp.read("/nope")
    alice = page("alice")

    listed = alice.get(LOG).content.decode()
    assert "create_note at /collectives/kitchen/note" in listed
    assert "not_found" in listed
    assert listed.index("/nope") < listed.index("create_note at")
    row = Entry.unscoped.get(tool_name="execute_action")
    shown = alice.get(f"{LOG}/{row.id}").content.decode()
    assert "To test." in shown
    assert row.touched is not None
    assert row.touched["path"] in shown
    document = alice.get(f"{LOG}/{row.id}.md").content.decode()
    assert "To test." in document
    assert '"keys"' in document


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("carol", 403)])
def test_nobody_else_reads_it(world, page, who, status):
    mcp_of().read("/whoami")
    row = logged()[0]
    assert page(who).get(LOG).status_code == status
    assert page(who).get(f"{LOG}/{row.id}").status_code == status


def test_an_agent_does_not_read_its_own_log(world):
    assert mcp_of().read(LOG)["structuredContent"]["status"] == 403


@pytest.mark.parametrize("call_id", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_call_is_not_found(world, page, call_id):
    assert page("alice").get(f"{LOG}/{call_id}").status_code == 404


def test_the_log_is_filtered_by_tool_and_result(world, page):
    mcp = mcp_of()
    mcp.read("/whoami")
    mcp.read("/nope")
    mcp.call("get_help")
    alice = page("alice")

    refused = alice.get(f"{LOG}.md?status=tool_error").content.decode()
    assert "/nope" in refused
    assert "get_help](" not in refused
    helped = alice.get(f"{LOG}.md?tool=get_help").content.decode()
    assert "get_help](" in helped
    assert "/nope" not in helped
    assert "No entries match these filters." in alice.get(f"{LOG}?tool=nothing").content.decode()


def test_a_database_that_is_away_loses_no_call(world, monkeypatch):
    mcp_of().read("/whoami")
    insert = storing._insert_all

    def away(rows: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(storing, "_insert_all", away)
    storing.flush()
    monkeypatch.setattr(storing, "_insert_all", insert)
    assert len(logged()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_call_of_a_deleted_agent_does_not_keep_others_from_the_log(transactional_world):
    gone, kept = mcp_of("pilot"), mcp_of()
    gone.read("/whoami")
    kept.read("/whoami")
    storing._waiting[0].user_id = uuid.uuid4()

    storing.flush()

    assert [row.user for row in Entry.unscoped.all()] == [transactional_world.user("scout")]


def test_text_of_an_agent_is_escaped_in_the_log(world, page):
    mcp = mcp_of()
    mcp.act(
        "/<b>x", "create_note", {"text": "x"}, context=mcp.context(intention="<script>1</script>")
    )
    row = Entry.unscoped.get()
    assert "<script>1" not in page("alice").get(f"{LOG}/{row.id}").content.decode()
    assert "<b>x" not in page("alice").get(LOG).content.decode()


def test_the_text_of_a_result_is_not_kept(world):
    result = mcp_of().read("/whoami")
    (row,) = logged()
    assert text_of(result)[:80] not in repr(row.__dict__)


UNUSUAL = ["\\u0000", "\\ud800", "\\uffff"]


@pytest.mark.postgres
@pytest.mark.parametrize("character", UNUSUAL)
@pytest.mark.parametrize("tool", ["fetch_page", "execute_action", "a{}b"])
def test_characters_that_cannot_be_stored_do_not_block_the_log(world, tool, character):
    body = (
        '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"NAME","arguments":{'
        '"path":"/x?CHARACTER","action":"CHARACTER","params":{"CHARACTER":1},"context":{'
        '"identity":{"actor":"@scout"},"visibility":"shared","intention":"CHARACTER"}}}}'
    )
    sent = body.replace("NAME", tool.format(character)).replace("CHARACTER", character)

    response = mcp_of().post(sent.encode())

    assert response.status_code == 200
    storing.flush()
    assert not storing._waiting
    assert Entry.unscoped.count() == 1


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(world, word):
    response = mcp_of().post(b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":%s}}' % word)

    assert response.status_code == 400
    assert response.json()["error"]["message"] == "Parse error"
