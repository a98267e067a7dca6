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
from tests.fixtures.world import World, token_client
from tokens import rules

NOTES = "/collectives/kitchen/api/v1/notes"


def internal_token(world: World, **lifetime: timedelta) -> rules.NewToken:
    access = access_as("garden", "alice", now=timezone.now())
    with tenant_bound(access.tenant.id), transaction.atomic():
        owner = TenantUser.objects.select_related("user").get(handle="steward")
        return rules.create_internal_token(access, owner, context="run 1", **lifetime)


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
