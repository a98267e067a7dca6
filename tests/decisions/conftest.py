"""Fixtures of decisions: members who create them and vote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from collectives.decisions import due
from collectives.decisions.models import Decision
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import World, make_token, token_client

KITCHEN = "/collectives/kitchen"
MARKDOWN = {"accept": "text/markdown"}
CLIENTS: dict[str, Any] = {"scout": "alice", "pilot": "bob"}


class Member:
    """A member of the kitchen who runs Markdown actions with a token."""

    def __init__(self, handle: str) -> None:
        parent = CLIENTS.get(handle)
        token = make_token(parent or handle, agent=handle if parent else None)
        self.client: Client = token_client(token)

    def act(self, path: str, action: str, **params: Any) -> Any:
        return self.client.post(
            f"{path}/actions/{action}", params, content_type="application/json", headers=MARKDOWN
        )

    def read(self, path: str, **query: str) -> str:
        response = self.client.get(path, query, headers=MARKDOWN)
        assert response.status_code == 200, response.content.decode()[:500]
        return response.content.decode()

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        send = getattr(self.client, method)
        place = f"{KITCHEN}/api/v1{path}"
        if method == "get":
            return send(place)
        return send(place, body or {}, content_type="application/json")

    def decide(self, question: str = "Which oven do we buy?", **params: Any) -> Decision:
        """Create a decision in the kitchen and return it."""
        sent = {"question": question, "options": ["Gas", "Electric"], **params}
        made = self.act(f"{KITCHEN}/decide", "create_decision", **sent)
        assert made.status_code == 200, made.content.decode()
        return Decision.unscoped.filter(title=question).latest("created_at")

    def vote(self, decision: Decision, **accepted: Any) -> Any:
        """Vote on options: `Gas="ap"` accepts and prefers, "" does neither."""
        votes = [
            {"option_title": title, "accept": "a" in marks, "prefer": "p" in marks}
            for title, marks in accepted.items()
        ]
        return self.act(path_of(decision), "vote", votes=votes)


def path_of(decision: Decision) -> str:
    return f"{KITCHEN}/d/{decision.truncated_id}"


def fresh(decision: Decision) -> Decision:
    return Decision.unscoped.get(pk=decision.pk)


def draw(decision: Decision) -> None:
    """Run the draw of a decision."""
    with tenant_bound(decision.tenant_id):
        due.draw.call(tenant_id=str(decision.tenant_id), decision_id=str(decision.id))


MemberFor = Callable[[str], Member]


@pytest.fixture
def member(world: World) -> MemberFor:
    """Return a function that returns a member of the kitchen by handle."""
    known: dict[str, Member] = {}

    def named(handle: str) -> Member:
        return known.setdefault(handle, Member(handle))

    return named


@pytest.fixture
def alice(member: MemberFor) -> Member:
    return member("alice")


@pytest.fixture
def bob(member: MemberFor) -> Member:
    return member("bob")
