"""Finding and sorting the rows of a table, and summaries (content 4.4, 25.12)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.rows import make_member
from tests.fixtures.surfaces import HTML, MARKDOWN, Caller
from tests.fixtures.world import make_token, token_client
from tests.mcp.client import Mcp
from tests.tables.rows import asked, lay, rest, row_id, table_at

COLUMNS = [{"name": "Item"}, {"name": "Price", "type": "number"}, {"name": "Shelf"}]
ROWS = [
    {"Item": "b", "Price": "10", "Shelf": "x"},
    {"Item": "a", "Price": "9.5 each", "Shelf": ""},
    {"Item": "C", "Price": "free", "Shelf": None},
    {"Item": "a", "Price": None, "Shelf": "x"},
]


@pytest.fixture
def path(world: Any) -> str:
    return lay(columns=COLUMNS, initial_rows=ROWS)


def found(path: str, **params: Any) -> list[str]:
    """Return the items in the rows that match a query, in order."""
    lines = asked(path, "query_rows", **params).splitlines()
    assert "rows match (showing" in lines[0]
    table = [line for line in lines if line.startswith("|")]
    assert table[0] == "| _id | Item | Price | Shelf |"
    return [line.split(" | ")[1] for line in table[2:]]


@pytest.mark.rule("tables.query")
def test_a_query_returns_the_rows_with_their_ids(path):
    lines = asked(path, "query_rows").splitlines()

    first = row_id(path, "b")
    assert lines[:3] == ["4 rows match (showing 4):", "", "```markdown"]
    assert f"| {first} | b | 10 | x |" in lines


@pytest.mark.rule("tables.query")
@pytest.mark.parametrize(
    ("where", "items"),
    [
        ({}, ["b", "a", "C", "a"]),
        ({"Item": "a"}, ["a", "a"]),
        ({"Item": "a", "Shelf": "x"}, ["a"]),
        ({"Item": "A"}, []),
        ({"Price": 10}, ["b"]),
        ({"Shelf": ""}, ["a"]),
        ({"Shelf": None}, ["a"]),
        ({"Colour": "x"}, []),
        ({"Colour": None}, []),
    ],
)
def test_a_row_matches_if_its_cells_equal_all_values(path, where, items):
    assert found(path, where=where) == items


@pytest.mark.rule("tables.query")
def test_rows_are_found_by_id_and_author(path, world):
    bob = str(world.user("bob").id)

    assert found(path, where={"_id": row_id(path, "C")}) == ["C"]
    assert len(found(path, where={"_created_by": bob})) == 4
    assert len(found(path, where={"_created_at": table_at(path).rows[0]["_created_at"]})) == 4


@pytest.mark.rule("tables.sort")
@pytest.mark.parametrize(
    ("order_by", "order", "items"),
    [
        ("Item", "asc", ["C", "a", "a", "b"]),
        ("Item", "desc", ["b", "a", "a", "C"]),
        ("Price", "asc", ["a", "b", "C", "a"]),
        ("Price", "desc", ["b", "a", "C", "a"]),
        ("Shelf", "asc", ["b", "a", "a", "C"]),
        ("Shelf", "desc", ["b", "a", "a", "C"]),
        ("Colour", "desc", ["b", "a", "C", "a"]),
        ("", "asc", ["b", "a", "C", "a"]),
    ],
)
def test_rows_are_sorted_with_empty_cells_last(path, order_by, order, items):
    assert found(path, order_by=order_by, order=order) == items


@pytest.mark.meets("rows that a query returns")
@pytest.mark.rule("tables.query-limits")
@pytest.mark.parametrize(
    ("params", "says", "number"),
    [
        ({}, "30 rows match (showing 20):", 20),
        ({"limit": 5, "offset": 28}, "30 rows match (showing 2):", 2),
        ({"limit": 0}, "30 rows match (showing 1):", 1),
        ({"limit": -4, "offset": -3}, "30 rows match (showing 1):", 1),
        ({"offset": 99}, "30 rows match (showing 0):", 0),
    ],
)
def test_a_query_counts_all_matches_and_shows_some(world, params, says, number):
    path = lay(columns=COLUMNS, initial_rows=[{"Item": str(each)} for each in range(30)])

    said = asked(path, "query_rows", **params)

    assert said.startswith(says)
    assert len([line for line in said.splitlines() if line.startswith("|")]) == number + 2


@pytest.mark.meets("rows that a query returns")
@pytest.mark.rule("tables.query-limits")
def test_a_query_returns_a_whole_table_at_most(world):
    path = lay(columns=COLUMNS, initial_rows=[{"Item": str(each)} for each in range(500)])

    said = asked(path, "query_rows", limit=10_000)

    assert said.startswith("500 rows match (showing 500):")


@pytest.mark.rule("tables.query")
@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"where": ["Item"]}, "where must be an object"),
        ({"where": "Item"}, "where must be an object"),
        ({"order": "up"}, "order must be one of: asc, desc"),
        ({"limit": "many"}, "limit must be a whole number"),
    ],
)
def test_a_query_with_parameters_of_the_wrong_type_is_refused(path, params, says):
    Caller(MARKDOWN, "alice").act("query_rows", path, **params).assert_invalid(says)


@pytest.mark.rule("tables.query")
def test_where_can_be_sent_as_json_text(path):
    assert found(path, where='{"Item": "a"}') == ["a", "a"]


@pytest.mark.rule("tables.query")
def test_the_json_of_a_query_has_its_rows(path):
    answer = rest("alice").post(
        f"{path}/actions/query_rows.json", {"where": {"Item": "C"}}, "application/json"
    )

    body = answer.json()
    assert (body["total"], [row["Price"] for row in body["rows"]]) == (1, ["free"])
    assert body["result"].startswith(
        "1 rows match (showing 1):\n\n| _id | Item | Price | Shelf |\n"
    )


@pytest.mark.rule("tables.query")
def test_a_browser_gets_the_rows_of_a_query_as_a_page(path):
    answer = Caller(HTML, "alice").act("query_rows", path, where='{"Item": "C"}')

    assert answer.status == 200
    assert "1 rows match (showing 1):" in answer.text
    assert "<td>free</td>" in answer.text


@pytest.mark.rule("tables.query")
def test_a_tool_call_queries_and_changes_a_table(path):
    agent = Mcp(token_client(make_token("alice", agent="scout")))
    agent.read(path)

    said = agent.act(path, "query_rows", {"where": {"Item": "b"}})

    assert "1 rows match (showing 1):" in str(said)


# --- Summaries ------------------------------------------------------------------------------


@pytest.mark.rule("tables.summarize")
@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"operation": "count"}, "count = 4"),
        ({"operation": "count", "where": {"Item": "a"}}, "count = 2"),
        ({"operation": "sum", "column": "Price"}, "sum = 19.5"),
        ({"operation": "sum", "column": "Price", "where": {"Item": "b"}}, "sum = 10.0"),
        ({"operation": "sum", "column": "Item"}, "sum = 0.0"),
        ({"operation": "average", "column": "Price"}, "average = 4.875"),
        ({"operation": "average", "column": "Price", "where": {"Item": "z"}}, "average = 0.0"),
        ({"operation": "min", "column": "Price"}, "min = 9.5 each"),
        ({"operation": "max", "column": "Price"}, "max = 10"),
        ({"operation": "min", "column": "Item"}, "min = C"),
        ({"operation": "max", "column": "Item"}, "max = b"),
        ({"operation": "max", "column": "Price", "where": {"Item": "z"}}, "max = null"),
    ],
)
def test_rows_are_counted_and_summed(path, params, says):
    assert asked(path, "summarize", **params) == says


@pytest.mark.rule("tables.summarize")
@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"operation": "sum"}, "column is required for sum"),
        ({"operation": "min", "column": ""}, "column is required for min"),
        ({"operation": "sum", "column": "Colour"}, "Column 'Colour' not found"),
        ({"operation": "median"}, "operation must be one of: count, sum, average, min, max"),
        ({}, "operation is required"),
    ],
)
def test_a_summary_that_is_not_possible_is_refused(path, params, says):
    Caller(MARKDOWN, "alice").act("summarize", path, **params).assert_refused(422, says)


# --- On the page ----------------------------------------------------------------------------


@pytest.mark.rule("tables.page")
def test_the_query_string_filters_sorts_and_totals_rows(path):
    query = "filter_by=Item&filter=A&order_by=Price&order=desc&operation=sum&column=Price"

    page = Caller(HTML, "alice").get(f"{path}?{query}").text
    document = Caller(MARKDOWN, "alice").get(f"{path}?{query}").text

    table = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert table.count("<tr>") == 2
    assert "sum of Price = 9.5" in page
    assert "sum of Price = 9.5" in document
    assert "| a | 9.5 each |  |\n| a |  | x |" in document
    assert "| b |" not in document


@pytest.mark.rule("tables.page")
@pytest.mark.parametrize(
    "query",
    [
        "filter_by=Colour&filter=x&order_by=Colour&order=up&operation=median&column=Colour",
        "operation=sum&column=",
        "page=99",
        "page=x",
        "filter=%0A&filter_by=Item",
    ],
)
def test_unknown_columns_in_the_query_string_are_ignored(path, query):
    for surface in (HTML, MARKDOWN):
        assert Caller(surface, "alice").get(f"{path}?{query}").status == 200


@pytest.mark.meets("rows of a table on its page")
@pytest.mark.rule("tables.page")
def test_a_page_shows_fifty_rows_and_links_to_the_others(world):
    path = lay(initial_rows=[{"Item": f"item-{each:03}"} for each in range(120)])

    for surface in (HTML, MARKDOWN):
        reader = Caller(surface, "alice")
        first = reader.get(f"{path}?full_text=true&filter_by=Item&filter=item").text
        last = reader.get(f"{path}?full_text=true&page=3").text
        assert ("item-049" in first, "item-050" in first) == (True, False)
        assert "filter_by=Item" in first.partition("Next")[0].rpartition("href")[2] or "](" in first
        assert ("item-099" in last, "item-119" in last) == (False, True)


@pytest.mark.rule("tables.ids")
def test_the_page_shows_row_ids_to_those_who_can_edit_rows(path):
    row = row_id(path, "b")

    assert f"| {row} | b | 10 | x |" in Caller(MARKDOWN, "bob").get(path).text
    assert row not in Caller(MARKDOWN, "alice").get(path).text
    assert row not in Caller(HTML, "alice").get(path).text


@pytest.mark.rule("tables.foreign-links")
def test_an_agent_does_not_see_links_of_other_agents_in_a_table(world):
    path = lay(edit_access="members", initial_rows=[])
    link = {"Item": "https://evil.example/x?y=1"}
    Caller(MARKDOWN, "scout").act("add_row", path, values=link).assert_done()

    make_member(world, "pilot")

    def seen(who: str) -> list[str]:
        caller = Caller(MARKDOWN, who)
        return [caller.get(path).text, caller.act("query_rows", path).text]

    for who, is_seen in (("alice", True), ("scout", True), ("pilot", False)):
        assert [link["Item"] in text for text in seen(who)] == [is_seen] * 2
    assert all("evil.example" in text for text in seen("pilot"))
