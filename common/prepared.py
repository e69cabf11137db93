"""Queries that are asked so often that putting their SQL together each time would cost the most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
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


class Prepared(Generic[Row]):
    """A query for one row. Its SQL is put together once, its values are given with each call.

    `query` makes it of as many placeholders as it has arguments; `select_related` and `annotate` work
    as ever. Values are strings and whole numbers, which the driver takes as they are.
    """

    def __init__(self, query: Callable[..., QuerySet[Row]]) -> None:
        self._query = query

    def first(self, *values: str | int) -> Row | None:
        """The first row for these values, if there is one."""
        sql, parameters = self._statement
        given = [values[each.position] if isinstance(each, _Given) else each for each in parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, given)
            found = cursor.fetchone()
        return None if found is None else self._make(found)

    @cached_property
    def _compiler(self) -> Any:
        count = len(signature(self._query).parameters)
        query = self._query(*(Value(_Given(position)) for position in range(count)))[:1].query
        return query.get_compiler(DEFAULT_DB_ALIAS)

    @cached_property
    def _statement(self) -> tuple[str, tuple[Any, ...]]:
        sql, parameters = self._compiler.as_sql()
        return str(sql), tuple(parameters)

    @cached_property
    def _make(self) -> Callable[[tuple[Any, ...]], Row]:
        """From the database's values to the row's object, as `ModelIterable` does it."""
        compiler, kind = self._compiler, self._compiler.klass_info
        columns = slice(kind["select_fields"][0], kind["select_fields"][-1] + 1)
        names = [column[0].target.attname for column in compiler.select[columns]]
        converters = compiler.get_converters([column[0] for column in compiler.select])
        related = get_related_populators(kind, compiler.select, DEFAULT_DB_ALIAS)

        def make(found: tuple[Any, ...]) -> Row:
            values = list(found)
            for place, (conversions, column) in converters.items():
                for convert in conversions:
                    values[place] = convert(values[place], column, connection)
            row: Row = kind["model"].from_db(DEFAULT_DB_ALIAS, names, values[columns])
            for populator in related:
                populator.populate(values, row)
            for name, place in compiler.annotation_col_map.items():
                setattr(row, name, values[place])
            return row

        return make
