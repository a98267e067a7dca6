"""Lists and lookups use an index: no query scans the items of a tenant."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collectives.notes.models import Note
from tests.limits.conftest import KITCHEN, REST, Write

pytestmark = pytest.mark.django_db

TABLES = re.compile("items_item |notes_note ")
# Without statistics, SQLite prefers this index to many IDs, and reads all items of the tenant.
TENANT_ALONE = "(tenant_id=?)"
PATHS = [
    "{note}",
    "{note}?cursor=none&full_text=true",
    "/",
    KITCHEN,
    f"{REST}/notes",
    f"{REST}/notes?sort_by=updated_at-asc&count=true",
    f"{REST}/notes?sort_by=deadline-desc",
    f"{REST}/notes?q=comment",
    f"{REST}/notes?filters=mine",
    f"{REST}/notes?include=comments,history_events",
    f"{REST}/notes/{{id}}/comments?count=true",
    "/api/v1/notes?scope=all&limit=200",
]


def plans_of(client: Any, path: str) -> list[tuple[str, str]]:
    """Return the statements on items of a request, with the lines of their plans."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    found = []
    for query in captured.captured_queries:
        if re.search('FROM "(items_item|notes_note)"', query["sql"]):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN QUERY PLAN " + query["sql"].replace("%", "%%"))
                lines = [row[3] for row in cursor.fetchall() if TABLES.search(row[3])]
            found.append((query["sql"], "\n".join(lines)))
    return found


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by statistics")
@pytest.mark.parametrize("path", PATHS)
def test_no_list_scans_the_notes_of_a_tenant(
    api: Any, note: Note, comment_on: Write, write_notes: Write, path: str
) -> None:
    comment_on(note, 60)
    write_notes(60, "Note {}")
    own = f"{KITCHEN}/n/{note.truncated_id}"

    plans = plans_of(api("bob"), path.format(note=own, id=note.id))

    assert plans
    for sql, plan in plans:
        assert "SCAN" not in plan, sql
        assert TENANT_ALONE not in plan, sql


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by statistics")
@pytest.mark.parametrize("path", PATHS)
def test_the_order_of_a_list_uses_an_index(
    api: Any, note: Note, comment_on: Write, write_notes: Write, path: str
) -> None:
    comment_on(note, 60)
    write_notes(60, "Note {}")
    own = f"{KITCHEN}/n/{note.truncated_id}"

    plans = plans_of(api("bob"), path.format(note=own, id=note.id))

    # Feeds show the beginnings of texts, and filters compare other columns; both read rows.
    reads_rows = ("cut_text", '"items_item"."created_by_id" =')
    for sql, plan in plans:
        if re.search(r"LIMIT \d+$", sql) and not any(word in sql for word in reads_rows):
            assert "COVERING INDEX" in plan, (sql, plan)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by statistics")
@pytest.mark.parametrize("path", [f"{KITCHEN}/n/{{id}}", f"{REST}/notes/{{id}}"])
def test_a_short_id_lookup_uses_its_index(api: Any, note: Note, path: str) -> None:
    plans = plans_of(api("bob"), path.format(id=note.truncated_id))

    lookups = [plan for sql, plan in plans if f"\"truncated_id\" = '{note.truncated_id}'" in sql]
    assert len(lookups) == 1
    assert "truncated_id=? AND kind=?" in lookups[0]
