"""Prepared querysets: compiled once, executed with new parameters.

Compiling a queryset with several joins takes many times as long as its execution, so the queries of
hot pages are prepared. All others use the plain ORM.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast, overload
from uuid import UUID
from zlib import crc32

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models import QuerySet
from django.db.models.base import ModelState
from django.db.models.sql import InsertQuery, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler, SQLInsertCompiler

from harmonic.kernel.database.tenancy import (
    ForeignTenant,
    TenantModel,
    bound_tenant_id,
    tenant_bound,
)

Scalar = str | int | UUID | datetime | date
QueryValue = Scalar | tuple[Scalar, ...]
Values = QuerySet[Any, tuple[Any, ...]]
RawRow = tuple[Any, ...]
# The name and the type of a parameter, and the number of values if it is a tuple.
_Kind = tuple[str, type[Scalar], int]
# The name and the number of a value, or `_ALWAYS` for a constant.
_Slot = tuple[str, int]

T = TypeVar("T")
M = TypeVar("M", bound=models.Model)
R = TypeVar("R", bound=TenantModel)

_ALWAYS: _Slot = ("", 0)
_BOUND: _Slot = ("<tenant>", 0)
# The sample value of the bound tenant, by which the managers filter a queryset.
_TENANT = uuid.uuid5(uuid.NAMESPACE_OID, "the bound tenant")
_UUID_FIELD = models.UUIDField()
_MOMENT_FIELD = models.DateTimeField()
_DAY_FIELD = models.DateField()
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Statement:
    """SQL with the values of its placeholders and the converters of its columns."""

    sql: str
    slots: tuple[tuple[_Slot, Any], ...]
    converters: Mapping[int, tuple[list[Callable[..., Any]], Any]]

    def converted(self, row: RawRow) -> RawRow:
        values = list(row)
        # The connection behind the proxy, whose attributes the converters read for each value.
        database = connections[DEFAULT_DB_ALIAS]
        for position, (converters, expression) in self.converters.items():
            for convert in converters:
                values[position] = convert(values[position], expression, database)
        return tuple(values)


class Rows(Sequence[T]):
    """The rows of a result; `raw` are those of the database, which become objects on access."""

    def __init__(
        self, raw: list[RawRow], statement: _Statement, make: Callable[[RawRow], T]
    ) -> None:
        self.raw = raw
        self._statement = statement
        self._make = make

    def __len__(self) -> int:
        return len(self.raw)

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> Rows[T]: ...

    def __getitem__(self, at: int | slice) -> T | Rows[T]:
        if isinstance(at, slice):
            return Rows(self.raw[at], self._statement, self._make)
        return self._make(self._statement.converted(self.raw[at]))


class Prepared(Generic[T]):
    """A prepared `values_list` queryset; `make` makes an object from a row.

    `build` returns the queryset for a variant, which is compiled in, and parameters, whose values
    must be in it unchanged: compared, not transformed. The bound tenant is always a parameter. A
    tuple is for `__in` and must not be empty. `lock` is the locking clause for databases that lock
    rows, since `values_list` cannot name the tables of `select_for_update`.
    """

    MAX_STATEMENTS = 256

    def __init__(
        self, build: Callable[..., Values], make: Callable[[RawRow], T], lock: str = ""
    ) -> None:
        self._build = build
        self._make = make
        self._lock = lock
        self._statement = lru_cache(self.MAX_STATEMENTS)(self._compiled)

    def first(self, *variant: Hashable, **parameters: QueryValue) -> T | None:
        """Return the first row for these parameters, or None."""
        statement, values = self._bound(variant, parameters)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, values)
            found = cursor.fetchone()
        return None if found is None else self._make(statement.converted(found))

    def rows(self, *variant: Hashable, **parameters: QueryValue) -> Rows[T]:
        """Return every row for these parameters."""
        statement, values = self._bound(variant, parameters)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, values)
            return Rows(cursor.fetchall(), statement, self._make)

    def _bound(
        self, variant: tuple[Hashable, ...], parameters: Mapping[str, QueryValue]
    ) -> tuple[_Statement, list[Any]]:
        given = {name: _padded(value) for name, value in parameters.items()}
        kinds = tuple(
            (name, type(values[0]), len(values) if isinstance(parameters[name], tuple) else 0)
            for name, values in given.items()
        )
        statement = self._statement(connection.vendor, variant, kinds)
        return statement, [_value(slot, given, always) for slot, always in statement.slots]

    def _compiled(
        self, vendor: str, variant: tuple[Hashable, ...], kinds: tuple[_Kind, ...]
    ) -> _Statement:
        """Compile the queryset of a variant with sample values and find their placeholders."""
        samples = {name: _samples(name, kind, count or 1) for name, kind, count in kinds}
        given = {name: samples[name] if count else samples[name][0] for name, _, count in kinds}
        with tenant_bound(_TENANT):
            compiler = self._compiler(*variant, **given)
            sql, values = compiler.as_sql()
        slots = {_adapted(v): (name, n) for name in samples for n, v in enumerate(samples[name])}
        assert slots.keys() <= set(values), "a parameter is not in the statement as it is"
        slots[_adapted(_TENANT)] = _BOUND
        columns = [expression for expression, *_ in compiler.select or ()]
        locks_rows = self._lock and connection.features.has_select_for_update
        return _Statement(
            f"{sql} {self._lock}" if locks_rows else sql,
            tuple((slots.get(value, _ALWAYS), value) for value in values),
            compiler.get_converters(columns),
        )

    def _compiler(self, *variant: Hashable, **given: QueryValue) -> SQLCompiler:
        compiler: SQLCompiler = self._build(*variant, **given).query.get_compiler(
            connection=connection
        )
        return compiler


class PreparedUpdate(Prepared[Any]):
    """A prepared update.

    `build` returns the queryset of the rows, `change` the new values by field, from the same
    parameters.
    """

    def __init__(
        self, build: Callable[..., QuerySet[Any]], change: Callable[..., Mapping[str, Any]]
    ) -> None:
        super().__init__(build, tuple)
        self._change = change

    def run(self, **parameters: QueryValue) -> int:
        """Update the rows for these parameters and return their number."""
        statement, values = self._bound((), parameters)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, values)
            return int(cursor.rowcount)

    def _compiler(self, *variant: Hashable, **given: QueryValue) -> SQLCompiler:
        query = cast(UpdateQuery, self._build(**given).query.chain(UpdateQuery))
        query.add_update_values(dict(self._change(**given)))
        compiler: SQLCompiler = query.get_compiler(connection=connection)
        return compiler


class PreparedInsert(Generic[R]):
    """A prepared insert of one row of a model without parents. No signals are sent."""

    def __init__(self, model: type[R]) -> None:
        self._model = model
        self._fields = model._meta.local_concrete_fields
        self._sql = lru_cache(self._compiled)

    def run(self, row: R) -> None:
        """Insert a row.

        Raises:
            ForeignTenant: the row is not of the bound tenant.
        """
        if row.tenant_id != bound_tenant_id():
            raise ForeignTenant(f"{self._model.__name__} of another tenant.")
        values = [
            field.get_db_prep_save(getattr(row, field.attname), connection)
            for field in self._fields
        ]
        with connection.cursor() as cursor:
            cursor.execute(self._sql(connection.vendor), values)

    def _compiled(self, vendor: str) -> str:
        query = InsertQuery(self._model)
        query.insert_values(self._fields, [self._model()])
        compiler: SQLInsertCompiler = query.get_compiler(connection=connection)
        ((sql, _),) = compiler.as_sql()
        return sql


def of_model(
    model: type[M],
    build: Callable[..., QuerySet[M]],
    annotated: Iterable[str] = (),
    lock: str = "",
) -> Prepared[M]:
    """Return a prepared queryset of a model's instances with the annotations of `build`.

    With `lock`, the rows stay locked until the end of the transaction (see `Prepared`).
    """
    columns = [column.attname for column in model._meta.concrete_fields]
    # The key of a model that extends another model is that of its parent, so it is read once.
    link = columns.index(model._meta.pk.attname) if model._meta.parents else 0
    origin = columns.index("id") if link else 0
    read = [*columns[:link], *columns[link + 1 :]] if link else columns
    names = tuple(annotated)
    attributes = (*columns, *names)

    def values(*variant: Hashable, **parameters: QueryValue) -> Values:
        return build(*variant, **parameters).values_list(*read, *names)

    def make(row: RawRow) -> M:
        whole = (*row[:link], row[origin], *row[link:]) if link else row
        # As `Model.from_db`, but without signals and descriptors, which take a third of the time
        # of a row.
        made = model.__new__(model)
        made._state = ModelState()
        made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
        made.__dict__.update(zip(attributes, whole, strict=True))
        return made

    return Prepared(values, make, lock)


def _padded(value: QueryValue) -> tuple[Scalar, ...]:
    """Return the values of a parameter; tuples are padded to a power of two."""
    if not isinstance(value, tuple):
        return (value,)
    length = 1 << (len(value) - 1).bit_length()
    return value + value[-1:] * (length - len(value))


def _value(slot: _Slot, given: Mapping[str, tuple[Scalar, ...]], always: Any) -> Any:
    if slot is _ALWAYS:
        return always
    if slot is _BOUND:
        return _adapted(bound_tenant_id())
    name, number = slot
    return _adapted(given[name][number])


def _samples(name: str, kind: type[Scalar], count: int) -> tuple[Scalar, ...]:
    return tuple(_sample(f"{name} {number}", kind) for number in range(count))


def _sample(name: str, kind: type[Scalar]) -> Scalar:
    if issubclass(kind, UUID):
        return uuid.uuid5(uuid.NAMESPACE_OID, name)
    if issubclass(kind, datetime):
        return _LONG_AGO + timedelta(microseconds=crc32(name.encode()))
    if issubclass(kind, date):
        return _LONG_AGO.date() + timedelta(days=crc32(name.encode()) % 20_000)
    if issubclass(kind, int):
        return crc32(name.encode()) >> 2
    return f"\x00{name}\x00"


def _adapted(value: Scalar) -> Any:
    if isinstance(value, UUID):
        return _UUID_FIELD.get_db_prep_value(value, connection)
    if isinstance(value, datetime):
        return _MOMENT_FIELD.get_db_prep_value(value, connection)
    if isinstance(value, date):
        return _DAY_FIELD.get_db_prep_value(value, connection)
    return value
