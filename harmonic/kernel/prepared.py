"""A queryset compiled once and executed with new parameters.

Building SQL from a queryset of several joins costs many times what the database does with
it. The few queries that every request runs go through here; everything else is plain ORM.
A compiled statement carries its tenant as a parameter: no manager watches over it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler

Parameter = str | UUID
_UUID_FIELD = models.UUIDField()
_prepared: list[Prepared] = []


@dataclass(frozen=True, slots=True)
class _Statement:
    """SQL, the value or parameter name at each placeholder, and the columns' converters."""

    sql: str
    slots: tuple[tuple[str, Any], ...]
    converters: Mapping[int, tuple[list[Callable[..., Any]], Any]]


class Prepared:
    """The first row of a `values_list` queryset, whose parameters change.

    `build` makes the queryset from the parameters, whose names and types `types` tells.
    Their values must stand in it as they are: compared, not transformed.
    """

    def __init__(
        self, build: Callable[..., QuerySet[Any, tuple[Any, ...]]], **types: type[Parameter]
    ) -> None:
        self.build = build
        self.types = types
        self._statements: dict[str, _Statement] = {}
        _prepared.append(self)

    def row(self, **parameters: Parameter) -> tuple[Any, ...] | None:
        """Return the first row for these parameters, in Python types, or None."""
        statement = self._statements.get(connection.vendor) or self._compile()
        values = [_adapted(parameters[name]) if name else value for name, value in statement.slots]
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, values)
            found = cursor.fetchone()
        return None if found is None else _converted(found, statement)

    def _compile(self) -> _Statement:
        samples = {name: _sample(name, kind) for name, kind in self.types.items()}
        compiler: SQLCompiler = self.build(**samples)[:1].query.get_compiler(connection=connection)
        sql, values = compiler.as_sql()
        named = {_adapted(sample): name for name, sample in samples.items()}
        slots = tuple((named.get(value, ""), value) for value in values)
        columns = [expression for expression, *_ in compiler.select]
        statement = _Statement(sql, slots, compiler.get_converters(columns))
        self._statements[connection.vendor] = statement
        return statement


def registered() -> list[Prepared]:
    """Return every compiled statement there is, for the test that enumerates them."""
    return list(_prepared)


def _sample(name: str, kind: type[Parameter]) -> Parameter:
    if kind is UUID:
        return uuid.uuid5(uuid.NAMESPACE_OID, name)
    return f"\x00{name}\x00"


def _adapted(value: Parameter) -> Any:
    if isinstance(value, UUID):
        return _UUID_FIELD.get_db_prep_value(value, connection)
    return value


def _converted(row: tuple[Any, ...], statement: _Statement) -> tuple[Any, ...]:
    values = list(row)
    for position, (converters, expression) in statement.converters.items():
        for convert in converters:
            values[position] = convert(values[position], expression, connection)
    return tuple(values)
