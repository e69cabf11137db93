"""What can go wrong with a payment, as the customer is told."""

from __future__ import annotations

from common.errors import DomainError


class PaymentError(DomainError):
    """The root of payments' errors."""

    code = "payment_error"


class UnknownProvider(PaymentError):
    code = "unknown_provider"


class ProviderUnavailable(PaymentError):
    code = "provider_unavailable"
    status = 503


class PaybillUnavailable(PaymentError):
    """No provider has a number of ours that customers could pay to by its menu."""

    code = "paybill_unavailable"
    status = 503


class NotPlaceable(PaymentError):
    """Only money in suspense can be given to somebody."""

    code = "not_placeable"
    status = 409


class AmountOutOfRange(PaymentError):
    code = "amount_out_of_range"


class PaymentInProgress(PaymentError):
    """Another payment for the same subject is alive."""

    code = "payment_in_progress"
    status = 409


class PromptLimitReached(PaymentError):
    """Too many prompts. `retry_after_seconds` says when another may be tried."""

    code = "too_many_payment_requests"
    status = 429

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class IdempotencyKeyReused(PaymentError):
    code = "idempotency_key_reused"
    status = 422


class RequestInFlight(PaymentError):
    code = "request_in_flight"
    status = 409
    retry_after_seconds = 2


class NotRefundable(PaymentError):
    code = "not_refundable"
    status = 409


class NothingToPayOut(PaymentError):
    code = "nothing_to_pay_out"
    status = 409


class PayoutFrozen(PaymentError):
    """Nothing is paid out just now: the payee's phone is a new one."""

    code = "payout_frozen"
    status = 409


class PhoneNotProved(PaymentError):
    """Money is paid out only to a phone that was proved to be the payee's."""

    code = "phone_not_proved"
    status = 409


class AlreadyRecorded(PaymentError):
    code = "already_recorded"
    status = 409


class DayNotReady(PaymentError):
    """A business day cannot be closed, or opened again, as it stands."""

    code = "day_not_ready"
    status = 409


class ReceiptNotRead(PaymentError):
    """What was typed or pasted holds no receipt number, or more than one."""

    code = "receipt_not_read"


class ClaimNotFound(PaymentError):
    code = "receipt_not_found"
    status = 404


class TooManyReceipts(PaymentError):
    """A person has a few receipts a day: more is guessing."""

    code = "too_many_receipts"
    status = 429


class NotDecidable(PaymentError):
    code = "not_decidable"
    status = 409


class CannotFulfil(Exception):
    """A completed payment can buy nothing any more; the money becomes the payer's credit.

    `case_kind` is the kind of case that staff find.
    """

    def __init__(self, why: str, *, case_kind: str) -> None:
        super().__init__(why)
        self.case_kind = case_kind
