"""Deletes what a test has committed: from the tables that hold rows alone, the ledger's too."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection

from payments.ledger_triggers import TABLES, create_triggers, drop_triggers

# What every migration ends with: permissions, and the roles that are given them.
MADE_BY_MIGRATING = (
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
)

Rows = list[tuple[Any, ...]]


class Emptying:
    """Leaves a database as migrating does, however often: what nobody has touched stays."""

    def __init__(self) -> None:
        self._made: list[Rows] | None = None

    def __call__(self) -> None:
        filled = filled_tables(_all_tables())
        if self._made == _what_migrating_made():
            delete_rows(filled.difference(MADE_BY_MIGRATING))
            ContentType.objects.clear_cache()  # no test has fewer queries for those before it
        else:
            delete_rows(filled)
            emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)
            self._made = _what_migrating_made()


def filled_tables(tables: Collection[str]) -> set[str]:
    """Those that hold a row."""
    names = (connection.ops.quote_name(table) for table in tables)
    looks = ", ".join(f"EXISTS (SELECT 1 FROM {name})" for name in names)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {looks}")
        holds = cursor.fetchone()
    return {table for table, has_rows in zip(tables, holds, strict=True) if has_rows}


def delete_rows(tables: Collection[str], *, reset_sequences: bool = False) -> None:
    """Delete every row of these tables; only then the ledger's triggers are lifted."""
    guarded = [table for table in TABLES if table in tables]
    with connection.schema_editor() as editor:
        drop_triggers(apps, editor, guarded)
    try:
        flush = connection.ops.sql_flush(no_style(), list(tables), reset_sequences=reset_sequences)
        connection.ops.execute_sql_flush(flush)
    finally:
        with connection.schema_editor() as editor:
            create_triggers(apps, editor, guarded)


def _all_tables() -> list[str]:
    return connection.introspection.django_table_names(only_existing=True, include_views=False)


def _what_migrating_made() -> list[Rows]:
    with connection.cursor() as cursor:
        return [_rows(cursor, table) for table in MADE_BY_MIGRATING]


def _rows(cursor: Any, table: str) -> Rows:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY id")  # noqa: S608
    return list(cursor.fetchall())
