"""The root of every failure that the business expects. Imports nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class DomainError(Exception):
    """Something the caller can understand and act on.

    `str(error)` is a sentence that a customer can read, `code` is stable and `status` is the HTTP
    status that a door answers with. `errors` maps fields to sentences.
    """

    code = "domain_error"
    status = 400

    def __init__(self, message: str, *, errors: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.errors = dict(errors or {})
