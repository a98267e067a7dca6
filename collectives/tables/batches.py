"""Several operations on a table, applied together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collectives.notes.models import Note
from collectives.tables import rules
from collectives.tables.table import (
    Table,
    new_column,
    with_column,
    with_description,
    with_values,
    without_column,
    without_row,
)
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.refusals import Forbidden, NotPossible


@dataclass(frozen=True, slots=True)
class Batch:
    """A caller's operations on a table; `actions` has the possible actions by name.

    Each operation requires the permissions and the parameters of its action.
    """

    access: Access
    note: Note
    actions: Mapping[str, Action[Note]]

    def applied(self, table: Table, operations: Sequence[Mapping[str, Any]]) -> Table:
        """Return the table after all operations.

        Raises:
            Refused: an operation is unknown, not permitted or not possible.
        """
        for name in dict.fromkeys(self._name(each) for each in operations):
            self._require(name)
        for operation in operations:
            table = self._after(table, operation)
        return table

    def _name(self, operation: Mapping[str, Any]) -> str:
        name = operation.get("action")
        if not isinstance(name, str) or name not in self.actions:
            shown = name if isinstance(name, str) else ""
            hint = f"Operations: {', '.join(self.actions)}."
            raise NotPossible(f"Unknown operation '{shown[:80]}'", hint=hint)
        return name

    def _require(self, name: str) -> None:
        if denied := self.actions[name].denied(self.access, self.note):
            reason = denied.reason or f"only the author of the table can perform '{name}'"
            raise Forbidden(f"Unauthorized: {reason}", hint=denied.hint)

    def _after(self, table: Table, operation: Mapping[str, Any]) -> Table:
        name = operation["action"]
        given = {key: value for key, value in operation.items() if key != "action"}
        params = validated(self.actions[name].params, RawParams(given))
        match name:
            case "add_row":
                return rules.new_rows(self.access, table, [params["values"]])
            case "update_row":
                return with_values(table, params["row_id"], params["values"])
            case "delete_row":
                return without_row(table, params["row_id"])
            case "add_table_column":
                return with_column(table, new_column(params["name"], params["type"]))
            case "remove_table_column":
                return without_column(table, params["name"])
            case _:
                return with_description(table, params["description"] or "")
