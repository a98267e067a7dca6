"""REST writes run the actions of pages, each step once and in order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from api import writes
from harmonic.kernel import pipeline
from tests.rest.conftest import BASE, KITCHEN, Program, error_of

pytestmark = pytest.mark.django_db

NOTES = f"{KITCHEN}/notes"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return how often each step of a write ran."""
    counted: Counter[str] = Counter()

    def count(module: Any, name: str) -> None:
        step = getattr(module, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            counted[name] += 1
            return step(*args, **kwargs)

        monkeypatch.setattr(module, name, counting)

    count(writes, "read_params")
    for name in ("require_kind", "require_policy", "validated"):
        count(pipeline, name)
    return counted


def test_write_is_parsed_authorized_and_validated_once(
    alice: Program, note_id: Any, calls: Counter[str]
) -> None:
    note = note_id("Welcome to the kitchen")
    comment = {"text": "x", "commentable_type": "Note", "commentable_id": note}
    once = {"read_params": 1, "require_kind": 1, "require_policy": 1, "validated": 1}

    for send in (
        lambda: alice.post(NOTES, {"text": "x"}),
        lambda: alice.post(NOTES, comment),
        lambda: alice.put(f"{NOTES}/{note}", {"text": "y"}),
        lambda: alice.post(f"{BASE}/users/me/tokens", {"scopes": ["read:all"]}),
        lambda: alice.put(f"{BASE}/collectives/kitchen", {"name": "Kitchen"}),
        lambda: alice.put(f"{BASE}/users/scout", {"display_name": "Scout"}),
    ):
        calls.clear()
        assert send().status_code == 200
        assert dict(calls) == once


def test_capability_is_checked_before_the_body_is_parsed(scout: Program, world: Any) -> None:
    agent = world.agent("scout")
    agent.capability_names = []
    agent.save()

    refused = scout.client.post(NOTES, "{", content_type="application/json")

    assert error_of(refused, 403) == "Your capabilities do not include 'create_note'"


def test_unreadable_body_is_reported_to_callers_with_permission(alice: Program) -> None:
    refused = alice.client.post(NOTES, "{", content_type="application/json")

    assert error_of(refused, 400) == "The body is not valid JSON."


def test_unknown_collective_is_reported_before_the_callers_kind(
    scout: Program, alice: Program
) -> None:
    sent = {"name": "Ours"}

    denied = scout.put(f"{BASE}/collectives/kitchen", sent)

    assert error_of(denied, 403) == "Your capabilities do not include 'update_collective_settings'"
    for program in (scout, alice):
        assert program.put(f"{BASE}/collectives/nowhere", sent).status_code == 404
    assert alice.put(f"{BASE}/collectives/kitchen", sent).status_code == 200


def test_errors_of_the_action_use_the_parameter_names_of_the_api(
    alice: Program,
) -> None:
    refused = alice.put(f"{BASE}/users/me", {"handle": "bob"})

    assert refused.status_code == 400
    assert list(refused.json()["fields"]) == ["handle"]
