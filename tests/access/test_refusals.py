"""What the refusals of the access middleware say to whom."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from collectives.models import CollectiveMember
from tests.fixtures.world import ClientFor, World, token_client

NOTES = "/collectives/kitchen/api/v1/notes"


@pytest.mark.parametrize("token", ["nonsense", "hmn_" + "0" * 42])
def test_a_token_that_is_not_valid_is_unauthorized(db: None, token: str) -> None:
    answer = token_client(token).get(NOTES)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.json()["error"] == "Unauthorized"


def test_a_person_is_told_where_to_join(world: World, api: ClientFor) -> None:
    answer = api("carol").get(NOTES).json()

    assert answer["code"] == "not_a_member"
    assert "/collectives/kitchen/join" in answer["hint"]


def test_an_agent_is_told_that_agents_do_not_join(world: World, api: ClientFor) -> None:
    rows: Any = CollectiveMember.unscoped.filter(person=world.person("scout"))
    rows.filter(collective=world.collective("kitchen")).update(archived_at=timezone.now())

    answer = api("alice", agent="scout").get(NOTES).json()

    assert answer["code"] == "not_a_member"
    assert answer["hint"].startswith("Agents do not join collectives.")
