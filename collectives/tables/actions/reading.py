"""Actions that read a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from collectives.items import rules as items
from collectives.items.actions import done
from collectives.notes.models import Note
from collectives.tables import params, rules
from collectives.tables.authors import author_for
from collectives.tables.reading import ASC, find_rows, summarize
from collectives.tables.table import MAX_ROWS, ROW_ID, as_text, markdown_table
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.capabilities import usual
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.refusals import Proof
from harmonic.kernel.scopes import Scope


def _as_texts(where: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a filter as text, with null as empty text."""
    return {str(name): as_text(value) or "" for name, value in where.items()}


def query(
    access: Access,
    note: Note,
    *,
    where: Mapping[str, Any] | None = None,
    order_by: str = "",
    order: str = ASC,
    limit: int = params.QUERY_LIMIT,
    offset: int = 0,
) -> Outcome:
    """Find rows; the text of the outcome lists them with their IDs."""
    data = rules.data_of(note)
    found = find_rows(
        data.table,
        _as_texts(where or {}),
        order_by=order_by,
        order=order,
        limit=min(max(limit, 1), MAX_ROWS),
        offset=max(offset, 0),
    )
    shown = f"{found.total} rows match (showing {len(found.rows)}):"
    names = (ROW_ID, *data.table.names)
    return replace(
        done(access, note, shown),
        text=markdown_table(names, found.rows),
        author=author_for(access, note, data),
        data={"total": found.total, "rows": [dict(row) for row in found.rows]},
    )


def _summarize(
    access: Access,
    note: Note,
    *,
    operation: str,
    column: str = "",
    where: Mapping[str, Any] | None = None,
) -> Outcome:
    table = rules.data_of(note).table
    value = summarize(table, operation, column, _as_texts(where or {}))
    shown = "null" if value is None else value
    return replace(done(access, note, f"{operation} = {shown}"), data={"value": value})


def _reading(
    name: str, sentence: str, label: str, takes: type[Params], effect: Callable[..., Outcome]
) -> Action[Note]:
    """Return an action that reads a table."""
    return Action(
        name=name,
        sentence=sentence,
        label=label,
        scope=Scope("read:notes"),
        grant=usual(params.GROUP),
        proof=Proof.NONE,
        changes_access=False,
        emits="",
        params=takes,
        policy=items.may_read,
        is_offered=rules.has_table,
        effect=effect,
    )


query_rows = _reading(
    "query_rows",
    "Find and sort rows of this table by their values.",
    "Find rows",
    params.QueryParams,
    query,
)
summarize_rows = _reading(
    "summarize",
    "Count the rows of this table, or compute a sum, average, minimum or maximum.",
    "Summarize",
    params.SummaryParams,
    _summarize,
)

READS: tuple[Action[Note], ...] = (query_rows, summarize_rows)
