"""Keys at rest: a text column encrypted with `FIELD_ENCRYPTION_KEYS`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


def cipher() -> MultiFernet:
    """The first key encrypts, all decrypt. Raises ValueError for a malformed key, or for none."""
    return _cipher(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=2)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not generic when it runs
    """Text that is encrypted in the database; empty stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        return cipher().encrypt(str(value).encode()).decode() if value else ""

    def from_db_value(
        self, value: str | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> str:
        return cipher().decrypt(value.encode()).decode() if value else ""
