"""A write over REST runs the action that pages run: found, allowed, parsed and performed once."""

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


def test_a_write_is_read_allowed_and_validated_once(
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


def test_an_agent_without_the_capability_learns_that_before_its_body_is_judged(
    scout: Program, world: Any
) -> None:
    agent = world.agent("scout")
    agent.capability_names = []
    agent.save()

    refused = scout.client.post(NOTES, "{", content_type="application/json")

    assert error_of(refused, 403) == "Your capabilities do not include 'create_note'"


def test_a_body_that_cannot_be_read_is_refused_for_who_may_write(alice: Program) -> None:
    refused = alice.client.post(NOTES, "{", content_type="application/json")

    assert error_of(refused, 400) == "The body is not valid JSON."


def test_a_collective_is_found_before_an_agent_learns_that_it_may_not_change_it(
    scout: Program, alice: Program
) -> None:
    sent = {"name": "Ours"}

    denied = scout.put(f"{BASE}/collectives/kitchen", sent)

    assert error_of(denied, 403) == "Your capabilities do not include 'update_collective_settings'"
    for program in (scout, alice):
        assert program.put(f"{BASE}/collectives/nowhere", sent).status_code == 404
    assert alice.put(f"{BASE}/collectives/kitchen", sent).status_code == 200


def test_a_fault_found_by_the_action_is_named_as_the_api_names_the_parameter(
    alice: Program,
) -> None:
    refused = alice.put(f"{BASE}/users/me", {"handle": "bob"})

    assert refused.status_code == 400
    assert list(refused.json()["fields"]) == ["handle"]
