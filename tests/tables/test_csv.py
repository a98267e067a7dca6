"""Tables as CSV: download, import, and formulas (content 25.7)."""

from __future__ import annotations

import csv
import io

import pytest

from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on
from tests.tables.rows import api, cells, lay, rest, updates


@pytest.mark.rule("tables.csv")
@on(HTML, MARKDOWN, REST)
def test_everyone_who_can_read_a_table_can_download_it(call):
    path = lay()

    response = call("alice").get(f"{path}.csv").response

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["Content-Disposition"]
    assert response.content.decode() == "Item,Price\r\nFlour,3\r\nSalt,12\r\nSaffron,\r\n"


@pytest.mark.rule("tables.csv")
@on(HTML, MARKDOWN, REST)
def test_a_file_is_not_found_or_refused_like_the_note(call, surface, note_path):
    path = lay()

    call("carol").get(f"{path}.csv").assert_refused(302 if surface == HTML else 403)
    call("alice").get(f"{note_path('Knife care')}.csv").assert_refused(404)


@pytest.mark.rule("tables.csv")
def test_the_api_sends_csv_to_a_client_that_prefers_it(world):
    path = lay()

    def accepted(accept: str) -> str:
        answer = rest().get(api(path), headers={"accept": accept})
        assert answer.status_code == 200
        return str(answer.headers["Content-Type"].partition(";")[0])

    assert accepted("text/csv") == "text/csv"
    assert accepted("application/json, text/csv;q=0.5") == "application/json"
    assert accepted("*/*") == "application/json"


@pytest.mark.rule("tables.csv-formulas")
@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 123", "'+49 30 123"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("-5", "-5"),
        ("+1.5", "+1.5"),
        ("'=1", "''=1"),
        ("it's", "it's"),
        ("a=b", "a=b"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_treat_as_a_formula_is_written_as_text(
    world, cell, written
):
    path = lay(initial_rows=[{"Item": cell, "Price": "1"}])

    body = rest().get(f"{path}.csv").content.decode()

    assert list(csv.reader(io.StringIO(body, newline="")))[1] == [written, "1"]


@pytest.mark.rule("tables.csv-import")
@on(HTML, MARKDOWN)
def test_rows_are_imported_by_the_names_in_the_first_line(call):
    path = lay()
    text = '\ufeffPrice,Item\r\n2,"Yeast, dry"\r\n\r\n,\'=1+1\r\n5\r\n'

    answer = call("bob").act("import_rows", path, csv=text)

    answer.assert_done()
    assert cells(path)[3:] == ["Yeast, dry", "=1+1", None]
    assert cells(path, "Price")[3:] == ["2", None, "5"]
    assert updates(path) == 1


@pytest.mark.rule("tables.csv-import")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Item,Colour\nx,red\n", "'Colour'"),
        ("Item,Item\nx,y\n", "twice"),
        ("Item\nx,y\n", "line 2"),
        ('Item\n"x', "not valid CSV"),
        ("\n\n", "csv is required"),
        ("", "csv is required"),
        ("Item\n" + "x" * 1001, "1000 characters"),
        ("Item\n" + "x" * 200_000, "not valid CSV"),
        ("Item\n" + "x\n" * 498, "cannot have more than 500 rows"),
    ],
)
def test_csv_that_does_not_match_the_table_changes_nothing(world, text, says):
    path = lay()

    Caller(MARKDOWN, "bob").act("import_rows", path, csv=text).assert_refused(422, says)

    assert (len(cells(path)), updates(path)) == (3, 0)


@pytest.mark.rule("tables.csv-import")
def test_a_downloaded_file_can_be_imported_again(world):
    rows = [{"Item": "=1", "Price": "'+x"}, {"Item": 'a "b", c\nd', "Price": "3"}]
    path, other = lay(initial_rows=rows), lay(initial_rows=[])
    body = rest().get(f"{path}.csv").content.decode()

    Caller(MARKDOWN, "bob").act("import_rows", other, csv=body).assert_done()

    assert cells(other) == cells(path)
    assert cells(other, "Price") == cells(path, "Price")
