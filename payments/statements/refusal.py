"""Why a file is not read, or a row of it."""

from __future__ import annotations

from payments.errors import PaymentError


class StatementRefused(PaymentError):
    """The whole file: one sentence that says what is wrong and, where there is one, in which line."""

    code = "statement_refused"


class UnreadableRow(Exception):
    """One row; the rest of the file is read."""
