"""A case for each line and each payment that something is wrong with, until it is not any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import BigIntegerField, Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from cases.models import Case, CaseKind
from cases.services import open_cases, resolve_cases
from common.clock import in_business_time
from common.invariants import named
from payments.days.batches import some
from payments.models import Bucket, MatchingRules, MobileMoneyTransaction, StatementLine, Transfer
from payments.services.match.payment_bucket import (
    PaymentBucket,
    bucketed,
    bucketed_transfers,
    confirmed,
    covered_since,
)
from payments.states import State, TransferState

KINDS: dict[Bucket, CaseKind] = {
    Bucket.SUGGESTED: CaseKind.SUGGESTED_MATCH,
    Bucket.AMBIGUOUS: CaseKind.AMBIGUOUS_LINE,
    Bucket.PAID_NO_ORDER: CaseKind.PAID_NO_ORDER,
    Bucket.AMOUNT_UNDER: CaseKind.AMOUNT_DIFFERS,
    Bucket.AMOUNT_OVER: CaseKind.AMOUNT_DIFFERS,
    Bucket.DUPLICATE_PAYMENT: CaseKind.DUPLICATE_PAYMENT,
    Bucket.DUPLICATE_LINE: CaseKind.DUPLICATE_LINE,
    Bucket.STATUS_CONFLICT: CaseKind.STATUS_CONFLICT,
    Bucket.LATE_SUCCESS: CaseKind.LATE_SUCCESS,
    Bucket.REVERSED: CaseKind.REVERSED_THERE,
    Bucket.FEE_DIFFERENCE: CaseKind.FEE_DIFFERENCE,
    Bucket.FOREIGN_CURRENCY: CaseKind.FOREIGN_CURRENCY,
    Bucket.MASKED_IDENTITY: CaseKind.MASKED_IDENTITY,
}
# Somebody has paid and may have nothing.
PAID_AND_WAITING = (
    Bucket.PAID_NO_ORDER,
    Bucket.MASKED_IDENTITY,
    Bucket.STATUS_CONFLICT,
    Bucket.LATE_SUCCESS,
)
ANSWERED = "a later run of matching has answered it"
DECIDED = "decided with its line: "
LINE, PAYMENT, TRANSFER = "line:", "payment:", "transfer:"
LOOK_BACK = timedelta(days=60)  # statements read since then are asked what they do not tell
CHUNK = 100_000  # attempts of one query


def open_and_resolve(rules: MatchingRules) -> Iterator[None]:
    """Cases as the buckets are now, a step at a time."""
    for kind in sorted(set(KINDS.values())):
        _resolve_lines(kind)
        yield
    for bucket, kind in KINDS.items():
        open_cases(_of_line(bucket, kind, line) for line in _without_case(bucket, kind).iterator())
        yield
    yield from _of_payments(rules)
    yield from _of_transfers(rules)


def _resolve_lines(kind: CaseKind) -> None:
    buckets = [bucket for bucket, its in KINDS.items() if its == kind]
    still = StatementLine.objects.filter(pk=OuterRef("key"), bucket__in=buckets)
    keyed = _open(kind, LINE).annotate(
        key=Cast(Substr("subject", len(LINE) + 1), BigIntegerField())
    )
    resolve_cases(keyed.filter(~Exists(still)), resolution=ANSWERED)


def _without_case(bucket: Bucket, kind: CaseKind) -> QuerySet[StatementLine]:
    lines = StatementLine.objects.filter(bucket=bucket).order_by("pk")
    return lines.filter(~_known(kind, LINE, "pk"))


def _known(kind: CaseKind, prefix: str, column: str) -> Exists:
    """Whether staff have the case, or have closed it: what they closed is not asked again."""
    about = Case.objects.filter(kind=kind, subject=named(prefix, OuterRef(column)))
    by_itself = Q(resolution=ANSWERED) | Q(resolution__startswith=DECIDED)
    return Exists(about.exclude(by_itself, state=Case.State.RESOLVED))


def _of_line(bucket: Bucket, kind: CaseKind, line: StatementLine) -> Case:
    known_by = " ".join(filter(None, [line.msisdn, line.party, line.reference]))
    return Case(
        kind=kind,
        subject=f"{LINE}{line.pk}",
        amount=abs(line.amount),
        detail=f"{bucket.label}: {line.get_provider_display()} {line.receipt}, {line.amount:+,} "
        f"{line.currency}, {in_business_time(line.completed_at)}, {known_by or 'nobody named'}",
        customer_waits=bucket in PAID_AND_WAITING
        and line.amount > 0
        and line.kind != StatementLine.Kind.REVERSAL,
    )


def _of_payments(rules: MatchingRules) -> Iterator[None]:
    kind, missing = CaseKind.ORDER_NO_MONEY, PaymentBucket.ORDER_NO_MONEY
    still = bucketed(rules).filter(payment__public_id=OuterRef("key"), bucket=missing)
    resolve_cases(_keyed(kind, PAYMENT).filter(~Exists(still)), resolution=ANSWERED)
    yield
    unknown = bucketed(rules).filter(~_known(kind, PAYMENT, "payment__public_id"), bucket=missing)
    for ids in _unmatched(MobileMoneyTransaction.objects.filter(status=State.COMPLETED), "attempt"):
        rows = unknown.filter(pk__in=ids).select_related("payment").order_by("pk")
        open_cases(_of_payment(kind, attempt) for attempt in rows)
        yield


def _of_payment(kind: CaseKind, attempt: MobileMoneyTransaction) -> Case:
    payment = attempt.payment
    return Case(
        kind=kind,
        subject=f"{PAYMENT}{payment.public_id}",
        amount=payment.paid_amount or 0,
        detail=f"receipt {attempt.provider_transaction_id or 'unknown'}, our reference "
        f"{attempt.reference}: {attempt.get_provider_display()}'s statement does not tell of it",
    )


def _of_transfers(rules: MatchingRules) -> Iterator[None]:
    kind, missing = CaseKind.TRANSFER_NO_LINE, PaymentBucket.ORDER_NO_MONEY
    still = bucketed_transfers(rules).filter(reference=OuterRef("key"), bucket=missing)
    resolve_cases(_keyed(kind, TRANSFER).filter(~Exists(still)), resolution=ANSWERED)
    yield
    unknown = bucketed_transfers(rules).filter(~_known(kind, TRANSFER, "reference"), bucket=missing)
    for ids in _unmatched(Transfer.objects.filter(state=TransferState.SUCCEEDED), "transfer"):
        rows = unknown.filter(pk__in=ids).order_by("pk")
        open_cases(_of_transfer(kind, transfer) for transfer in rows)
        yield


def _of_transfer(kind: CaseKind, transfer: Transfer) -> Case:
    return Case(
        kind=kind,
        subject=f"{TRANSFER}{transfer.reference}",
        amount=transfer.amount,
        detail=f"{transfer.get_kind_display()}, receipt "
        f"{transfer.provider_transaction_id or 'unknown'}: "
        f"{transfer.get_provider_display()}'s statement does not tell of it",
    )


def _unmatched(rows: QuerySet[Any], column: str) -> Iterator[list[int]]:
    """The ids, a few at a time, of those without a line. An index tells: nearly all have theirs.

    MariaDB makes a table of the matches that it looks into, so they are of the same piece.
    """
    for low, high in _chunks(rows.model):
        piece = {f"{column}__gte": low, f"{column}__lte": high}
        has_line = Exists(confirmed(column, OuterRef("pk")).filter(**piece))
        without = rows.filter(~has_line, pk__gte=low, pk__lte=high).order_by()
        yield from some(without.values_list("pk", flat=True))


def _chunks(model: type[MobileMoneyTransaction | Transfer]) -> Iterator[tuple[int, int]]:
    """The ids of what statements read of late can tell of, in pieces."""
    since = covered_since(timezone.now(), LOOK_BACK)
    if since is None:
        return
    ends = model.objects.filter(created_at__gte=since).aggregate(low=Min("pk"), high=Max("pk"))
    if ends["low"] is not None:
        for low in range(ends["low"], ends["high"] + 1, CHUNK):
            yield low, min(low + CHUNK - 1, ends["high"])


def _open(kind: CaseKind, prefix: str) -> QuerySet[Case]:
    return Case.objects.filter(kind=kind, state=Case.State.OPEN, subject__startswith=prefix)


def _keyed(kind: CaseKind, prefix: str) -> QuerySet[Case]:
    return _open(kind, prefix).annotate(key=Substr("subject", len(prefix) + 1))
