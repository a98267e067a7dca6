"""Concurrent votes and closings are neither lost nor duplicated, and the chain has no gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django_tasks_db.models import DBTaskResult

from accounts.models import TenantUser
from accounts.rules import new_user
from collectives.decisions.audit.verification import verify
from collectives.decisions.models import AuditEntry, Decision, Participant, Vote
from collectives.rules.members import add_member
from collectives.rules.tenants import join_tenant
from harmonic.kernel.database.tenancy import tenant_bound
from tests.decisions.conftest import KITCHEN, Member
from tests.fixtures.world import World, make_token, token_client

pytestmark = pytest.mark.postgres
VOTERS = 50
AT_ONCE = 10


@pytest.fixture
def no_rate_limits(settings: Any) -> None:
    settings.LIMIT_REQUESTS = settings.LIMIT_WRITES = settings.LIMIT_TENANT = 100_000


def voters(world: World) -> list[Client]:
    """Return the clients of new members of the kitchen."""
    kitchen, tenant = world.collective("kitchen"), world.tenant()
    clients = []
    with tenant_bound(tenant.id):
        for number in range(VOTERS):
            name = f"voter-{number}"
            user = new_user(
                name=name, email=f"{name}@example.net", now=world.now, password="x" * 16
            )
            join_tenant(user, tenant, now=world.now, handle=name)
            add_member(kitchen, TenantUser.objects.get(handle=name), now=world.now)
            clients.append(token_client(make_token(name)))
    return clients


def at_once(actions: Iterable[Callable[[], Any]], threads: int) -> list[int]:
    """Run requests in several threads, and return their sorted statuses.

    A request that a busy machine refused with 503 has written nothing, so it is sent again.
    """

    def run(action: Callable[[], Any]) -> int:
        try:
            statuses = (int(action().status_code) for _ in range(5))
            return next((status for status in statuses if status != 503), 503)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return sorted(pool.map(run, actions))


def ask(question: str) -> Decision:
    made = Member("alice").rest(
        "post", "/decisions", {"question": question, "options": ["Gas", "Electric"]}
    )
    found: Decision = Decision.unscoped.get(id=made.json()["id"])
    return found


def is_whole(decision: Decision) -> bool:
    """Return whether the chain is valid and matches the results."""
    with tenant_bound(decision.tenant_id):
        found = verify(Decision.objects.get(pk=decision.pk))
    return found.chain.is_valid and found.tallies.is_valid and not found.tallies.skipped


def test_fifty_concurrent_voters_are_counted_exactly_once(
    transactional_world: World, no_rate_limits: None
) -> None:
    decision = ask("Which oven, all at once?")
    path = f"{KITCHEN}/api/v1/decisions/{decision.id}/votes"

    def voting(client: Client, title: str, accepted: int) -> Callable[[], Any]:
        body = {"option_title": title, "accepted": accepted}
        return lambda: client.post(path, body, "application/json")

    clients = voters(transactional_world)
    # Everyone votes twice on one option, in overlapping requests, and once on the other.
    actions = [
        action
        for client in clients
        for action in (voting(client, "Gas", 1), voting(client, "Gas", 1),
                       voting(client, "Electric", 0))
    ]  # fmt: skip

    assert at_once(actions, AT_ONCE) == [200] * 3 * VOTERS

    votes = Vote.unscoped.filter(decision=decision)
    assert votes.count() == 2 * VOTERS
    assert votes.filter(accepted=1).count() == VOTERS
    assert Participant.unscoped.filter(decision=decision).count() == VOTERS + 1
    numbers = AuditEntry.unscoped.filter(decision=decision).order_by("sequence_number")
    # Three entries for the creation, and one per vote. A repeated vote adds none.
    assert list(numbers.values_list("sequence_number", flat=True)) == list(
        range(1, 3 + 2 * VOTERS + 1)
    )
    assert is_whole(decision)


def test_concurrent_closings_close_once(transactional_world: World, no_rate_limits: None) -> None:
    """Content 24: two closers: one `decision_closed`, one draw."""
    for number in range(5):
        decision = ask(f"Close it at once, {number}?")
        callers = [Member("alice") for _ in range(4)]
        barrier = Barrier(len(callers))

        def close(caller: Member, path: str, barrier: Barrier = barrier) -> Any:
            barrier.wait()
            return caller.rest("post", path)

        path = f"/decisions/{decision.id}/close"
        actions = [lambda each=each, path=path: close(each, path) for each in callers]

        assert at_once(actions, len(callers)) == [200, 400, 400, 400]

        entries = AuditEntry.unscoped.filter(decision=decision)
        assert entries.filter(action="decision_closed").count() == 1
        draws = DBTaskResult.objects.filter(args_kwargs__kwargs__decision_id=str(decision.id))
        assert draws.count() == 1
