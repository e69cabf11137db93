"""Queries that are asked so often that putting their SQL together each time would cost the most."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet, Value
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class _Given:
    """Stands in the parameters where a value of a later call belongs."""

    position: int


@dataclass(frozen=True, slots=True)
class _Statement(Generic[Row]):
    """SQL with its parameters, and the way from the database's values to the row's object."""

    sql: str
    parameters: tuple[Any, ...]
    make: Callable[[tuple[Any, ...]], Row]


class Prepared(Generic[Row]):
    """A query for one row. Its SQL is put together once, its values are given with each call.

    `query` makes it of as many placeholders as it has arguments; `select_related` and `annotate` work
    as ever. Values are strings and whole numbers, which the driver takes as they are.
    """

    def __init__(self, query: Callable[..., QuerySet[Row]]) -> None:
        self._query = query
        self._of_thread = threading.local()  # for it belongs to a connection, as those do

    def first(self, *values: str | int) -> Row | None:
        """The first row for these values, if there is one."""
        statement = self._statement()
        given = [
            values[each.position] if isinstance(each, _Given) else each
            for each in statement.parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, given)
            found = cursor.fetchone()
        return None if found is None else statement.make(found)

    def _statement(self) -> _Statement[Row]:
        try:
            statement: _Statement[Row] = self._of_thread.statement
        except AttributeError:
            statement = self._of_thread.statement = self._put_together()
        return statement

    def _put_together(self) -> _Statement[Row]:
        count = len(signature(self._query).parameters)
        rows = self._query(*(Value(_Given(position)) for position in range(count)))
        compiler: Any = rows[:1].query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        return _Statement(str(sql), tuple(parameters), _maker(compiler))


def _maker(compiler: Any) -> Callable[[tuple[Any, ...]], Any]:
    """What `ModelIterable` does with each row of a compiled query."""
    kind, alias = compiler.klass_info, DEFAULT_DB_ALIAS
    columns = slice(kind["select_fields"][0], kind["select_fields"][-1] + 1)
    names = [column[0].target.attname for column in compiler.select[columns]]
    converters = compiler.get_converters([column[0] for column in compiler.select])
    related = get_related_populators(kind, compiler.select, alias)

    def make(found: tuple[Any, ...]) -> Any:
        values = list(found)
        for place, (conversions, column) in converters.items():
            for convert in conversions:
                values[place] = convert(values[place], column, connection)
        row = kind["model"].from_db(alias, names, values[columns])
        for populator in related:
            populator.populate(values, row)
        for name, place in compiler.annotation_col_map.items():
            setattr(row, name, values[place])
        return row

    return make
