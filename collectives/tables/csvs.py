"""Tables as CSV (RFC 4180).

Spreadsheets run a cell as a formula if it begins with `=`, `+`, `-`, `@`, a tab or a carriage
return. Unless it is a number, such a cell is written with an apostrophe in front, which reading
removes.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from collectives.tables.table import Row
from harmonic.kernel.refusals import Invalid, Problem

CONTENT_TYPE = "text/csv; charset=utf-8"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def write_csv(names: Sequence[str], rows: Sequence[Row]) -> str:
    """Return rows as CSV, with the column names in the first line."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([_guarded(row.get(name) or "") for name in names] for row in rows)
    return out.getvalue()


def _guarded(cell: str) -> str:
    is_formula = _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def read_csv(text: str, param: str) -> tuple[list[str], list[dict[str, str | None]]]:
    """Return the column names in the first line, and the rows below it. Empty cells are None.

    Raises:
        Invalid: the text is not CSV, or a line has more cells than the first one.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: list[dict[str, str | None]] = []
    names: list[str] = []
    try:
        for line in reader:
            if not line:
                continue
            if not names:
                names = _names(line, param)
                continue
            if len(line) > len(names):
                where = f"has more values in line {reader.line_num} than column names"
                raise Invalid(Problem(param, where))
            rows.append(dict(zip(names, map(_read, line), strict=False)))
    except csv.Error as error:
        sentence = f"is not valid CSV in line {reader.line_num}"
        raise Invalid(Problem(param, sentence)) from error
    if not names:
        raise Invalid.of(param, "blank")
    return names, rows


def _names(line: Sequence[str], param: str) -> list[str]:
    names = [name.strip() for name in line]
    if len(set(names)) < len(names):
        raise Invalid(Problem(param, "has the same column name twice in its first line"))
    return names


def _read(cell: str) -> str | None:
    return (cell[1:] if _GUARDED.match(cell) else cell) or None
