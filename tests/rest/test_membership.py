"""Joining a collective and leaving it over REST."""

from __future__ import annotations

import pytest

from tests.fixtures.rows import make_invite
from tests.rest.conftest import BASE, KITCHEN, error_of


@pytest.fixture
def code(world):
    return make_invite(world)


def test_joining_returns_the_collective_without_a_role(carol, code):
    joined = carol.post(f"{KITCHEN}/join", {"code": code}).json()

    assert (joined["handle"], joined["roles"]) == ("kitchen", [])
    assert carol.get(f"{KITCHEN}/notes").status_code == 200


@pytest.mark.parametrize("sent", [{}, {"code": ""}, {"code": "nonsense"}])
def test_joining_needs_a_valid_code(carol, sent):
    assert carol.post(f"{KITCHEN}/join", sent).status_code in {403, 404}
    assert carol.get(f"{KITCHEN}/notes").status_code == 403


def test_leaving_says_so_and_ends_access(bob):
    assert bob.post(f"{KITCHEN}/leave").json()["message"].startswith("You have left Kitchen")
    assert bob.get(f"{KITCHEN}/notes").status_code == 403


@pytest.mark.parametrize(
    ("verb", "scopes"),
    [("join", ["read:all", "update:all", "delete:all"]), ("leave", ["read:all", "create:all"])],
)
def test_joining_and_leaving_need_their_scope(rest, code, verb, scopes):
    response = rest("bob", scopes=scopes).post(f"{KITCHEN}/{verb}", {"code": code})

    assert error_of(response, 403) == "You do not have permission to perform that action"


def test_an_agent_neither_joins_nor_leaves(scout, code):
    assert error_of(scout.post(f"{KITCHEN}/join", {"code": code}), 403)
    assert error_of(scout.post(f"{KITCHEN}/leave"), 403)


def test_nobody_leaves_the_main_collective(bob):
    assert bob.post(f"{BASE}/leave").status_code == 403


def test_a_dry_run_of_joining_leaves_the_caller_outside(carol, code):
    answer = carol.post(f"{KITCHEN}/join?dry_run=true", {"code": code}).json()

    assert (answer["handle"], answer["dry_run"]) == ("kitchen", True)
    assert carol.get(f"{KITCHEN}/notes").status_code == 403
