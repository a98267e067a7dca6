"""A database from before the rule: agents whose parent is not a member leave, nothing else does."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.models import SecurityEvent, TenantUser
from collectives.models import Collective, CollectiveMember
from collectives.notes.models import Note
from tests.fixtures.performing import id_of, is_member, log_entries_about, roles
from tests.fixtures.world import World, anonymous_client, sign_in
from tests.security.conftest import markdown

pytestmark = pytest.mark.postgres

MIGRATION = ("collectives", "0003_agents_leave_with_parent")
BEFORE = [("collectives", "0002_pin_once_in_two")]


@pytest.fixture
def migrate_back(transactional_world: World) -> Any:
    """Return the world as older versions left it; the database ends with its newest schema."""
    yield transactional_world
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def migrate_forward() -> None:
    """Run the migration of the data alone, so that today's models fit the tables around it."""
    apps = MigrationExecutor(connection).loader.project_state(MIGRATION).apps
    with connection.schema_editor() as editor:
        import_module(".".join(("collectives.migrations", MIGRATION[1]))).leave(apps, editor)


def add(world: World, handle: str, place: str, **more: Any) -> None:
    """Insert a membership as older versions left them."""
    collective = world.collective(place)
    CollectiveMember.unscoped.bulk_create(
        [
            CollectiveMember(
                tenant_id=collective.tenant_id,
                collective=collective,
                person=world.person(handle),
                created_at=timezone.now(),
                **more,
            )
        ]
    )


def contents() -> list[Any]:
    """Return what the migration leaves alone: everything but the agents that leave."""
    members = CollectiveMember.unscoped.exclude(person__handle="pilot").order_by("id")
    return [
        list(rows.values_list())
        for rows in (
            members,
            Collective.unscoped.order_by("id"),
            TenantUser.unscoped.order_by("id"),
            Note.unscoped.order_by("id"),
        )
    ]


def test_agents_without_their_parent_leave_with_a_line_in_the_log(migrate_back: World) -> None:
    add(migrate_back, "pilot", "board", is_admin=True)
    add(migrate_back, "pilot", "treasury", archived_at=timezone.now())
    before, lines = contents(), SecurityEvent.unscoped.count()

    migrate_forward()

    assert not is_member("pilot", "board")
    assert roles("pilot", "board") == []
    [line] = log_entries_about("pilot", "remove_ai_agent_from_collective")
    board = str(migrate_back.collective("board").id)
    assert (line["collective_id"], line["reason"]) == (board, "parent_left")
    assert SecurityEvent.unscoped.count() == lines + 1
    assert contents() == before


def test_agents_beside_their_parent_stay(migrate_back: World) -> None:
    add(migrate_back, "pilot", "kitchen")
    lines = SecurityEvent.unscoped.count()

    migrate_forward()

    assert all(is_member(each) for each in ("pilot", "scout", "steward"))
    assert is_member("pilot", "garden")
    assert is_member("pilot", migrate_back.workspace("pilot").handle)
    assert SecurityEvent.unscoped.count() == lines


@pytest.mark.parametrize("gone", ["left", "removed from the tenant"])
def test_agents_of_a_former_member_leave(migrate_back: World, gone: str) -> None:
    add(migrate_back, "pilot", "kitchen")
    now = timezone.now()
    if gone == "left":
        rows = CollectiveMember.unscoped.filter(collective__handle="kitchen")
        rows.filter(person__handle="bob").update(archived_at=now)
    else:
        TenantUser.unscoped.filter(handle__in=["bob", "pilot"]).update(archived_at=now)

    migrate_forward()

    assert not is_member("pilot")
    assert is_member("pilot", "garden")
    assert len(log_entries_about("pilot", "remove_ai_agent_from_collective")) == 1


def test_the_line_is_readable_on_the_page(migrate_back: World) -> None:
    add(migrate_back, "pilot", "board")

    migrate_forward()

    browser = anonymous_client()
    sign_in(browser, "bob", "garden")
    told = markdown(browser, "/settings/security")
    told_why = "pilot was removed from Board Room: the person who manages it is no longer a member"
    assert told_why in told
    assert id_of("pilot")


def test_going_back_changes_nothing(migrate_back: World) -> None:
    add(migrate_back, "pilot", "board")
    migrate_forward()

    MigrationExecutor(connection).migrate(BEFORE)

    assert not is_member("pilot", "board")
