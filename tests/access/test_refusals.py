"""Refusals of the access middleware: what they say to people and to agents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from collectives.models import CollectiveMember
from tests.fixtures.world import ClientFor, TokenFor, World, token_client
from tokens.models import ApiToken

NOTES = "/collectives/kitchen/api/v1/notes"


@pytest.mark.parametrize("token", ["nonsense", "hmn_" + "0" * 42])
def test_an_invalid_token_is_unauthorized(db: None, token: str) -> None:
    answer = token_client(token).get(NOTES)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.json()["error"] == "Unauthorized"


def mistyped(make: TokenFor) -> str:
    return make("alice")[:-1]


def revoked(make: TokenFor) -> str:
    plaintext = make("alice")
    ApiToken.unscoped.update(deleted_at=timezone.now())
    return plaintext


def foreign(make: TokenFor) -> str:
    return make("alice", tenant="summit")


def expired(make: TokenFor) -> str:
    return make("alice", at=timezone.now() - timedelta(days=2), days=1)


@pytest.mark.parametrize("make_invalid", [mistyped, revoked, foreign])
@pytest.mark.parametrize("path", [NOTES, "/whoami.md"])
def test_an_agent_with_an_invalid_token_is_told_to_ask_its_human(
    token_for: TokenFor, make_invalid: Callable[[TokenFor], str], path: str
) -> None:
    text = token_client(make_invalid(token_for)).get(path).content.decode()

    assert "mistyped or revoked, or it may belong to another community" in text
    assert "Agents cannot create tokens: ask your human for one." in text


@pytest.mark.parametrize("path", [NOTES, "/whoami.md"])
def test_an_agent_with_an_expired_token_is_told_to_ask_its_human(
    token_for: TokenFor, path: str
) -> None:
    text = token_client(expired(token_for)).get(path).content.decode()

    assert "Token expired" in text
    assert "Agents cannot create tokens: ask your human for one." in text
    assert "another community" not in text


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic YTpi"])
@pytest.mark.parametrize("path", [NOTES, "/whoami.json", "/whoami.md"])
def test_every_401_leads_to_whoami_help_and_the_actions(
    anonymous: ClientFor, path: str, authorization: str
) -> None:
    answer = anonymous().get(path, headers={"authorization": authorization})
    first_lines = answer.content.decode().splitlines()[:25]

    assert answer.status_code == 401
    for target in ("/whoami", "/help", "/actions"):
        assert target in "\n".join(first_lines)


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
