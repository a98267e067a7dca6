"""Compatibility with the older stdio client and the agent runner (docs/agents.md)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from collectives.models import Invite
from tests.fixtures.world import token_client
from tests.markdown.reading import read
from tokens import secret, usage
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db


def execute(client: Any, path: str, **params: Any) -> Any:
    return client.post(path, json.dumps(params), content_type="application/json")


def test_actions_below_settings_run_on_the_page_it_redirects_to(api: Any) -> None:
    alice = api("alice")

    answer = execute(alice, "/settings/actions/update_profile", name="Alice B.")

    assert answer.status_code == 200
    assert read(answer.content.decode()).fields["path"].startswith("/u/alice/settings")
    assert "# User: Alice B." in alice.get("/u/alice.md").content.decode()


def test_actions_below_workspace_run_in_the_callers_workspace(api: Any) -> None:
    answer = execute(api("alice"), "/workspace/actions/create_note", text="x")

    assert answer.status_code == 200
    assert "](/workspace/" in answer.content.decode()


@pytest.mark.parametrize("page", ["settings", "workspace"])
def test_a_forwarded_action_runs_once_per_idempotency_key(api: Any, page: str) -> None:
    """The key is bound to the path that serves the request."""
    alice = api("alice")
    path, body = {
        "settings": ("/settings/actions/update_profile", {"name": "Alice B."}),
        "workspace": ("/workspace/actions/create_note", {"text": "x"}),
    }[page]

    def send() -> Any:
        return alice.post(
            path,
            json.dumps(body),
            content_type="application/json",
            headers={"idempotency-key": "1"},
        )

    first, second = send(), send()

    assert first.status_code == 200
    assert second.status_code == first.status_code
    assert second["Idempotent-Replayed"] == "true"
    assert second.content == first.content


def test_a_forwarded_request_counts_once(api: Any, settings: Any) -> None:
    settings.LIMIT_LOOPBACK = True
    alice = api("alice")
    counted = alice.get("/api/v1")["X-RateLimit-Remaining"]

    alice.get("/settings/actions")

    assert int(alice.get("/api/v1")["X-RateLimit-Remaining"]) == int(counted) - 2


@pytest.mark.parametrize("path", ["/settings/actions/update_profile", "/workspace/actions/x"])
def test_a_forwarded_write_counts_and_is_recorded_once(
    token_for: Any, settings: Any, path: str
) -> None:
    settings.LIMIT_LOOPBACK = True
    plaintext = token_for("alice")
    alice = token_client(plaintext)
    first = alice.get("/api/v1")

    execute(alice, path, name="Alice B.")

    last = alice.get("/api/v1")
    assert left(last) == {
        "requests": left(first)["requests"] - 2,
        "writes": left(first)["writes"] - 1,
    }
    usage.ledger.settle()
    row = ApiToken.unscoped.get(token_hash=secret.digest(plaintext))
    assert row.counted_requests == 3


def left(answer: Any) -> dict[str, int]:
    """Return the remaining requests and writes of the narrowest limits."""
    return {
        name: int(number)
        for name, number in re.findall(r'"(requests|writes)";r=(\d+)', answer["RateLimit"])
    }


@pytest.mark.parametrize("path", ["/settings/actions", "/workspace/actions/create_note"])
def test_an_anonymous_forwarded_request_is_401(anonymous: Any, path: str) -> None:
    answer = anonymous().get(path, headers={"accept": "text/markdown"})

    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/settings/actions", "/workspace/actions"])
def test_a_forwarded_request_obeys_the_api_switch(api: Any, path: str) -> None:
    assert api("alice", tenant="harbor").get(path).status_code == 403


def test_a_forwarded_write_with_a_read_only_token_is_refused(api: Any) -> None:
    answer = execute(api("alice", scope="read"), "/settings/actions/update_profile", name="X")

    assert answer.status_code == 403
    assert "You do not have permission to perform that action" in answer.content.decode()


def test_an_action_path_inside_the_query_runs(api: Any, note_path: Any) -> None:
    path = note_path("Knife care")

    answer = execute(api("alice"), f"{path}?full_text=true/actions/confirm_read")

    assert answer.status_code == 200
    seen = read(answer.content.decode())
    assert seen.fields["title"] == "Action Success: confirm_read"
    assert "Ignored" not in seen.body


def test_a_session_cannot_run_an_action_path_inside_a_query(page: Any, note_path: Any) -> None:
    path = note_path("Knife care")

    answer = execute(page("alice"), f"{path}?full_text=true/actions/confirm_read")

    assert answer.status_code in {403, 405}


def test_the_response_to_an_invitation_has_the_link_of_its_page(
    api: Any,
) -> None:
    alice = api("alice")

    answer = execute(alice, "/collectives/kitchen/invite/actions/create_invite")

    code = Invite.unscoped.get(collective__handle="kitchen").code
    link = f"(/collectives/kitchen/join?code={code})"
    assert link in answer.content.decode()
    assert link in alice.get("/collectives/kitchen/invite.md").content.decode()


def test_repeated_slashes_count_as_one(api: Any) -> None:
    answer = api("alice").get("/collectives//kitchen///note")

    assert answer.status_code == 200
    assert read(answer.content.decode()).fields["path"] == "/collectives/kitchen/note"


def test_every_listed_action_has_a_route_and_a_description(api: Any, note_path: Any) -> None:
    alice = api("alice")
    note = note_path("Welcome to the kitchen")
    pages = [note, f"{note}/edit", f"{note}/settings", "/collectives/kitchen/members"]
    pages += ["/collectives/kitchen/settings", "/ai-agents/scout/settings", "/collectives/new"]
    pages += ["/u/alice/settings", "/u/alice/settings/tokens/new", "/note", "/ai-agents/new"]

    for page in pages:
        seen = read(alice.get(f"{page}.md").content.decode())
        assert seen.actions, page
        for action in seen.fields["actions"]:
            assert action["path"] == f"{page}/actions/{action['name']}"
            described = read(alice.get(action["path"]).content.decode())
            assert described.fields["title"] == f"Action: {action['name']}"
            assert described.actions == [action["name"]]


def test_actions_match_the_two_space_pattern_of_clients(api: Any, note_path: Any) -> None:
    lines = api("alice").get(note_path("Compost") + ".md").content.decode().splitlines()

    start = lines.index("actions:")
    found = [line for line in lines[start + 1 :] if line.startswith("  - name: ")]

    names = [line.removeprefix("  - name: ") for line in found]
    assert names == ["confirm_read", "add_comment", "report_content"]
