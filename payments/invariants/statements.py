"""What must hold of matches between statements and our books."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.db.models import Count, Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Abs

from common.invariants import Invariant, Offender, offenders
from payments.models import Bucket, Match, StatementLine

CONFIRMED = Match.objects.filter(is_live=True, state=Match.State.CONFIRMED)
LINE = "line:{line_id}"


def _unequal() -> Iterator[Offender]:
    """Fees are of what they were taken for; what staff have accepted has their reason."""
    rows = CONFIRMED.filter(by=None).exclude(rule__in=(Match.Rule.R7, Match.Rule.R9))
    unequal = rows.annotate(moved=Abs("line__amount")).filter(
        Q(line__moves_money=False)
        | Q(attempt__isnull=False, transfer=None)
        & (Q(attempt__payment__paid_amount=None) | ~Q(attempt__payment__paid_amount=F("moved")))
        | Q(transfer__isnull=False) & ~Q(transfer__amount=F("moved"))
    )
    return offenders(
        unequal.order_by("pk").values("line_id", "line__amount", "attempt_id", "transfer_id"),
        subject=LINE,
        trouble="of {line__amount} TZS, matched with attempt {attempt_id} or transfer "
        "{transfer_id} of another amount",
        amount="line__amount",
    )


def _unequal_sum() -> Iterator[Offender]:
    rows = (
        CONFIRMED.filter(rule=Match.Rule.R7)
        .values("line_id", "line__amount")
        .annotate(paid=Sum("attempt__payment__paid_amount"))
        .exclude(line__amount=F("paid"))
        .order_by("line_id")
    )
    return offenders(
        rows,
        subject=LINE,
        trouble="of {line__amount} TZS, its orders of {paid}",
        amount="line__amount",
    )


def _collected_twice() -> Iterator[Offender]:
    rows = (
        CONFIRMED.exclude(rule__in=(Match.Rule.R8, Match.Rule.R9))
        .filter(attempt__isnull=False)
        .values("attempt__payment__public_id")
        .annotate(times=Count("pk"), moved=Sum("line__amount"))
        .filter(times__gt=1)
        .order_by("attempt__payment__public_id")
    )
    return offenders(
        rows,
        subject="payment:{attempt__payment__public_id}",
        trouble="{times} lines are matched with it",
        amount="moved",
    )


def _in_another_bucket() -> Iterator[Offender]:
    matched = Exists(CONFIRMED.filter(line=OuterRef("pk")))
    is_matched = Q(bucket=Bucket.MATCHED)
    rows = StatementLine.objects.annotate(has_match=matched).filter(
        (is_matched & Q(has_match=False))
        | (~is_matched & ~Q(bucket=Bucket.NEW) & Q(has_match=True))
    )
    return offenders(
        rows.order_by("pk").values("pk", "bucket", "has_match", "amount"),
        subject="line:{pk}",
        trouble="in bucket {bucket}; has a match that stands: {has_match}",
        amount="amount",
    )


INVARIANTS = (
    Invariant("M-50", "A match joins equal amounts", lambda: chain(_unequal(), _unequal_sum())),
    Invariant("M-51", "A payment is collected by one line at most", _collected_twice),
    Invariant("M-52", "A line is matched if and only if a match stands", _in_another_bucket),
)
