"""A text column that is compared byte for byte on every database."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class ReferenceField(models.CharField):  # type: ignore[type-arg]  # not generic when it runs
    """A CharField for references and receipts: `abcD1`, `ABCd1` and `abcD1 ` are three values.

    MySQL's and MariaDB's default collations would make them one; there the column is `utf8mb4_bin`.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        parameters: dict[str, Any] = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters
