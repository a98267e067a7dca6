"""Rows, columns and the description of tables: who can change them, and how (content 1.4, 4.4)."""

from __future__ import annotations

import re

import pytest

from collectives.notes.models import Note
from tests.fixtures.rows import KITCHEN, change, end_membership
from tests.fixtures.surfaces import HTML, MARKDOWN, Caller, on
from tests.fixtures.world import make_token, token_client
from tests.tables.rows import (
    cells,
    lay,
    note_at,
    rest,
    result,
    row_id,
    table_at,
    updates,
)

NEW = {"Item": "Yeast", "Price": "2"}
FORM = ["", "Item", "Yeast", "Price", "2"]
ROW_ACTIONS = ["add_row", "update_row", "delete_row", "batch_table_update", "import_rows"]
COLUMN_ACTIONS = ["add_table_column", "remove_table_column", "update_table_description"]


def params_of(action: str, path: str) -> dict[str, object]:
    """Return parameters that would make an action change the table."""
    flour = row_id(path, "Flour")
    known: dict[str, dict[str, object]] = {
        "add_row": {"values": NEW},
        "update_row": {"row_id": flour, "values": {"Price": "4"}},
        "delete_row": {"row_id": flour},
        "batch_table_update": {"operations": [{"action": "delete_row", "row_id": flour}]},
        "import_rows": {"csv": "Item\nYeast\n"},
        "add_table_column": {"name": "Unit", "type": "text"},
        "remove_table_column": {"name": "Price"},
        "update_table_description": {"description": "Ours"},
        "query_rows": {},
        "summarize": {"operation": "count"},
    }
    return known[action]


# --- Rows -----------------------------------------------------------------------------------


@pytest.mark.rule("tables.rows")
@on(HTML, MARKDOWN)
def test_a_row_is_added_at_the_end(call, surface):
    path = lay()

    answer = call("bob").act("add_row", path, values=FORM if surface == HTML else NEW)

    answer.assert_done()
    row = table_at(path).rows[-1]
    assert (row["Item"], row["Price"]) == ("Yeast", "2")
    assert re.fullmatch("[0-9a-f]{8}", row["_id"] or "")
    assert row["_created_by"] == str(note_at(path).created_by_id)
    if surface == MARKDOWN:
        assert result(answer) == f"Row added (id: {row['_id']})"


@pytest.mark.rule("tables.rows")
def test_missing_values_are_null_and_unknown_columns_are_reported(world):
    path = lay()

    answer = Caller(MARKDOWN, "bob").act("add_row", path, values={"Item": "Yeast", "Colour": "x"})

    assert "Ignored values of unknown columns: 'Colour'." in answer.assert_done().text
    assert table_at(path).rows[-1]["Price"] is None
    assert "Colour" not in table_at(path).rows[-1]


@pytest.mark.rule("tables.rows")
@on(HTML, MARKDOWN)
def test_a_row_keeps_the_values_that_are_not_sent(call, surface):
    path = lay()
    values = ["", "Price", "4"] if surface == HTML else {"Price": 4}

    call("bob").act("update_row", path, row_id=row_id(path, "Flour"), values=values).assert_done()

    assert (cells(path), cells(path, "Price")) == (
        ["Flour", "Salt", "Saffron"],
        ["4", "12", None],
    )


@pytest.mark.rule("tables.rows")
@on(HTML, MARKDOWN)
def test_a_row_is_deleted(call):
    path = lay()

    call("bob").act("delete_row", path, row_id=row_id(path, "Salt")).assert_done()

    assert cells(path) == ["Flour", "Saffron"]


@pytest.mark.rule("tables.unknown-row")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("action", ["update_row", "delete_row"])
def test_an_unknown_row_is_refused(call, action):
    path = lay()
    more = {"values": FORM} if action == "update_row" else {}

    answer = call("bob").act(action, path, row_id="ffffffff", **more)

    answer.assert_refused(422)
    assert "Row 'ffffffff' not found" in answer.text.replace("&#x27;", "'")
    assert updates(path) == 0


@pytest.mark.rule("tables.one-event")
def test_a_change_adds_one_history_entry_by_the_person_who_made_it(world):
    path = lay(edit_access="members")

    Caller(MARKDOWN, "alice").act("add_row", path, values=NEW).assert_done()

    note = note_at(path)
    assert updates(path) == 1
    assert note.updated_by_id == world.user("alice").id
    assert note.updated_at > note.created_at


@pytest.mark.rule("tables.one-event")
def test_an_update_that_changes_nothing_adds_no_history_entry(world):
    path = lay()
    before = note_at(path).updated_at

    Caller(MARKDOWN, "bob").act(
        "update_row", path, row_id=row_id(path, "Flour"), values={"Price": 3}
    ).assert_done()

    assert (updates(path), note_at(path).updated_at) == (0, before)


# --- Who ------------------------------------------------------------------------------------


@pytest.mark.rule("tables.rows-by-owner")
@pytest.mark.parametrize("action", [*ROW_ACTIONS, *COLUMN_ACTIONS])
def test_by_default_only_the_author_changes_a_table(world, action):
    path = lay()
    params = params_of(action, path)
    before = table_at(path)

    Caller(MARKDOWN, "alice").act(action, path, **params).assert_refused(403)
    assert table_at(path) == before
    assert f"- name: {action}" not in Caller(MARKDOWN, "alice").get(path).text

    assert f"- name: {action}" in Caller(MARKDOWN, "bob").get(path).text
    Caller(MARKDOWN, "bob").act(action, path, **params).assert_done()
    assert table_at(path) != before


@pytest.mark.rule("tables.rows-by-members")
@pytest.mark.parametrize("action", ROW_ACTIONS)
@pytest.mark.parametrize("who", ["alice", "scout"])
def test_members_can_change_rows_if_the_author_allows_it(world, action, who):
    if who == "scout":
        change(world.agent("scout"), capability_names=["all"])
    path = lay(edit_access="members")
    before = table_at(path)

    Caller(MARKDOWN, who).act(action, path, **params_of(action, path)).assert_done()

    assert table_at(path) != before


@pytest.mark.rule("tables.columns-by-owner")
@pytest.mark.parametrize("action", COLUMN_ACTIONS)
def test_members_can_never_change_columns(world, action):
    path = lay(edit_access="members")
    before = table_at(path)

    Caller(MARKDOWN, "alice").act(action, path, **params_of(action, path)).assert_refused(403)

    assert table_at(path) == before


@pytest.mark.rule("tables.rows-by-members")
@pytest.mark.parametrize("action", [*ROW_ACTIONS, *COLUMN_ACTIONS, "query_rows", "summarize"])
def test_outsiders_and_former_members_can_neither_read_nor_change_a_table(world, action):
    path = lay(edit_access="members")
    params = params_of(action, path)
    before = table_at(path)
    end_membership(world, "alice")

    for who in ("carol", "alice"):
        Caller(MARKDOWN, who).act(action, path, **params).assert_refused(403)

    assert table_at(path) == before


@pytest.mark.rule("tables.edit-access")
@on(HTML, MARKDOWN)
def test_the_author_can_allow_members_to_edit_rows(call):
    path = lay()
    Caller(MARKDOWN, "alice").act("add_row", path, values=NEW).assert_refused(403)

    call("bob").act("update_note", path, edit_access="members").assert_done()

    Caller(MARKDOWN, "alice").act("add_row", path, values=NEW).assert_done()


@pytest.mark.rule("tables.capabilities")
@pytest.mark.parametrize("action", [*ROW_ACTIONS, *COLUMN_ACTIONS, "query_rows", "summarize"])
def test_an_agent_needs_the_capability_for_each_action(world, action):
    path = lay("scout")
    needed = "add_row" if action == "import_rows" else action
    params = params_of(action, path)
    agent = world.agent("scout")
    others = [*ROW_ACTIONS[:4], *COLUMN_ACTIONS, "query_rows", "summarize"]
    change(agent, capability_names=[name for name in others if name != needed])

    Caller(MARKDOWN, "scout").act(action, path, **params).assert_refused(403, f"'{needed}'")

    # Each operation of a batch also requires its own capability.
    more = ["delete_row"] if action == "batch_table_update" else []
    change(agent, capability_names=[needed, *more])
    Caller(MARKDOWN, "scout").act(action, path, **params).assert_done()


@pytest.mark.rule("tables.not-a-table")
@pytest.mark.parametrize("action", [*ROW_ACTIONS, *COLUMN_ACTIONS, "query_rows", "summarize"])
def test_a_note_without_a_table_refuses_every_action_of_tables(world, note_path, action):
    params = params_of(action, lay())

    answer = Caller(MARKDOWN, "bob").act(action, note_path("Knife care"), **params)

    answer.assert_refused(422, "Not a table note")
    page = Caller(MARKDOWN, "bob").get(note_path("Knife care")).text
    assert f"- name: {action}" not in page


@pytest.mark.rule("tables.deleted")
@pytest.mark.parametrize("action", ["add_row", "query_rows", "update_table_description"])
def test_a_deleted_table_is_gone_until_it_is_restored(world, action):
    path = lay()
    params = params_of(action, path)
    bob = Caller(MARKDOWN, "bob")
    bob.act("delete_note", path).assert_done()

    bob.act(action, path, **params).assert_refused(404)
    assert "Flour" not in bob.get(path).text
    assert bob.client.get(f"{path}.csv").status_code == 404

    bob.act("restore_note", path).assert_done()
    bob.act(action, path, **params).assert_done()


# --- Columns --------------------------------------------------------------------------------


@pytest.mark.rule("tables.columns")
@on(HTML, MARKDOWN)
def test_a_new_column_is_null_in_existing_rows(call):
    path = lay()

    call("bob").act("add_table_column", path, name="Unit", type="text").assert_done()

    assert table_at(path).names == ("Item", "Price", "Unit")
    assert cells(path, "Unit") == [None, None, None]


@pytest.mark.rule("tables.columns")
@on(HTML, MARKDOWN)
def test_a_column_is_removed_with_its_values(call):
    path = lay()

    call("bob").act("remove_table_column", path, name="Price").assert_done()

    assert table_at(path).names == ("Item",)
    assert all("Price" not in row for row in table_at(path).rows)
    assert "Price" not in note_at(path).text


@pytest.mark.rule("tables.columns")
def test_an_unknown_column_is_not_removed(world):
    path = lay()

    answer = Caller(MARKDOWN, "bob").act("remove_table_column", path, name="Colour")

    answer.assert_refused(422, "Column 'Colour' not found")


@pytest.mark.rule("tables.columns")
@pytest.mark.parametrize(
    ("name", "type_", "says"),
    [
        ("Price", "text", "unique"),
        ("", "text", "name is required"),
        ("_x", "text", "underscore"),
        ("a-b", "text", "invalid characters"),
        ("Unit", "money", "invalid column type"),
        ("Unit", "Text", "invalid column type"),
    ],
)
def test_an_invalid_column_is_not_added(world, name, type_, says):
    path = lay()

    answer = Caller(MARKDOWN, "bob").act("add_table_column", path, name=name, type=type_)

    answer.assert_invalid(says)
    assert table_at(path).names == ("Item", "Price")


@pytest.mark.rule("tables.description")
@on(HTML, MARKDOWN)
def test_the_description_is_changed_and_removed(call):
    path, bob = lay(), call("bob")

    bob.act("update_table_description", path, description="What we have.").assert_done()
    assert note_at(path).text.startswith("What we have.\n\n\n| Item |")

    bob.act("update_table_description", path, description="").assert_done()
    assert note_at(path).text.startswith("| Item |")


# --- Several at once ------------------------------------------------------------------------


@pytest.mark.rule("tables.batch")
def test_a_batch_applies_its_operations_in_order_as_one_change(world):
    path = lay()
    operations = [
        {"action": "add_table_column", "name": "Unit", "type": "text"},
        {"action": "add_row", "values": {"Item": "Yeast", "Unit": "g"}},
        {"action": "update_row", "row_id": row_id(path, "Flour"), "values": {"Unit": "kg"}},
        {"action": "delete_row", "row_id": row_id(path, "Salt")},
        {"action": "remove_table_column", "name": "Price"},
        {"action": "update_table_description", "description": "Ours"},
    ]

    answer = Caller(MARKDOWN, "bob").act("batch_table_update", path, operations=operations)

    assert result(answer.assert_done()) == "6 operations applied."
    assert (cells(path), cells(path, "Unit")) == (
        ["Flour", "Saffron", "Yeast"],
        ["kg", None, "g"],
    )
    assert table_at(path).description == "Ours"
    assert updates(path) == 1


@pytest.mark.rule("tables.batch")
@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ({"action": "zap"}, "Unknown operation 'zap'"),
        ({}, "Unknown operation ''"),
        ({"action": "delete_row", "row_id": "ffffffff"}, "Row 'ffffffff' not found"),
        ({"action": "add_row", "values": {"Item": "x" * 1001}}, "1000 characters"),
        ({"action": "add_row"}, "values"),
        ({"action": "add_table_column", "name": "Price", "type": "text"}, "unique"),
    ],
)
def test_a_batch_with_an_impossible_operation_changes_nothing(world, operation, says):
    path = lay()
    before = table_at(path)
    operations = [{"action": "add_row", "values": NEW}, operation]

    answer = Caller(MARKDOWN, "bob").act("batch_table_update", path, operations=operations)

    answer.assert_refused(422, says)
    assert (table_at(path), updates(path)) == (before, 0)


@pytest.mark.rule("tables.batch-permissions")
def test_a_member_cannot_change_columns_in_a_batch(world):
    path = lay(edit_access="members")
    before = table_at(path)
    operations = [
        {"action": "add_row", "values": NEW},
        {"action": "update_table_description", "description": "Mine"},
    ]

    answer = Caller(MARKDOWN, "alice").act("batch_table_update", path, operations=operations)

    answer.assert_refused(403, "Unauthorized: ")
    assert table_at(path) == before


@pytest.mark.rule("tables.batch-permissions")
def test_an_agent_needs_the_capability_for_each_operation(world):
    path = lay("scout")
    change(world.agent("scout"), capability_names=["batch_table_update", "add_row"])
    operations = [
        {"action": "add_row", "values": NEW},
        {"action": "delete_row", "row_id": row_id(path, "Salt")},
    ]

    answer = Caller(MARKDOWN, "scout").act("batch_table_update", path, operations=operations)

    answer.assert_refused(403, "Unauthorized: Your capabilities do not include 'delete_row'")
    assert "Yeast" not in cells(path)


@pytest.mark.meets("operations on a table at once")
@pytest.mark.rule("tables.batch")
def test_a_batch_has_at_most_a_thousand_operations(world):
    path = lay()
    operations = [{"action": "update_table_description", "description": "x"}] * 1001

    bob = Caller(MARKDOWN, "bob")
    bob.act("batch_table_update", path, operations=operations[:1000]).assert_done()
    bob.act("batch_table_update", path, operations=operations).assert_invalid("1000")


@pytest.mark.rule("tables.batch")
def test_the_json_of_a_batch_is_success_and_message(world):
    path = lay()
    url = f"{path}/actions/batch_table_update.json"
    operations = [{"action": "add_row", "values": NEW}]

    answer = rest().post(url, {"operations": operations}, "application/json")

    assert answer.json() == {"success": True, "message": "1 operations applied."}
    refused = rest().post(url, {"operations": [{"action": "zap"}]}, "application/json")
    assert (refused.status_code, refused.json()["error"]) == (422, "Unknown operation 'zap'")


# --- Tokens and forms -----------------------------------------------------------------------


@pytest.mark.rule("tables.read-only")
def test_a_read_only_token_can_read_a_table_but_not_change_it(world):
    path = lay()
    reader = token_client(make_token("bob", scopes=["read:all"]))

    def act(action: str, **params: object) -> int:
        url = f"{path}/actions/{action}"
        return int(reader.post(url, params, "application/json").status_code)

    assert act("query_rows") == act("summarize", operation="count") == 200
    for action in [*ROW_ACTIONS, *COLUMN_ACTIONS]:
        assert act(action, **params_of(action, path)) == 403
    page = reader.get(path, headers={"accept": "text/markdown"}).content.decode()
    assert re.findall("- name: (query_rows|summarize|add_row)\n", page) == [
        "query_rows",
        "summarize",
    ]


@pytest.mark.rule("tables.rows")
def test_a_refused_row_keeps_what_was_typed(world):
    path = lay()
    bob = Caller(HTML, "bob")

    added = bob.act("add_row", path, values=["", "Item", "x" * 1001, "Price", "from me"])
    changed = bob.act("update_row", path, row_id="ffffffff", values=["", "Item", "from me"])

    for answer in (added.assert_invalid(), changed.assert_refused(422)):
        assert 'value="from me"' in answer.text
    assert Note.unscoped.filter(text__contains="from me").count() == 0


@pytest.mark.rule("tables.rows")
def test_a_form_that_is_sent_twice_adds_one_row(world):
    path, bob = lay(), Caller(HTML, "bob")
    key = re.search(
        r'add_row" method.*?name="form_key" value="([^"]+)"', bob.get(path).text, re.DOTALL
    )
    assert key

    for _ in range(2):
        bob.act("add_row", path, values=FORM, form_key=key[1]).assert_done()

    assert cells(path).count("Yeast") == 1


@pytest.mark.rule("tables.rows")
def test_the_form_of_a_row_has_its_values_and_keeps_line_breaks(world):
    path = lay(initial_rows=[{"Item": "two\nlines", "Price": "3"}])
    row = row_id(path, "two\nlines")

    page = Caller(HTML, "bob").get(f"{path}/actions/update_row?row_id={row}").text

    assert re.search(r'<textarea[^>]*name="values">\ntwo\nlines</textarea>', page)
    assert 'name="values" value="3"' in page
    assert f'name="row_id" value="{row}"' in page


@pytest.mark.rule("tables.not-a-table")
def test_the_pages_of_actions_open_for_notes_without_a_table(world, note_path):
    bob = Caller(HTML, "bob")

    for action in [*ROW_ACTIONS, *COLUMN_ACTIONS, "query_rows", "summarize"]:
        path = f"{note_path('Knife care')}/actions/{action}?row_id=x&name=x&values=x&where=["
        assert bob.get(path).status == 200
    assert KITCHEN in note_path("Knife care")
