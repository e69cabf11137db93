"""Where a completed payment is against the statements: in exactly one bucket."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from payments.models import (
    Bucket,
    Candidate,
    Match,
    MatchingRules,
    MobileMoneyTransaction,
    StatementFile,
    Transfer,
)
from payments.services.match.coverage import covered
from payments.states import State, TransferState


class PaymentBucket(models.TextChoices):
    MATCHED = "matched", "On a statement"
    SUGGESTED = "suggested", "A match to confirm"
    AMOUNT_DIFFERS = "amount_differs", "Another amount on the statement"
    AMBIGUOUS = "ambiguous", "Several lines may be it"
    ORDER_NO_MONEY = "order_no_money", "On no statement"
    WAITING = "waiting", "Not due on a statement yet"


OTHER_LINES = (Match.Rule.R8, Match.Rule.R9)  # of its reversal and of its fee


def bucketed(rules: MatchingRules) -> QuerySet[Any]:
    """Completed attempts of providers with their `bucket`, one of PaymentBucket."""
    attempts = MobileMoneyTransaction.objects.filter(status=State.COMPLETED)
    return attempts.annotate(bucket=_bucket("attempt", "payment__paid_at", rules))


def bucketed_transfers(rules: MatchingRules) -> QuerySet[Any]:
    """Transfers that were sent, with their `bucket`, one of PaymentBucket."""
    transfers = Transfer.objects.filter(state=TransferState.SUCCEEDED)
    return transfers.annotate(bucket=_bucket("transfer", "finished_at", rules))


def confirmed(column: str, row: OuterRef) -> QuerySet[Match]:
    """The match, if any, by which an attempt or a transfer is on a statement."""
    return Match.objects.filter(**{column: row, f"holds_{column}": True})


def _bucket(column: str, done_at: str, rules: MatchingRules) -> Case:
    of_it = {column: OuterRef("pk")}
    candidates = Candidate.objects.filter(**of_it)
    suggested = Match.objects.filter(**of_it, is_live=True, state=Match.State.SUGGESTED)
    if column == "attempt":
        suggested = suggested.exclude(rule__in=OTHER_LINES)
        candidates = candidates.exclude(rule__in=OTHER_LINES)
    amounts = (Bucket.AMOUNT_UNDER, Bucket.AMOUNT_OVER)
    due_before = timezone.now() - timedelta(hours=rules.wait_hours)
    return Case(
        When(
            Exists(confirmed(column, OuterRef("pk"))),
            then=Value(PaymentBucket.MATCHED),
        ),
        When(Exists(suggested), then=Value(PaymentBucket.SUGGESTED)),
        When(
            Exists(candidates.filter(bucket=Bucket.AMBIGUOUS)), then=Value(PaymentBucket.AMBIGUOUS)
        ),
        When(
            Exists(candidates.filter(bucket__in=amounts)), then=Value(PaymentBucket.AMOUNT_DIFFERS)
        ),
        When(
            Q(**{f"{done_at}__lt": due_before}) & covered(column, done_at),
            then=Value(PaymentBucket.ORDER_NO_MONEY),
        ),
        default=Value(PaymentBucket.WAITING),
        output_field=models.CharField(),
    )


def covered_since(now: datetime, look_back: timedelta) -> datetime | None:
    """The beginning of what statements read of late are about; None when none were."""
    files = StatementFile.objects.filter(
        state=StatementFile.State.READ, finished_at__gte=now - look_back
    )
    since: datetime | None = files.aggregate(since=models.Min("begins_at"))["since"]
    return since
