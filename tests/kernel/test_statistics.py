"""SQLite gets statistics, by which it chooses indexes."""

from __future__ import annotations

import pytest
from django.db import connection

from collectives.items.models import Item
from harmonic.kernel.database.statistics import update_statistics
from harmonic.kernel.operations.jobs import regular_work
from tests.fixtures.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def test_workers_update_the_statistics_regularly(world: World) -> None:
    update = regular_work()["update the statistics of the database"].function
    assert update is update_statistics
    for _ in range(2):
        update()

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = %s", [Item._meta.db_table])
            counted = {int(row[0].split()[0]) for row in cursor.fetchall()}
        assert Item.unscoped.count() in counted
