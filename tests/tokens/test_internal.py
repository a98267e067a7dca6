"""Internal tokens, which Harmonic creates for one run of an internal agent."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from accounts.models import TenantUser
from harmonic.access.access_as import access_as
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import World, make_token, token_client
from tokens import rules, usage
from tokens.models import TokenRefusal

NOTES = "/collectives/kitchen/api/v1/notes"


def internal_token(world: World, context: str = "run 1", **lifetime: timedelta) -> rules.NewToken:
    access = access_as("garden", "alice", now=timezone.now())
    with tenant_bound(access.tenant.id), transaction.atomic():
        owner = TenantUser.objects.select_related("user").get(handle="steward")
        return rules.create_internal_token(access, owner, context=context, **lifetime)


@pytest.mark.parametrize(
    ("lifetime", "hours"),
    [({}, 1), ({"lifetime": timedelta(hours=4)}, 4)],
    ids=["by default", "of a run"],
)
def test_an_internal_token_works_until_it_expires(world: World, lifetime: dict, hours: int) -> None:
    made = internal_token(world, **lifetime)
    program = token_client(made.plaintext)

    with time_machine.travel(timezone.now() + timedelta(hours=hours, minutes=-1)):
        assert program.get(NOTES).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(hours=hours, minutes=1)):
        assert program.get(NOTES).status_code == 401


def test_an_internal_token_has_all_scopes_and_its_run(world: World) -> None:
    row = internal_token(world).row

    assert (row.name, row.context) == ("Internal Agent Token", "run 1")
    assert set(row.scopes) == {"read:all", "create:all", "update:all", "delete:all"}
    assert row.is_internal


def test_the_end_of_a_run_revokes_its_internal_tokens_and_no_others(world: World) -> None:
    run, other = internal_token(world), internal_token(world, context="run 2")
    external = make_token("alice", agent="scout")
    steward, now = world.user("steward"), timezone.now()

    with tenant_bound(world.tenant().id):
        ended = [rules.delete_internal_tokens(steward.id, "run 1", now) for _ in range(2)]
        of_another_agent = rules.delete_internal_tokens(world.user("scout").id, "run 2", now)

    assert (ended, of_another_agent) == ([1, 0], 0)
    assert token_client(run.plaintext).get(NOTES).status_code == 401
    assert token_client(other.plaintext).get(NOTES).status_code == 200
    assert token_client(external).get(NOTES).status_code == 200
    run.row.refresh_from_db()
    assert (run.row.deleted_at, run.row.updated_at) == (now, now)


def test_requests_with_an_internal_token_are_not_counted(world: World) -> None:
    made = internal_token(world)

    assert token_client(made.plaintext).get(NOTES).status_code == 200
    assert token_client(made.plaintext).get("/tenant-admin").status_code == 403
    usage.ledger.settle()

    made.row.refresh_from_db()
    assert (made.row.last_used_at, made.row.counted_requests) == (None, 0)
    assert not TokenRefusal.unscoped.filter(token=made.row).exists()
