"""The database itself notes that the catalogue has changed, whoever changes it and by whatever way.

A note is locked until its transaction ends, so that two changes are noted one after the other.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections

NOTE = {
    "mysql": (
        "INSERT INTO bundles_catalogueversion (id, version) VALUES (1, UUID()) "
        "ON DUPLICATE KEY UPDATE version = UUID();"
    ),
    "sqlite": (
        "INSERT INTO bundles_catalogueversion (id, version) VALUES (1, hex(randomblob(16))) "
        "ON CONFLICT (id) DO UPDATE SET version = excluded.version;"
    ),
}
STANDING = {
    "mysql": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
}
CHANGES = ("INSERT", "UPDATE", "DELETE")
RENAMED = "accounts_user_catalogue_update"


def put_triggers(sender: AppConfig, using: str, **_: Any) -> None:
    """After each migration, put in place what does not stand: a restored dump may lack triggers, and
    SQLite loses a table's when a migration changes it.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(STANDING[connection.vendor])
        standing = {name for (name,) in cursor.fetchall()}
        missing = [
            statement
            for name, statement in _triggers(connection.vendor).items()
            if name not in standing
        ]
        if missing and _has_tables(using):
            for statement in [*missing, NOTE[connection.vendor]]:
                cursor.execute(statement)


def _triggers(vendor: str) -> dict[str, str]:
    note = NOTE[vendor]
    made = {
        f"bundles_bundle_catalogue_{change.lower()}": (
            f"CREATE TRIGGER bundles_bundle_catalogue_{change.lower()} AFTER {change} "
            f"ON bundles_bundle FOR EACH ROW BEGIN {note} END"
        )
        for change in CHANGES
    }
    if vendor == "sqlite":
        made[RENAMED] = (
            f"CREATE TRIGGER {RENAMED} AFTER UPDATE ON accounts_user FOR EACH ROW "
            f"WHEN NEW.full_name <> OLD.full_name BEGIN {note} END"
        )
    else:  # whose collation would take names that differ in case or accents for the same
        made[RENAMED] = (
            f"CREATE TRIGGER {RENAMED} AFTER UPDATE ON accounts_user FOR EACH ROW "
            f"IF BINARY NEW.full_name <> BINARY OLD.full_name THEN {note} END IF"
        )
    return made


def _has_tables(using: str) -> bool:
    """False while only some of the migrations are applied."""
    tables = set(connections[using].introspection.table_names())
    return tables >= {"bundles_catalogueversion", "bundles_bundle", "accounts_user"}
