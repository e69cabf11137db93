"""The database itself refuses to change or delete what the ledger and the history hold."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FIRST_TABLES = ("payments_posting", "payments_entry", "payments_paymentevent")
TRANSFER_TABLES = ("payments_transferevent",)
CERTIFICATE_TABLES = ("payments_certificate",)
TABLES = (*FIRST_TABLES, *TRANSFER_TABLES, *CERTIFICATE_TABLES)
ACTIONS = ("UPDATE", "DELETE")


def create_triggers(
    apps: Apps, schema_editor: BaseDatabaseSchemaEditor, tables: Sequence[str] = TABLES
) -> None:
    """Make every UPDATE and DELETE of those tables fail."""
    for table in tables:
        for action in ACTIONS:
            schema_editor.execute(_create(schema_editor.connection.vendor, table, action))


def drop_triggers(
    apps: Apps, schema_editor: BaseDatabaseSchemaEditor, tables: Sequence[str] = TABLES
) -> None:
    """Undo `create_triggers`."""
    for table in tables:
        for action in ACTIONS:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {_name(table, action)}")


def trigger_names() -> list[str]:
    """What has to stand in the database."""
    return [_name(table, action) for table in TABLES for action in ACTIONS]


def _create(vendor: str, table: str, action: str) -> str:
    message = f"{table} is append-only"
    if vendor == "sqlite":
        body = f"SELECT RAISE(ABORT, '{message}');"
    else:
        body = f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{message}';"
    return (
        f"CREATE TRIGGER {_name(table, action)} BEFORE {action} ON {table} "
        f"FOR EACH ROW BEGIN {body} END"
    )


def _name(table: str, action: str) -> str:
    return f"{table}_no_{action.lower()}"
