"""The migration that stores the links of existing items."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from collectives.links.models import Link
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import REST, Caller
from tests.fixtures.world import World

pytestmark = pytest.mark.postgres


def migrate(*targets: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


@pytest.fixture
def before(transactional_world: World) -> Any:
    """A database of the previous version, whose texts have links to each kind and invalid ones."""
    alice = Caller(REST, "alice")
    note = alice.act("create_note", KITCHEN, text="There").json
    decision = alice.act("create_decision", KITCHEN, question="?", description="There").json
    text = f"[a]({note['path']}) [b]({decision['path']}) [c]({KITCHEN}/n/00000000) [d](/n/00000001)"
    alice.act(
        "create_commitment", KITCHEN, title="!", description=text, critical_mass=1
    ).assert_done()
    migrate(("links", None))  # type: ignore[arg-type]  # before its first migration
    yield transactional_world
    migrate()


def test_the_links_of_existing_texts_are_stored(before):
    migrate()

    found = Link.unscoped.select_related("source", "target", "tenant")
    kinds = sorted((link.source.kind, link.target.kind) for link in found)
    assert kinds == [
        ("Commitment", "Decision"),
        ("Commitment", "Note"),
        ("Decision", "Note"),
        ("Note", "Note"),
        ("Note", "Note"),
    ]
    assert all(link.created_at == link.source.updated_at for link in found)
    assert all(link.collective_id == link.source.collective_id for link in found)
