"""Creating table notes: columns, rows and limits (content 4.1 to 4.3)."""

from __future__ import annotations

import json

import pytest

from collectives.notes.models import Note
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Answer, Caller, on
from tests.tables.rows import COLUMNS, ROWS, api, cells, lay, note_at, rest, table_at

TEXT = "| Item | Price |\n| --- | --- |\n| Flour | 3 |\n| Salt | 12 |\n| Saffron |  |"


@pytest.mark.rule("tables.create")
@pytest.mark.parametrize("who", ["bob", "scout"])
def test_members_create_a_table_whose_text_is_generated_from_its_rows(world, who):
    path = lay(who, description="  What we have.\n")

    note = note_at(path)
    assert (note.title, note.subtype, note.edit_access) == ("Stock", "table", "owner")
    assert note.text == f"What we have.\n\n\n{TEXT}"
    assert table_at(path).description == "What we have."
    assert [set(row) for row in table_at(path).rows] == [
        {"_id", "_created_by", "_created_at", "Item", "Price"}
    ] * 3


@pytest.mark.rule("tables.create")
def test_a_form_takes_columns_as_lines_and_rows_as_csv(world):
    sent = {"columns": "Item\r\nPrice: Number\r\n", "initial_rows": "Item,Price\r\nFlour,3\r\n"}

    Caller(HTML, "bob").act("create_table_note", KITCHEN, **sent).assert_done()

    note: Note = Note.unscoped.latest("created_at")
    path = f"{KITCHEN}/n/{note.truncated_id}"
    assert [(each.name, each.type) for each in table_at(path).columns] == [
        ("Item", "text"),
        ("Price", "number"),
    ]
    assert (note.title, cells(path, "Price")) == ("Table", ["3"])


@pytest.mark.rule("tables.create")
def test_the_api_creates_a_table_from_table_data(world):
    table = {"columns": COLUMNS, "rows": ROWS, "description": "Stock"}
    sent = {"subtype": "table", "table_data": table, "text": "ignored"}

    made = rest().post(f"{KITCHEN}/api/v1/notes", json.dumps(sent), "application/json")

    assert made.status_code == 200, made.content
    assert made.json()["subtype"] == "table"
    assert made.json()["text"] == f"Stock\n\n\n{TEXT}"
    assert "table_data" not in made.json()


@pytest.mark.rule("tables.create-nothing")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 400),
        ({"table_data": None}, 400),
        ({"table_data": []}, 400),
        ({"table_data": {}}, 200),
        ({"table_data": {"columns": [3]}}, 400),
        ({"table_data": {"columns": COLUMNS, "rows": [3]}}, 400),
    ],
)
def test_the_api_requires_an_object_as_table_data(world, sent, status):
    body = json.dumps({"subtype": "table", **sent})

    made = rest().post(f"{KITCHEN}/api/v1/notes", body, "application/json")

    assert made.status_code == status, made.content


@pytest.mark.rule("tables.create")
def test_only_members_can_create_a_table(world):
    Caller(MARKDOWN, "carol").act("create_table_note", KITCHEN, columns=COLUMNS).assert_refused(403)


BAD_COLUMNS = [
    ([{"name": "  "}], ""),
    ([{"name": "x" * 51}], "50 characters"),
    ([{"name": "a|b"}], "invalid characters"),
    ([{"name": "ä"}], "invalid characters"),
    ([{"name": "_id"}], "underscore"),
    ([{"name": "A"}, {"name": "A"}], "unique"),
    ([{"name": "A", "type": "money"}], "invalid column type"),
    ([{"name": f"c{number}"} for number in range(21)], "cannot have more than 20 columns"),
    ("", "parameter is required"),
    (3, "array"),
]


@pytest.mark.meets("columns of a table")
@pytest.mark.meets("name of a column")
@pytest.mark.rule("tables.limits")
@pytest.mark.parametrize(("columns", "says"), BAD_COLUMNS)
def test_an_invalid_column_is_refused(world, columns, says):
    before = Note.unscoped.count()

    answer = Caller(MARKDOWN, "bob").act("create_table_note", KITCHEN, columns=columns)

    if says:
        answer.assert_invalid(says)
        assert Note.unscoped.count() == before
    else:
        answer.assert_done()


@pytest.mark.rule("tables.limits")
def test_twenty_columns_and_names_that_differ_in_case_are_allowed(world):
    names = [*(f"c{number}" for number in range(17)), "A b_1", "a", "A"]

    path = lay(columns=[{"name": name} for name in names], initial_rows=[])

    assert table_at(path).names == tuple(names)


@pytest.mark.meets("rows of a table")
@pytest.mark.rule("tables.limits")
@pytest.mark.parametrize(("number", "fits"), [(500, True), (501, False), (100_000, False)])
def test_a_table_has_at_most_500_rows(world, number, fits):
    rows = [{"Item": str(each)} for each in range(number)]

    answer = Caller(MARKDOWN, "bob").act(
        "create_table_note", KITCHEN, columns=COLUMNS, initial_rows=rows
    )

    if fits:
        answer.assert_done()
    else:
        answer.assert_refused(422, "cannot have more than 500 rows")


@pytest.mark.meets("a cell of a table")
@pytest.mark.rule("tables.limits")
@pytest.mark.parametrize("value", ["x" * 1001, ["x" * 997]])
def test_a_cell_has_at_most_1000_characters(world, value):
    """Other values than strings are measured as JSON."""
    path = lay(initial_rows=[{"Item": "x" * 1000, "Unknown": "y" * 2000}])

    answer = Caller(MARKDOWN, "bob").act("add_row", path, values={"Item": value})

    answer.assert_invalid("'Item'")
    assert "1000 characters" in answer.text
    assert len(table_at(path).rows) == 1


@pytest.mark.meets("a table")
@pytest.mark.rule("tables.limits")
def test_a_whole_table_has_at_most_two_million_bytes(world):
    columns = [{"name": f"c{number}"} for number in range(20)]
    rows = [{each["name"]: "ö" * 1000 for each in columns}] * 50
    path = lay(columns=columns, initial_rows=rows[:49])

    answer = Caller(MARKDOWN, "bob").act("add_row", path, values=rows[0])

    answer.assert_refused(422, "2,000,000 bytes")
    assert len(table_at(path).rows) == 49


@pytest.mark.rule("tables.as-text")
def test_values_of_any_type_are_stored_as_text(world):
    values = [3, 2.5, True, None, "", {"a": [1]}, " x ", "line\r\nbreak"]
    path = lay(initial_rows=[{"Item": value} for value in values])

    assert cells(path) == ["3", "2.5", "true", None, "", '{"a": [1]}', " x ", "line\nbreak"]


@pytest.mark.rule("tables.as-text")
def test_a_cell_cannot_break_the_table_of_its_text(world):
    path = lay(initial_rows=[{"Item": "a | b\nc\u0007\t<b>", "Price": "\\"}])

    assert note_at(path).text.splitlines()[2:] == ["| a \\| b c\t<b> | \\ |"]
    assert cells(path) == ["a | b\nc\u0007\t<b>"]


@pytest.mark.rule("tables.as-text")
def test_a_text_that_cannot_be_stored_is_refused(world):
    path = lay()

    Caller(MARKDOWN, "bob").act("add_row", path, values={"Item": "nul\u0000"}).assert_invalid()


@pytest.mark.meets("text above a table")
@pytest.mark.rule("tables.limits")
def test_a_description_has_at_most_100000_characters(world):
    path, bob = lay(), Caller(MARKDOWN, "bob")

    def describe(length: int) -> Answer:
        return bob.act("update_table_description", path, description="x" * length)

    describe(100_000).assert_done()
    describe(100_001).assert_invalid("100000 characters")


@pytest.mark.rule("tables.text-ignored")
@on(HTML, MARKDOWN, REST)
def test_an_edit_of_a_table_ignores_a_text(call):
    path = lay()
    before = note_at(path)

    call("bob").act("update_note", path, title="Store", text="Gone").assert_done()

    after = note_at(path)
    assert (after.title, after.text) == ("Store", before.text)


@pytest.mark.rule("tables.limits")
def test_a_refused_form_keeps_what_was_typed(world):
    sent = {"columns": "A|B: text", "initial_rows": "A,B\n1,2", "description": "Mine"}

    answer = Caller(HTML, "bob").act("create_table_note", KITCHEN, **sent).assert_invalid()

    for typed in ("A|B: text", "A,B\n1,2", "Mine"):
        assert typed in answer.text


@pytest.mark.rule("tables.create")
def test_the_page_of_a_new_note_offers_the_form_of_a_table(world):
    alice = Caller(HTML, "alice")

    assert (
        'action="/collectives/kitchen/note/actions/create_note"'
        in alice.get(f"{KITCHEN}/note").text
    )
    assert (
        'action="/collectives/kitchen/note/actions/create_table_note"'
        in alice.get(f"{KITCHEN}/note?subtype=table").text
    )
    assert "create_table_note" in Caller(MARKDOWN, "alice").get(f"{KITCHEN}/note").text


def test_a_table_note_is_listed_with_its_subtype(world):
    path = lay()

    listed = rest().get(f"{KITCHEN}/api/v1/notes?subtype=table").json()

    assert path in [each["path"] for each in listed]
    assert {each["subtype"] for each in listed} == {"table"}
    assert rest().get(api(path)).json()["text"] == note_at(path).text
