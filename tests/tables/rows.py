"""Helpers to create and read table notes."""

from __future__ import annotations

from typing import Any

from collectives.events.models import Event
from collectives.notes.models import Note
from collectives.tables.models import TableData
from collectives.tables.table import Table
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import MARKDOWN, REST, Answer, Caller

COLUMNS = [{"name": "Item", "type": "text"}, {"name": "Price", "type": "number"}]
ROWS = [
    {"Item": "Flour", "Price": 3},
    {"Item": "Salt", "Price": "12"},
    {"Item": "Saffron", "Price": None},
]


def lay(by: str = "bob", where: str = KITCHEN, **params: Any) -> str:
    """Create a table note and return the path of its page."""
    sent = {"title": "Stock", "columns": COLUMNS, "initial_rows": ROWS, **params}
    Caller(MARKDOWN, by).act("create_table_note", where, **sent).assert_done()
    newest: Note = Note.unscoped.filter(subtype="table").latest("created_at")
    return f"{where}/n/{newest.truncated_id}"


def note_at(path: str) -> Note:
    note: Note = Note.unscoped.get(truncated_id=path.rpartition("/")[2])
    return note


def table_at(path: str) -> Table:
    return TableData.unscoped.get(note=note_at(path)).table


def cells(path: str, column: str = "Item") -> list[str | None]:
    return [row[column] for row in table_at(path).rows]


def row_id(path: str, item: str) -> str:
    """Return the ID of the row with this item."""
    found = next(row["_id"] for row in table_at(path).rows if row["Item"] == item)
    assert found is not None
    return found


def updates(path: str) -> int:
    """Return the number of changes in the history of a note."""
    return int(Event.unscoped.filter(item=note_at(path), verb="updated").count())


def result(answer: Answer) -> str:
    """Return the result of an action with its text."""
    return answer.text.partition("## Result")[2].partition("## Next")[0].strip()


def asked(path: str, action: str, by: str = "alice", **params: Any) -> str:
    """Run a reading action and return its result."""
    return result(Caller(MARKDOWN, by).act(action, path, **params).assert_done())


def api(path: str, below: str = "") -> str:
    """Return the REST path of a note, or of something below it."""
    place, _, note_id = path.partition("/n/")
    return f"{place}/api/v1/notes/{note_id}{below}"


def rest(by: str = "bob") -> Any:
    return Caller(REST, by).client
