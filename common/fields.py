"""A text column that is compared byte for byte on every database."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import StartsWith


class ReferenceField(models.CharField):  # type: ignore[type-arg]  # not generic when it runs
    """A CharField for references and receipts: `abcD1`, `ABCd1` and `abcD1 ` are three values.

    MySQL's and MariaDB's default collations would make them one; there the column is `utf8mb4_bin`.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters: dict[str, Any] = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters


@ReferenceField.register_lookup
class Beginning(StartsWith):
    """`startswith` by the column's index: Django's `LIKE BINARY` uses none, and is not needed here."""

    def get_rhs_op(self, connection: BaseDatabaseWrapper, rhs: str) -> str:
        if (
            connection.vendor == "mysql"
            and self.rhs_is_direct_value()
            and not self.bilateral_transforms
        ):
            return f"LIKE {rhs}"
        return str(super().get_rhs_op(connection, rhs))
