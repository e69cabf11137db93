"""Payments' own pages of the admin; a payment's whole story is in `backoffice`."""

from payments.admin import attempts, bills, deliveries, ledger, limits, transfers

__all__ = ["attempts", "bills", "deliveries", "ledger", "limits", "transfers"]
