"""The schema editor of SQLite: a migration that fails leaves the connection usable."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection

from collectives.items.models import Item

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="SQLite has its own schema editor"
)


def test_a_migration_that_breaks_a_foreign_key_is_rolled_back(transactional_world: Any) -> None:
    before = set(Item.unscoped.values_list("id", "created_by_id"))

    with pytest.raises(IntegrityError), connection.schema_editor():
        Item.unscoped.update(created_by_id=uuid.uuid4())

    assert not connection.in_atomic_block
    assert set(Item.unscoped.values_list("id", "created_by_id")) == before
    with pytest.raises(IntegrityError):
        Item.unscoped.update(created_by_id=uuid.uuid4())


def test_the_error_of_a_migration_is_raised_as_it_is(transactional_world: Any) -> None:
    with pytest.raises(IntegrityError, match="NOT NULL"), connection.schema_editor():
        Item.unscoped.update(created_at=None)

    assert not connection.in_atomic_block


def test_deferred_statements_that_fail_are_rolled_back(transactional_world: Any) -> None:
    with (
        pytest.raises(OperationalError, match="no such table"),
        connection.schema_editor() as editor,
    ):
        editor.deferred_sql.append("CREATE INDEX of_nothing ON missing (id)")

    assert not connection.in_atomic_block
    assert Item.unscoped.exists()
