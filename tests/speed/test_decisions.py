"""Query budgets of decisions, independent of the number of options and votes."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import TenantUser, User
from collectives.decisions.models import Decision, Option, Participant, Vote
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import World
from tests.speed.test_query_budgets import NOT_COUNTED, queries

pytestmark = pytest.mark.django_db
KITCHEN = "/collectives/kitchen"


def filled(world: World, voters: int, options: int) -> Decision:
    """Add options and votes of new people to the open decision of the demo world."""
    decision: Decision = Decision.unscoped.get(title="Which oven do we buy?")
    now, ids = world.now, {"tenant_id": decision.tenant_id, "decision_id": decision.id}
    with tenant_bound(decision.tenant_id):
        known = list(Option.objects.filter(decision=decision))
        rows = [
            Option(
                **ids,
                participant_id=known[0].participant_id,
                title=f"Option {number}",
                title_key=uuid.uuid4().hex,
                random_id=number,
                created_at=now,
                updated_at=now,
            )
            for number in range(options - len(known))
        ]
        Option.objects.bulk_create(rows)
        named = [f"Voter {number}" for number in range(voters)]
        users = User.objects.bulk_create(
            User(
                name=name,
                email=f"{number}@example.net",
                email_key=f"{number}@example.net",
                created_at=now,
                updated_at=now,
            )
            for number, name in enumerate(named)
        )
        people = [
            TenantUser(
                tenant_id=decision.tenant_id,
                user=user,
                handle=f"voter-{number}",
                display_name=user.name,
                created_at=now,
            )
            for number, user in enumerate(users)
        ]
        TenantUser.objects.bulk_create(people)
        participants = Participant.objects.bulk_create(
            [Participant(**ids, user=user, created_at=now) for user in users]
        )
        Vote.objects.bulk_create(
            Vote(**ids, option=option, participant=who, accepted=1, created_at=now, updated_at=now)
            for option in [*known, *rows]
            for who in participants
        )
    return decision


def test_a_decision_takes_eight_queries_whatever_the_number_of_votes(
    world: World, api: Any
) -> None:
    alice = api("alice")
    path = f"{KITCHEN}/d/{Decision.unscoped.get(title='Which oven do we buy?').truncated_id}"
    few = len(queries(alice, f"{path}.md"))

    filled(world, voters=200, options=40)

    many = queries(alice, f"{path}.md")
    assert len(many) == few <= 8
    assert "202 voters" in alice.get(f"{path}.md").content.decode()
    assert len(queries(alice, f"{path}/voters.md")) <= 9
    rest = f"{KITCHEN}/api/v1/decisions/{path[-8:]}"
    assert len(queries(alice, rest)) <= 4
    assert len(queries(alice, f"{rest}/results")) <= 4


def _written(client: Client, path: str, body: dict[str, Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.post(path, body, "application/json").status_code == 200
    statements = [query["sql"] for query in captured.captured_queries]
    return sum(not sql.startswith(NOT_COUNTED) for sql in statements)


def test_a_vote_takes_half_as_many_queries_again_as_a_comment_at_most(
    api: Any, note_path: Any
) -> None:
    alice = api("alice")
    note = f"{note_path('Welcome to the kitchen')}/actions/add_comment"
    decision = Decision.unscoped.get(title="Which oven do we buy?")
    path = f"{KITCHEN}/d/{decision.truncated_id}/actions/vote"

    def votes(accept: bool) -> dict[str, Any]:
        return {"votes": [{"option_title": "Gas", "accept": accept}]}

    _written(alice, note, {"text": "First."})
    _written(alice, path, votes(False))

    comment = _written(alice, note, {"text": "Second."})
    vote = _written(alice, path, votes(True))

    assert vote <= comment * 1.5, (vote, comment)
