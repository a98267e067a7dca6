"""The filters of the security log use an index."""

from __future__ import annotations

import uuid
from importlib import import_module
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor

from accounts import security
from accounts.models import SecurityEvent

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def filled(world: Any, count: int = 3000) -> SecurityEvent:
    """Write many events, and return one of them."""
    tenant, token = world.tenant(), uuid.uuid4()
    SecurityEvent.unscoped.bulk_create(
        SecurityEvent(
            tenant=tenant,
            at=world.now,
            event="token_created",
            severity="info",
            data={},
            token=token if number == 0 else uuid.uuid4(),
            user_handle="gone" if number == 0 else f"other{number}",
        )
        for number in range(count)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return SecurityEvent.unscoped.get(token=token)


@pytest.mark.parametrize("by", ["token", "handle"])
def test_a_filter_uses_its_index(world: Any, with_tenant: Any, by: str) -> None:
    one = filled(world)
    wanted = (
        security.LogQuery(token=one.token)
        if by == "token"
        else security.LogQuery(former_handle="GONE")
    )
    with with_tenant():
        rows = security._rows(wanted, None)[:51]
        plan, found = rows.explain(), list(rows)

    assert found == [one]
    for column in ("token", "successor", "by_token") if by == "token" else ("user_handle",):
        assert f"event_by_{column}" in plan, plan
    assert "event_by_time" not in plan, plan


@pytest.mark.django_db(transaction=True)
def test_the_migration_fills_the_filters_and_keeps_the_triggers(transactional_world: Any) -> None:
    token = uuid.uuid4()
    people = {"user": {"handle": "Älice", "name": "A"}}
    row = SecurityEvent(
        tenant=transactional_world.tenant(),
        at=transactional_world.now,
        event="token_created",
        severity="info",
        data={"token_id": str(token), "people": people},
    )
    SecurityEvent.unscoped.bulk_create([row])
    apps = MigrationExecutor(connection).loader.project_state().apps
    with connection.schema_editor() as editor:
        import_module("accounts.migrations.0012_fill_event_filters").fill(apps, editor)

    rows = SecurityEvent.unscoped.filter(id=row.id)
    assert rows.values_list("token", "user_handle").get() == (token, "älice")
    with pytest.raises(DatabaseError), transaction.atomic():
        models.QuerySet.update(rows, event="changed")
