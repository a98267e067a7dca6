"""The four tools, which act as their caller and check its claims."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse, HttpResponseRedirect
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from collectives.notes.models import Note
from harmonic.access import rate_limits
from harmonic.access.access_as import access_as
from harmonic.mcp import middleware
from harmonic.mcp.dispatch import MAX_REDIRECTS, Caller, PageResponse
from harmonic.mcp.tools import MAX_TEXT, _cut, fetch_page
from tests.fixtures.rows import change
from tests.fixtures.world import make_token, token_client
from tests.mcp.client import Mcp, mcp_of, text_of
from tokens.models import ApiToken

KITCHEN = "/collectives/kitchen"
NEW = f"{KITCHEN}/note"


def notes() -> int:
    return Note.unscoped.count()


def refusal(result: dict[str, Any]) -> Any:
    assert result["isError"] is True, result
    return json.loads(text_of(result))


# --- fetch_page -----------------------------------------------------------------------------


def test_a_page_is_returned_as_its_markdown(world):
    mcp = mcp_of()
    result = mcp.read(KITCHEN)

    shown = mcp.client.get(f"{KITCHEN}.md").content.decode()

    def without_time(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith("timestamp:")]

    assert "isError" not in result
    assert without_time(text_of(result)) == without_time(shown)
    assert result["structuredContent"] == {"status": 200, "path": KITCHEN}


def test_a_query_string_is_sent_along_and_a_fragment_is_not(world):
    page = text_of(mcp_of().read(f"{KITCHEN}?sections=feed#top"))
    assert "path: /collectives/kitchen\n" in page


def test_redirects_on_the_same_host_are_followed(world):
    result = mcp_of().read("/settings")
    assert result["structuredContent"]["status"] == 200
    assert result["structuredContent"]["path"] == "/u/scout/settings"


@pytest.mark.parametrize(
    "path", ["whoami", "//evil.example/x", "https://evil.example", "/a\nb", "/\x00"]
)
def test_a_path_that_leads_elsewhere_is_refused(world, path):
    result = mcp_of().read(path)
    assert result["isError"] is True
    assert text_of(result).startswith("Invalid path: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Missing required argument: path"),
        ({"path": " "}, "Missing required argument: path"),
        ({"path": 7}, "path must be a string"),
    ],
)
def test_fetch_page_names_a_faulty_argument(world, arguments, message):
    assert text_of(mcp_of().call("fetch_page", **arguments)) == message


def test_arguments_that_are_no_object_count_as_none(world):
    result = mcp_of().result("tools/call", {"name": "get_help", "arguments": [1]})
    assert "# Help" in text_of(result)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nope", 404, "not_found"),
        ("/mcp", 404, "not_found"),
        ("/collectives/board", 403, "not_a_member"),
    ],
)
def test_a_refused_page_keeps_its_sentence_and_code(world, path, status, code):
    result = mcp_of().read(path)
    facts = result["structuredContent"]
    assert result["isError"] is True
    assert (facts["status"], facts["code"]) == (status, code)
    assert facts["error"] in text_of(result)


@pytest.mark.meets("redirects that a tool follows")
def test_at_most_five_redirects_are_followed(world):
    asked: list[str] = []

    def fetch(method: str, target: str, *_: Any, **__: Any) -> PageResponse:
        asked.append(target)
        return PageResponse(target, HttpResponseRedirect(f"{target}x"), None)

    result = fetch_page(Caller(access_as("garden", "bob", now=world.now), fetch), {"path": "/a"})

    assert len(asked) == 1 + MAX_REDIRECTS
    assert result.is_error
    assert result.facts["status"] == 302


@pytest.mark.parametrize("location", ["https://evil.example/", "//evil.example/", "whoami"])
def test_redirects_elsewhere_are_not_followed(world, location):
    asked: list[str] = []

    def fetch(method: str, target: str, *_: Any, **__: Any) -> PageResponse:
        asked.append(target)
        return PageResponse(target, HttpResponse(status=302, headers={"Location": location}), None)

    result = fetch_page(Caller(access_as("garden", "bob", now=world.now), fetch), {"path": "/a"})

    assert asked == ["/a"]
    assert result.text == "HTTP 302"


def test_the_configuration_in_the_help_names_the_endpoint(world, anonymous):
    page = anonymous().get("/help/mcp.md").content.decode()
    snippet = page[page.index('{\n  "mcpServers"') :]
    config = json.loads(snippet[: snippet.index("\n```")])
    server = config["mcpServers"]["harmonic"]
    assert server["url"] == "http://garden.localhost/mcp"
    assert server["headers"] == {"Authorization": "Bearer hmn_…"}


# --- execute_action -------------------------------------------------------------------------


def test_an_action_is_executed_once_and_answers_with_its_document(world):
    before = notes()
    result = mcp_of().act(NEW, "create_note", {"text": "Soup at noon"})

    assert "isError" not in result
    assert "# Action Success: `create_note`" in text_of(result)
    assert notes() == before + 1
    assert Note.unscoped.latest("created_at").created_by == world.user("scout")


@pytest.mark.parametrize("path", [f"{NEW}?x=1", f"{NEW}/actions", f"{NEW}/actions/create_note"])
def test_a_pasted_query_or_action_path_is_cut(world, path):
    assert "isError" not in mcp_of().act(path, "create_note", {"text": "Soup"})


def test_dry_run_changes_nothing(world):
    before = notes()
    result = mcp_of().act(NEW, "create_note", {"text": "Soup", "dry_run": True})
    assert "# Dry Run: `create_note`" in text_of(result)
    assert notes() == before


def test_an_idempotency_key_makes_one_note_of_two_calls(world):
    mcp = mcp_of()
    before = notes()
    arguments = {
        "path": NEW,
        "action": "create_note",
        "params": {"text": "Once"},
        "context": mcp.context(),
    }
    call = {"name": "execute_action", "arguments": arguments}
    results = [mcp.result("tools/call", call, **{"idempotency-key": "k-1"}) for _ in range(2)]

    assert not any("isError" in each for each in results)
    assert [each["structuredContent"].get("replayed") for each in results] == [None, True]
    assert notes() == before + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Missing required argument: path"),
        ({"path": NEW}, "Missing required argument: action"),
        ({"path": NEW, "action": 7}, "action must be a string"),
        ({"path": NEW, "action": "create_note", "params": []}, "params must be an object"),
        ({"path": "note", "action": "create_note"}, "Invalid path: note. "),
    ],
)
def test_execute_action_names_a_faulty_argument_before_the_context(world, arguments, message):
    assert text_of(mcp_of().call("execute_action", **arguments)).startswith(message)


def test_an_unknown_action_lists_those_of_the_page(world):
    result = mcp_of().act(NEW, "create_noat", {"text": "Soup"})
    assert result["structuredContent"]["status"] == 404
    assert "create_note" in text_of(result)


# --- The context of a write -----------------------------------------------------------------


def identity(**more: Any) -> dict[str, Any]:
    return {"identity": {"actor": "@scout", **more}}


@pytest.mark.parametrize(
    ("context", "error"),
    [
        (None, "context_missing"),
        ("me", "context_missing"),
        ({}, "identity_missing"),
        ({"identity": "scout"}, "identity_missing"),
        ({"identity": {"actor": " "}}, "identity_missing"),
        ({"identity": {"actor": "@alice"}}, "identity_mismatch"),
        (identity(), "intention_missing"),
        ({**identity(acting_as=7), "intention": "x"}, "acting_as_invalid"),
        ({**identity(acting_as="@!"), "intention": "x"}, "acting_as_invalid"),
        ({**identity(acting_as="bob"), "intention": "x"}, "representation_incomplete"),
        (
            {**identity(), "intention": "x", "representation_session_id": "s"},
            "representation_incomplete",
        ),
        ({**identity(), "intention": "x"}, "visibility_missing"),
        ({**identity(), "intention": "x", "visibility": 7}, "visibility_missing"),
        ({**identity(), "intention": "x", "visibility": "private"}, "visibility_mismatch"),
        ({**identity(), "intention": "x", "visibility": "public"}, "visibility_mismatch"),
    ],
)
def test_a_write_with_a_wrong_context_is_refused_and_not_executed(world, context, error):
    before = notes()
    result = mcp_of().act(NEW, "create_note", {"text": "Soup"}, context=context)

    answer = refusal(result)
    assert answer["error"] == error
    assert answer["hint"]
    assert notes() == before
    if error == "context_missing":
        assert "`context`" in answer["hint"]
    if error == "identity_mismatch":
        assert (answer["expected"], answer["got"]) == ("@scout", "@alice")
    if error == "visibility_mismatch":
        assert (answer["expected"], answer["got"]) == ("shared", context["visibility"])
    if error == "visibility_missing":
        assert "expected" not in answer


@pytest.mark.parametrize("actor", ["scout", "@scout", " @Scout "])
def test_handles_compare_without_case_and_at_sign(world, actor):
    context = {"identity": {"actor": actor}, "visibility": "shared", "intention": "x"}
    result = mcp_of().act(NEW, "create_note", {"text": "Soup"}, context=context)
    assert "isError" not in result


@pytest.mark.parametrize("blank", [None, ""])
def test_a_blank_acting_as_counts_as_absent(world, blank):
    context = {**identity(acting_as=blank), "visibility": "shared", "intention": "x"}
    assert "isError" not in mcp_of().act(NEW, "create_note", {"text": "Soup"}, context=context)


def test_a_claim_that_is_narrower_than_the_truth_warns_of_a_leak(world):
    claim = refusal(mcp_of().act(NEW, "create_note", {"text": "Soup"}, visibility="private"))
    assert "Check that what you write may be seen by them." in claim["hint"]
    wider = refusal(mcp_of().act(NEW, "create_note", {"text": "Soup"}, visibility="public"))
    assert "Check that" not in wider["hint"]


def test_the_audience_of_a_workspace_is_private_and_of_the_main_collective_public(world):
    mcp = mcp_of("bob")
    room = f"/workspace/{world.workspace('bob').handle}/note"
    assert "isError" not in mcp.act(room, "create_note", {"text": "Mine"}, visibility="private")
    assert "isError" not in mcp.act("/note", "create_note", {"text": "All"}, visibility="public")
    assert refusal(mcp.act("/note", "create_note", {"text": "All"}))["expected"] == "public"


def test_a_capability_is_checked_before_the_visibility(world):
    change(world.agent("scout"), may_write_publicly=False)
    result = mcp_of().act("/note", "create_note", {"text": "All"}, visibility="private")
    assert result["structuredContent"]["status"] == 403
    assert "may not post in the main collective" in text_of(result)


# --- The context of a read ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("context", "error"),
    [
        ({}, "viewer_missing"),
        ({"identity": {}}, "viewer_missing"),
        ({"identity": {"viewer": "alice"}}, "viewer_mismatch"),
        ({"identity": {"viewer": "scout", "viewing_as": "!"}}, "viewing_as_invalid"),
        ({"identity": {"viewer": "scout", "viewing_as": "bob"}}, "representation_incomplete"),
    ],
)
def test_a_read_with_a_wrong_context_is_refused(world, context, error):
    assert refusal(mcp_of().read("/whoami", context=context))["error"] == error


@pytest.mark.parametrize("context", [None, "x", {"identity": {"viewer": "@scout"}}])
def test_a_read_needs_no_context(world, context):
    assert "isError" not in mcp_of().read("/whoami", context=context)


def test_representation_goes_through_the_access_rules(world):
    context = {
        "identity": {"viewer": "scout", "viewing_as": "bob"},
        "representation_session_id": "8c2c6b3e-8d3f-4c79-9c1f-0c1de3b7b1a0",
    }
    result = mcp_of().read("/whoami", context=context)
    assert result["structuredContent"]["code"] == "representation_invalid"


# --- search and get_help --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({}, "Missing required argument: query"), ({"query": 7}, "query must be a string")],
)
def test_search_names_a_faulty_argument(world, arguments, message):
    assert text_of(mcp_of().call("search", **arguments)) == message


def test_help_is_read_by_topic(world):
    mcp = mcp_of()
    assert "# Help" in text_of(mcp.call("get_help"))
    assert "# Help" in text_of(mcp.call("get_help", topic="  "))
    assert "path: /help/agents\n" in text_of(mcp.call("get_help", topic="agents"))
    safety = text_of(mcp.call("get_help", topic="agents/safety"))
    assert "path: /help/agents/safety\n" in safety
    assert text_of(mcp.call("get_help", topic=7)) == "topic must be a string"


@pytest.mark.parametrize("topic", ["no-such-topic", "agents/../api", "ä ö"])
def test_an_unknown_help_topic_is_the_pages_404(world, topic):
    result = mcp_of().call("get_help", topic=topic)
    assert result["isError"] is True
    assert result["structuredContent"]["status"] == 404


# --- Callers --------------------------------------------------------------------------------


def test_a_token_of_a_person_acts_as_the_person(world):
    mcp = mcp_of("bob")
    assert "isError" not in mcp.act(NEW, "create_note", {"text": "From Bob"})
    assert Note.unscoped.latest("created_at").created_by == world.user("bob")


def test_a_read_only_token_reads_and_does_not_write(world):
    mcp = mcp_of(scope="read")
    before = notes()
    assert "isError" not in mcp.read(KITCHEN)

    result = mcp.act(NEW, "create_note", {"text": "Soup"})

    assert result["structuredContent"]["status"] == 403
    assert "You do not have permission to perform that action" in text_of(result)
    assert notes() == before


def test_the_use_of_a_token_is_noted_by_tools_and_methods(world):
    for use in (lambda mcp: mcp.result("ping"), lambda mcp: mcp.read("/whoami")):
        mcp = mcp_of("bob")
        token = ApiToken.unscoped.filter(name="bob in a test").latest("created_at")
        assert token.last_used_at is None
        use(mcp)
        token.refresh_from_db()
        assert token.last_used_at is not None


def test_a_call_counts_once_against_the_limits_of_the_token(world, settings, monkeypatch):
    seen: list[str] = []
    counting = rate_limits.count_request

    def seen_counting(request: Any, access: Any) -> Any:
        seen.append(request.path)
        return counting(request, access)

    monkeypatch.setattr("harmonic.access.middleware.count_request", seen_counting)
    mcp_of().read("/whoami")
    assert seen == ["/whoami"]


@pytest.mark.parametrize("path", ["/whoami", KITCHEN])
def test_a_call_takes_as_many_queries_as_its_page(world, path):
    mcp = mcp_of("bob")
    mcp.read(path)
    with CaptureQueriesContext(connection) as of_page:
        mcp.client.get(path, headers={"accept": "text/markdown"})
    with CaptureQueriesContext(connection) as of_call:
        mcp.read(path)

    assert len(of_call) == len(of_page)


@pytest.mark.parametrize(
    ("path", "code"), [("/collectives/kitchen.md", ""), ("/collectives/board.md", "not_a_member")]
)
def test_a_collective_that_the_call_does_not_name_exactly_is_looked_up(world, path, code):
    assert mcp_of("bob").read(path)["structuredContent"].get("code", "") == code


def test_a_token_that_is_revoked_during_a_call_writes_nothing(world, monkeypatch):
    """The call and the page share a lookup, which does not decide the write."""
    mcp, before = mcp_of("bob"), notes()
    counting = middleware.check_limits

    def revoking(access: Any) -> None:
        counting(access)
        change(ApiToken.unscoped.get(id=access.token.id), deleted_at=timezone.now())

    monkeypatch.setattr(middleware, "check_limits", revoking)

    result = mcp.act(NEW, "create_note", {"text": "Late"})

    assert result["structuredContent"]["status"] == 401
    assert notes() == before


@pytest.mark.meets("text of a tool's result")
def test_text_is_cut_at_a_megabyte_with_a_line_that_says_so():
    text = "ä" * MAX_TEXT
    cut = _cut(text)
    assert len(cut.encode()) <= MAX_TEXT
    assert cut.endswith(
        f"[response truncated — original was {2 * MAX_TEXT} bytes, capped at {MAX_TEXT}]"
    )
    assert _cut("a" * MAX_TEXT) == "a" * MAX_TEXT


def test_tokens_of_another_tenant_reach_nothing(world):
    foreign = Mcp(token_client(make_token("bob"), "harbor"))
    assert (
        foreign.send("tools/call", {"name": "fetch_page", "arguments": {"path": "/"}}).status_code
        == 401
    )
