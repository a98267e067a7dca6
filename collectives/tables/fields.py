"""Parameters of tables: objects and lists of objects.

Programs send JSON, or text that contains JSON. Forms send text, or pairs of names and values
(`Cells`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from collectives.tables.csvs import read_csv
from collectives.tables.table import TYPES, Column, new_column
from harmonic.kernel.parameters.fields import Parameter, pairs
from harmonic.kernel.refusals import Invalid, Problem
from harmonic.kernel.rendering.text import normalise_line

MAX_OPERATIONS = 1_000


class _Structure(Parameter, serializers.ListField):
    """A JSON value. Text from a form arrives as a list with one string."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_an_object": "",
        "not_objects": "",
        "parameter_required": "",
    }
    child = serializers.Field[Any, Any, Any, Any]()

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, serializers.empty)

    def parsed(self, data: Any) -> Any:
        """Return the value, parsed if it is JSON text, or None if it is blank."""
        if isinstance(data, list) and len(data) == 1 and isinstance(data[0], str):
            data = data[0]
        if not isinstance(data, str):
            return data
        try:
            return json.loads(data) if data.strip() else None
        except (ValueError, RecursionError):
            return data


class Object(_Structure):
    """An object with values of any type."""

    wire_type: ClassVar[str] = "object"
    value_type: ClassVar[object] = Mapping[str, Any]

    def to_internal_value(self, data: Any) -> Any:
        value = self.parsed(data)
        if value is None and not self.required:
            return {}
        if not isinstance(value, Mapping):
            self.fail("parameter_required" if value is None else "not_an_object")
        return dict(value)


class Cells(Object):
    """The values of a row by column. A form sends each column's name before its value."""

    def to_internal_value(self, data: Any) -> Any:
        sent = pairs(data)
        return super().to_internal_value(data if sent is None else sent)


class Columns(_Structure):
    """The columns of a new table; a form sends one on each line: `Price: number`."""

    wire_type: ClassVar[str] = "array"
    value_type: ClassVar[object] = list[Column]

    def to_internal_value(self, data: Any) -> Any:
        value = self.parsed(data)
        if isinstance(value, str):
            value = [_from_line(line) for line in value.splitlines() if line.strip()]
        if value is None:
            self.fail("parameter_required")
        if not isinstance(value, list):
            self.fail("not_a_list", input_type=type(value).__name__)
        named = [_from_line(each) if isinstance(each, str) else each for each in value]
        if not all(isinstance(each, Mapping) for each in named):
            self.fail("not_objects")
        found = [(_text(each.get("name")), _text(each.get("type"))) for each in named]
        return [new_column(name, type_ or TYPES[0], "columns") for name, type_ in found if name]


def _from_line(line: str) -> dict[str, str]:
    name, _, type_ = line.partition(":")
    return {"name": name, "type": type_.lower()}


def _text(value: object) -> str:
    return normalise_line("" if value is None else str(value))


class Rows(_Structure):
    """The rows of a new table: objects, or CSV with the column names in its first line."""

    wire_type: ClassVar[str] = "array"
    value_type: ClassVar[object] = list[Mapping[str, Any]]

    def to_internal_value(self, data: Any) -> Any:
        value = self.parsed(data)
        if value is None:
            return []
        if isinstance(value, str) and not value.lstrip().startswith("["):
            return read_csv(value, "initial_rows")[1]
        if not isinstance(value, list):
            self.fail("not_a_list", input_type=type(value).__name__)
        if not all(isinstance(each, Mapping) for each in value):
            self.fail("not_objects")
        return value


class Operations(_Structure):
    """Operations on a table: objects with `action` and the parameters of that action."""

    wire_type: ClassVar[str] = "array"
    value_type: ClassVar[object] = list[Mapping[str, Any]]

    def to_internal_value(self, data: Any) -> Any:
        value = self.parsed(data)
        if value is None or value == []:
            self.fail("parameter_required")
        if not isinstance(value, list):
            self.fail("not_a_list", input_type=type(value).__name__)
        if not all(isinstance(each, Mapping) for each in value):
            self.fail("not_objects")
        if len(value) > MAX_OPERATIONS:
            raise Invalid(Problem(self.field_name or "", "too_many", {"limit": MAX_OPERATIONS}))
        return value
