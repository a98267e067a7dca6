"""Limits of table notes and reminders."""

from __future__ import annotations

from collectives.reminders import due
from collectives.reminders import showing as reminders
from collectives.reminders.models import Reminder
from collectives.tables import showing, table
from collectives.tables.fields import MAX_OPERATIONS
from harmonic.site.bounds.bound import Bound, Section

TABLES = Section(
    "Table notes",
    (
        Bound("columns of a table", table.MAX_COLUMNS, "columns", "422 `limit_reached`"),
        Bound("rows of a table", table.MAX_ROWS, "rows", "422 `limit_reached`"),
        Bound("a cell of a table", table.CELL_LENGTH, "characters", "422 `invalid`"),
        Bound("name of a column", table.NAME_LENGTH, "characters", "422 `invalid`"),
        Bound("text above a table", table.DESCRIPTION_LENGTH, "characters", "422 `invalid`"),
        Bound("a table", table.MAX_BYTES, "bytes", "422 `limit_reached`"),
        Bound("operations on a table at once", MAX_OPERATIONS, "operations", "422 `invalid`"),
        Bound("rows of a table on its page", showing.PAGE, "rows", "further pages"),
        Bound("rows that a query returns", table.MAX_ROWS, "rows", "`offset` returns the others"),
    ),
)
REMINDERS = Section(
    "Reminders",
    (
        Bound(
            "scheduled reminders of a person",
            Reminder.MAX_SCHEDULED,
            "reminders",
            "422 `limit_reached`",
        ),
        Bound(
            "reminders of a person in an hour",
            Reminder.MAX_PER_HOUR,
            "reminders",
            "422 `limit_reached`",
        ),
        Bound(
            "reminders of a person in a minute",
            due.PER_MINUTE,
            "reminders",
            "the others are delivered later",
        ),
        Bound(
            "reminders that one run delivers", due.PER_RUN, "recipients", "the next run continues"
        ),
        Bound(
            "people named on the page of a reminder",
            reminders.NAMED,
            "people",
            "the others are counted",
        ),
    ),
)
