"""Agents and identities of collectives have addresses that cannot be registered."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.models import User
from harmonic.kernel.access import UserType
from tests.fixtures.world import World

pytestmark = pytest.mark.postgres


def addresses(kind: UserType) -> set[str]:
    return set(User.objects.filter(user_type=kind).values_list("email", flat=True))


def test_new_agents_and_collectives_get_an_address_without_a_mailbox(world: World, api: Any):
    before = addresses(UserType.AI_AGENT) | addresses(UserType.COLLECTIVE_IDENTITY)
    alice = api("alice")

    for path, sent in {
        "/api/v1/users": {"name": "Digger"},
        "/api/v1/collectives": {"name": "Tools", "handle": "tools"},
    }.items():
        assert alice.post(path, json.dumps(sent), "application/json").status_code == 200

    made = (addresses(UserType.AI_AGENT) | addresses(UserType.COLLECTIVE_IDENTITY)) - before
    assert len(made) == 2
    assert all(each.endswith(".invalid") for each in made | before)


@pytest.fixture
def old(transactional_world: World) -> Iterator[Any]:
    """The database as the previous version left it, and the newest one afterwards."""
    state = MigrationExecutor(connection).migrate([("accounts", "0009_stored_bytes")])
    yield state.apps.get_model("accounts", "User").objects
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    User.objects.filter(name="Old").delete()


def test_the_upgrade_changes_the_addresses_of_agents_and_identities_only(old: Any):
    now = timezone.now()
    parent = old.create(
        name="Old",
        email="old@not-a-real-email.com",
        email_key="old@not-a-real-email.com",
        created_at=now,
        updated_at=now,
    )
    email = f"{uuid.uuid4()}@not-a-real-email.com"
    agent = old.create(
        name="Old",
        email=email,
        email_key=email,
        user_type="ai_agent",
        parent=parent,
        created_at=now,
        updated_at=now,
    )
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())

    changed, kept = User.objects.get(id=agent.id), User.objects.get(id=parent.id)

    assert changed.email == changed.email_key == email.replace(".com", ".invalid")
    assert kept.email == "old@not-a-real-email.com"

    MigrationExecutor(connection).migrate([("accounts", "0009_stored_bytes")])
    assert old.get(id=agent.id).email == email
