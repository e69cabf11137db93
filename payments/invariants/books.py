"""What must hold of the ledger itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.db import connection
from django.db.models import Count, Q, Sum

from cases.models import CaseKind
from cases.selectors import has_open_case
from common.invariants import Invariant, Offender, named, offenders
from payments.ledger_triggers import trigger_names
from payments.models import Entry, Payment, Posting

LINES_MIN = 2
OWN_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "mysql": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
}


def _unbalanced() -> Iterator[Offender]:
    """A posting without any line is one too. That all of them hold makes the ledger's total zero."""
    rows = (
        Posting.objects.values("pk", "source")
        .annotate(total=Sum("entries__amount"), lines=Count("entries"))
        .filter(~Q(total=0) | Q(lines__lt=LINES_MIN))
        .order_by("pk")
    )
    return chain(
        offenders(
            rows,
            subject="posting:{source}",
            trouble="{lines} lines that sum to {total}",
            amount="total",
        ),
        _total(),
    )


def _total() -> Iterator[Offender]:
    total = Entry.objects.aggregate(total=Sum("amount"))["total"]
    if total:
        yield Offender("ledger", f"all lines together sum to {total:,}", abs(total))


def _unguarded() -> Iterator[Offender]:
    """A dump restored without its triggers lets anybody change the books."""
    with connection.cursor() as cursor:
        cursor.execute(OWN_TRIGGERS[connection.vendor])
        standing = {name for (name,) in cursor.fetchall()}
    for name in trigger_names():
        if name not in standing:
            yield Offender(f"trigger:{name}", "does not stand: rows can be changed or deleted")


def _overdrawn_credit() -> Iterator[Offender]:
    """Below zero is honest only while staff look into a reversal of money that was spent."""
    reversed_payments = Payment.objects.filter(
        has_open_case("payment:", "public_id", kind=CaseKind.REVERSED), reversed_at__isnull=False
    )
    in_question = reversed_payments.annotate(account=named("credit:", "payer_id")).values("account")
    rows = (
        Entry.objects.filter(account__startswith="credit:")
        .values("account")
        .annotate(owed=Sum("amount"))
        .filter(owed__gt=0)
        .exclude(account__in=in_question)
        .order_by("account")
    )
    return offenders(
        rows, subject="account:{account}", trouble="{owed:,} TZS below zero", amount="owed"
    )


INVARIANTS = (
    Invariant("I-03", "Every posting sums to zero, and so does the ledger", _unbalanced),
    Invariant("I-04", "The database guards the books against changes", _unguarded),
    Invariant("M-06", "No customer's credit is below zero", _overdrawn_credit),
)
