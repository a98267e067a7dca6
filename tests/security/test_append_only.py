"""The security log is append-only: the database refuses changes, except pruning."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import AppendOnly, SecurityEvent
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import World, make_token
from tests.security.conftest import act, markdown

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

STATEMENTS = {
    "an update": "UPDATE accounts_securityevent SET event = 'nothing'",
    "a deletion": "DELETE FROM accounts_securityevent",
}
# SQLite truncates the table if no trigger prevents it.
EMPTIED = {
    "sqlite": "DELETE FROM accounts_securityevent",
    "postgresql": "TRUNCATE accounts_securityevent",
}
REPLACED = {
    "postgresql": """
        INSERT INTO accounts_securityevent SELECT * FROM accounts_securityevent
        ON CONFLICT (id) DO UPDATE SET event = 'nothing'
    """,
    "sqlite": "REPLACE INTO accounts_securityevent SELECT * FROM accounts_securityevent",
}


def rows() -> list[Any]:
    return list(SecurityEvent.unscoped.order_by("id").values_list())


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_application_never_changes_or_deletes_a_row(world: World, with_tenant: Any) -> None:
    make_token("alice")
    with with_tenant():
        row = SecurityEvent.objects.first()
        assert row is not None

        for change in (
            row.save,
            row.delete,
            SecurityEvent.objects.all().delete,
            lambda: SecurityEvent.objects.update(event="x"),
        ):
            with pytest.raises(AppendOnly):
                change()


@pytest.mark.parametrize("what", STATEMENTS)
def test_the_database_refuses_updates_and_deletes(what: str, world: World) -> None:
    make_token("alice")
    before = rows()

    with pytest.raises(IntegrityError, match="only added to"):
        run(STATEMENTS[what])

    assert rows() == before


def test_the_database_refuses_to_replace_a_row(world: World) -> None:
    make_token("alice")
    before = rows()

    with pytest.raises(IntegrityError, match="only added to"):
        run(REPLACED[connection.vendor])

    assert rows() == before


@pytest.mark.postgres
def test_the_database_refuses_to_empty_the_table(world: World) -> None:
    make_token("alice")
    before = rows()
    if connection.vendor == "postgresql":
        # Deferred constraints of the test's transaction would refuse it, too.
        run("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError, match="only added to"):
        run(EMPTIED[connection.vendor])

    assert rows() == before


# --- Other deletions ------------------------------------------------------------------------


def test_the_log_of_a_deleted_agent_is_unchanged(api: Any, page: Any, world: World) -> None:
    act(page("alice"), "/ai-agents/new/actions/create_ai_agent.json", name="Brief")
    agent = world.user("brief")
    make_token("alice", agent="brief")

    assert api("alice").delete(f"/api/v1/users/{agent.id}").status_code == 200

    for path in ("/settings/security", "/tenant-admin/security"):
        document = markdown(page("alice"), path)
        assert "Token “brief in a test” of Brief (@brief, deleted) was created" in document
        assert "The agent Brief (@brief, deleted) was deleted" in document
        assert "All tokens of Brief (@brief, deleted) were revoked (1)" in document
    for who in ("brief", "@Brief", str(agent.id)):
        found = markdown(page("alice"), f"/tenant-admin/security?who={who}&event=tokens_ended")
        assert "All tokens of Brief" in found


# --- How long it is kept --------------------------------------------------------------------


def write(world: World, tenant: str, days_ago: int) -> SecurityEvent:
    row = SecurityEvent(
        tenant=world.tenant(tenant),
        at=timezone.now() - timedelta(days=days_ago),
        event="login_success",
        severity="info",
    )
    with tenant_bound(row.tenant_id):
        row.save()
    return row


def prune(*arguments: str) -> str:
    said = StringIO()
    call_command("prune_security_log", *arguments, stdout=said)
    return said.getvalue()


def exists(row: SecurityEvent) -> bool:
    return SecurityEvent.unscoped.filter(id=row.id).exists()


def day(days_ago: int) -> str:
    return f"{timezone.now() - timedelta(days=days_ago):%Y-%m-%d}"


def test_the_operator_prunes_events_before_a_date(page: Any, world: World) -> None:
    old, older_elsewhere = write(world, "garden", 400), write(world, "summit", 500)
    recent = write(world, "garden", 10)

    told = prune("--before", day(365))

    assert [exists(row) for row in (old, older_elsewhere, recent)] == [False, False, True]
    assert "Garden Cooperative: 1 event" in told
    assert "1 events from before" in markdown(page("alice"), "/tenant-admin/security")
    # The triggers are active again.
    for statement in STATEMENTS.values():
        with pytest.raises(IntegrityError):
            run(statement)


def test_pruning_can_be_limited_to_one_tenant(world: World) -> None:
    here, elsewhere = write(world, "garden", 400), write(world, "summit", 400)

    prune("--before", day(365), "--tenant", "garden")

    assert (exists(here), exists(elsewhere)) == (False, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--before", "soon"], "2026-01-31"),
        (["--before", day(-2)], "must not be in the future"),
        (["--before", day(300), "--tenant", "nowhere"], "does not exist"),
    ],
)
def test_pruning_refuses_invalid_arguments(
    arguments: list[str], message: str, world: World
) -> None:
    row = write(world, "garden", 400)

    with pytest.raises(CommandError, match=message):
        prune(*arguments)

    assert exists(row)


def test_failed_pruning_deletes_nothing_and_restores_the_triggers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("no room")

    row = write(world, "garden", 400)
    monkeypatch.setattr("accounts.security.audit.record", fail)

    with pytest.raises(OSError, match="no room"):
        prune("--before", day(365))

    assert exists(row)
    with pytest.raises(IntegrityError):
        run(STATEMENTS["a deletion"])


def test_events_after_pruning_are_recorded(page: Any, seen: Any, world: World) -> None:
    write(world, "garden", 400)
    prune("--before", day(365))

    act(page("alice"), "/ai-agents/scout/actions/stop_ai_agent.json")

    assert seen("tokens_ended")
