"""Why something cannot be bought, as the customer is told."""

from __future__ import annotations

from common.errors import DomainError


class BundleNotFound(DomainError):
    code = "bundle_not_found"
    status = 404


class BundleUnavailable(DomainError):
    code = "bundle_unavailable"
    status = 409


class BundleSoldOut(DomainError):
    code = "bundle_sold_out"
    status = 409


class EarlierPaymentUnresolved(DomainError):
    """An expired payment for the same purchase may still go through; asking again confirms."""

    code = "earlier_payment_unresolved"
    status = 409


class PaymentNotFound(DomainError):
    code = "payment_not_found"
    status = 404
