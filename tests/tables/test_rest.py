"""The table of a note and its rows in the REST API."""

from __future__ import annotations

from typing import Any

import pytest

from collectives.events.models import Event
from tests.fixtures.world import make_token, token_client
from tests.tables.rows import api, cells, lay, note_at, rest, row_id, table_at, updates


def send(method: str, url: str, body: Any = None, by: str = "bob") -> Any:
    return getattr(rest(by), method)(url, body or {}, "application/json")


@pytest.mark.rule("tables.rest")
def test_a_table_is_read_with_its_columns_and_rows(world):
    path = lay(description="Ours")

    body = rest("alice").get(api(path, "/table")).json()

    assert body.keys() == {"description", "columns", "rows"}
    assert (body["description"], body["columns"][1]) == (
        "Ours",
        {"name": "Price", "type": "number"},
    )
    first = body["rows"][0]
    assert first.keys() == {"id", "values", "created_by_id", "created_at"}
    assert first["values"] == {"Item": "Flour", "Price": "3"}
    assert rest("alice").get(api(path, f"/table/rows/{first['id']}")).json() == first


@pytest.mark.rule("tables.rest")
def test_rows_are_added_changed_and_deleted(world):
    path = lay()
    rows = api(path, "/table/rows")

    added = send("post", rows, {"values": {"Item": "Yeast", "Price": 2}})
    assert added.status_code == 200
    one = f"{rows}/{added.json()['id']}"
    assert added.headers["Location"].endswith(one)

    assert send("patch", one, {"values": {"Price": 4}}).json()["values"] == {
        "Item": "Yeast",
        "Price": "4",
    }
    assert send("delete", one).json() == {"message": "Row deleted"}
    assert send("delete", one).status_code == 404
    assert cells(path) == ["Flour", "Salt", "Saffron"]
    assert updates(path) == 3


@pytest.mark.rule("tables.rest")
def test_operations_are_applied_together(world):
    path = lay()
    operations = [
        {"action": "add_table_column", "name": "Unit", "type": "text"},
        {"action": "add_row", "values": {"Unit": "kg"}},
    ]

    body = send("patch", api(path, "/table"), {"operations": operations}).json()

    assert [each["name"] for each in body["columns"]] == ["Item", "Price", "Unit"]
    assert body["rows"][-1]["values"] == {"Item": None, "Price": None, "Unit": "kg"}


@pytest.mark.rule("tables.rest")
@pytest.mark.parametrize(
    ("method", "below", "body", "status", "code"),
    [
        ("post", "/rows", {}, 400, "invalid"),
        ("post", "/rows", {"values": 3}, 400, "invalid"),
        ("post", "/rows", {"values": {"Item": "x" * 1001}}, 400, "invalid"),
        ("patch", "/rows/ffffffff", {"values": {"Item": "x"}}, 404, "not_found"),
        ("delete", "/rows/ffffffff", {}, 404, "not_found"),
        ("patch", "", {"operations": [{"action": "zap"}]}, 400, "invalid"),
        ("patch", "", {"operations": []}, 400, "invalid"),
    ],
)
def test_impossible_operations_are_refused(world, method, below, body, status, code):
    path = lay()
    before = table_at(path)

    answer = send(method, api(path, f"/table{below}"), body)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert table_at(path) == before


@pytest.mark.rule("tables.rest")
def test_a_note_without_a_table_has_no_table_in_the_api(world, note_path):
    url = api(note_path("Knife care"), "/table")

    assert rest().get(url).json()["error"] == "Not a table note"
    assert send("post", f"{url}/rows", {"values": {}}).status_code == 404


@pytest.mark.rule("tables.rest")
def test_the_api_refuses_the_same_callers_as_pages(world):
    path = lay()
    one = api(path, f"/table/rows/{row_id(path, 'Salt')}")

    assert send("patch", one, {"values": {"Item": "x"}}, by="alice").status_code == 403
    assert send("delete", one, by="alice").status_code == 403
    assert rest("carol").get(one).status_code == 403
    reader = token_client(make_token("bob", scopes=["read:all"]))
    assert reader.delete(one).status_code == 403
    assert reader.get(one).status_code == 200
    assert cells(path) == ["Flour", "Salt", "Saffron"]


@pytest.mark.rule("tables.rest")
def test_an_idempotency_key_adds_a_row_once(world):
    path = lay()
    headers = {"idempotency-key": "one-row"}

    answers = [
        rest()
        .post(
            api(path, "/table/rows"),
            {"values": {"Item": "Yeast"}},
            "application/json",
            headers=headers,
        )
        .json()
        for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert cells(path).count("Yeast") == 1


@pytest.mark.rule("tables.rest")
def test_a_dry_run_writes_nothing(world):
    path = lay()
    before = note_at(path).text

    answer = send("post", f"{api(path, '/table/rows')}?dry_run=true", {"values": {"Item": "x"}})

    assert answer.status_code == 200
    assert answer.json()["dry_run"] is True
    assert note_at(path).text == before
    assert not Event.unscoped.filter(item=note_at(path), verb="updated").exists()
