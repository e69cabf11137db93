"""Payments' own pages of the admin; a payment's whole story is in `backoffice`."""

from payments.admin import (
    attempts,
    bills,
    claims,
    credits,
    days,
    deliveries,
    ledger,
    limits,
    matching,
    statement_profiles,
    statements,
    transfers,
)

__all__ = [
    "attempts",
    "bills",
    "claims",
    "credits",
    "days",
    "deliveries",
    "ledger",
    "limits",
    "matching",
    "statement_profiles",
    "statements",
    "transfers",
]
