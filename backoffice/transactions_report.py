"""What the regulator and the tax office may be given of a period: docs/reporting.md says which and why.

Rows come a batch at a time, so that a year takes no more memory than a day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Model, Q, QuerySet

from bundles.models import FiscalRecord
from common import phone as phones
from common.clock import day_bounds
from common.exports import Cell
from payments import ledger
from payments.models import Entry, MobileMoneyTransaction, Payment, Posting, Transfer
from payments.states import State, TransferState

BATCH = 500
CREDIT_AGAIN = "credit-again:"
HEAD = (
    "time_eat",
    "kind",
    "our_reference",
    "provider",
    "receipt",
    "phone_masked",
    "gross_tzs",
    "from_credit_tzs",
    "commission_tzs",
    "owner_share_tzs",
    "tax_tzs",
    "refund_of",
    "fiscal_number",
    "fiscal_state",
)
Some = TypeVar("Some", bound=Model)
Row = tuple[Cell, ...]


class Attempt(NamedTuple):
    """How a payment's money came; empty where credit alone has paid."""

    reference: str = ""
    receipt: str = ""
    phone: str = ""


@dataclass(slots=True)
class Shares:
    """Who has what of a sale, TZS; below zero where it is taken back."""

    commission: int = 0
    owner: int = 0
    tax: int = 0

    def add(self, account: str, amount: int) -> None:
        if account == ledger.REVENUE:
            self.commission += amount
        elif account == ledger.TAX:
            self.tax += amount
        elif account.startswith("earnings"):
            self.owner += amount


def transactions(first: date, last: date) -> Iterator[Row]:
    """A head, then each payment, reversal, sale undone to credit and transfer of the business days
    from `first` to `last`.
    """
    begins, ends = day_bounds(first)[0], day_bounds(last)[1]
    yield HEAD
    came = Payment.objects.filter(state=State.COMPLETED, paid_at__gte=begins, paid_at__lt=ends)
    for payments in _batches(came):
        yield from _collections(payments)
    for payments in _batches(Payment.objects.filter(reversed_at__gte=begins, reversed_at__lt=ends)):
        yield from _reversals(payments)
    undone = Posting.objects.filter(
        source__startswith=CREDIT_AGAIN, posted_at__gte=begins, posted_at__lt=ends
    )
    for postings in _batches(undone):
        yield from _credited_again(postings)
    sent = Transfer.objects.filter(
        state=TransferState.SUCCEEDED, finished_at__gte=begins, finished_at__lt=ends
    )
    for transfers in _batches(sent):
        yield from _transfers(transfers)


def _batches(rows: QuerySet[Some]) -> Iterator[list[Some]]:
    """By primary key: MySQL's client would fetch a whole result at once."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


def _collections(payments: list[Payment]) -> Iterator[Row]:
    attempts, fiscal = _attempts(payments), _fiscal(payments)
    shares = _shares(Q(posting__payment__in=payments, posting__source__startswith="sale:"))
    for payment in payments:
        attempt, share = attempts.get(payment.pk, Attempt()), shares[payment.pk]
        yield (
            _eat(payment.paid_at),
            "payment",
            attempt.reference or payment.public_id,
            payment.payment_method,
            attempt.receipt,
            _masked(attempt.phone),
            payment.paid_amount or 0,
            payment.from_credit,
            share.commission,
            share.owner,
            share.tax,
            "",
            *fiscal.get(payment.pk, ("", "")),
        )


def _reversals(payments: list[Payment]) -> Iterator[Row]:
    attempts, fiscal = _attempts(payments), _fiscal(payments)
    shares = _shares(Q(posting__payment__in=payments, posting__source__startswith="reversal:"))
    for payment in payments:
        attempt, share = attempts.get(payment.pk, Attempt()), shares[payment.pk]
        yield (
            _eat(payment.reversed_at),
            "reversal",
            attempt.reference or payment.public_id,
            payment.payment_method,
            attempt.receipt,
            _masked(attempt.phone),
            -(payment.paid_amount or 0),
            0,
            share.commission,
            share.owner,
            share.tax,
            attempt.reference or payment.public_id,
            *fiscal.get(payment.pk, ("", "")),
        )


def _credited_again(postings: list[Posting]) -> Iterator[Row]:
    payments = list(Payment.objects.filter(pk__in=[posting.payment_id for posting in postings]))
    ids, fiscal = {payment.pk: payment for payment in payments}, _fiscal(payments)
    shares = _shares(Q(posting__in=postings))
    for posting in postings:
        payment = ids[posting.payment_id or 0]
        share = shares[payment.pk]
        yield (
            _eat(posting.posted_at),
            "credit_again",
            payment.public_id,
            payment.payment_method,
            "",
            "",
            0,
            share.commission + share.owner + share.tax,
            share.commission,
            share.owner,
            share.tax,
            payment.public_id,
            *fiscal.get(payment.pk, ("", "")),
        )


def _transfers(transfers: list[Transfer]) -> Iterator[Row]:
    paid = [transfer.payment_id for transfer in transfers if transfer.payment_id]
    payments = list(Payment.objects.filter(pk__in=paid))
    attempts, fiscal = _attempts(payments), _fiscal(payments)
    ids = {payment.pk: payment.public_id for payment in payments}
    shares = _shares(
        Q(posting__transfer__in=transfers, posting__source__startswith="transfer-started:"),
        owner="posting__transfer",
    )
    for transfer in transfers:
        key = transfer.payment_id or 0
        share = shares[transfer.pk]
        yield (
            _eat(transfer.finished_at),
            transfer.kind,
            transfer.reference,
            transfer.provider,
            transfer.provider_transaction_id or "",
            _masked(transfer.phone),
            -transfer.amount,
            0,
            share.commission,
            share.owner,
            share.tax,
            attempts.get(key, Attempt()).reference or ids.get(key, ""),
            *fiscal.get(key, ("", "")),
        )


def _attempts(payments: Iterable[Payment]) -> dict[int, Attempt]:
    """Of each payment the latest."""
    rows = MobileMoneyTransaction.objects.filter(payment__in=payments).order_by("pk")
    columns = ("payment", "reference", "provider_transaction_id", "customer_phone")
    return {
        payment: Attempt(reference, receipt or "", phone)
        for payment, reference, receipt, phone in rows.values_list(*columns)
    }


def _shares(postings: Q, owner: str = "posting__payment") -> dict[int, Shares]:
    found: dict[int, Shares] = defaultdict(Shares)
    rows = Entry.objects.filter(postings).order_by("pk")
    for key, account, amount in rows.values_list(owner, "account", "amount"):
        found[key].add(account, -amount)
    return found


def _fiscal(payments: Iterable[Payment]) -> dict[int, tuple[str, str]]:
    """Number and state of the sale's fiscal receipt."""
    records = FiscalRecord.objects.filter(payment__in=payments).defer("document", "answer")
    return {record.payment_id: (record.number, record.shown_state) for record in records}


def _masked(phone: str) -> str:
    return phones.mask(phone) if phone else ""


def _eat(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return f"{moment.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)):%Y-%m-%d %H:%M:%S}"
