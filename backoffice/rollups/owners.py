"""What owners earn, of the ledger: a day's shares by bundle, and each owner's accounts by the day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Substr

from backoffice.rollups.sales import PURCHASE
from backoffice.rollups.tables import Measure, OwnerDay
from bundles.models import Purchase
from bundles.services.earn import EARNED, HELD
from payments import ledger
from payments.models import Entry, Transfer

OF_OWNERS = {HELD: "held", EARNED: "payable"}
KEPT = (*OF_OWNERS.values(), "paid_out")


def shares(begins: datetime, ends: datetime) -> Iterator[dict[str, Any]]:
    """How the prices of the time's sales were shared out, less what went back of any sale, by bundle."""
    entries = _entries(begins, ends).filter(posting__payment__subject__startswith=PURCHASE)
    purchase = Cast(Substr("posting__payment__subject", len(PURCHASE) + 1), BigIntegerField())
    bought = Purchase.objects.filter(pk=OuterRef("purchase"))
    measure = Case(
        *(When(account__startswith=prefix, then=Value(Measure.SHARE)) for prefix in OF_OWNERS),
        When(account=ledger.REVENUE, then=Value(Measure.COMMISSION)),
        When(account=ledger.TAX, then=Value(Measure.TAX)),
        output_field=CharField(),
    )
    told = entries.annotate(purchase=purchase, measure=measure).exclude(measure=None)
    by_bundle = told.annotate(bundle=Subquery(bought.values("bundle"))).values("measure", "bundle")
    for row in by_bundle.annotate(total=Sum("amount")):
        yield {"amount": -row.pop("total"), **row}


def recompute_owners(day: date, begins: datetime, ends: datetime) -> None:
    """Replace the day's changes of the owners' accounts, inside the caller's transaction."""
    changes: dict[int, Counter[str]] = defaultdict(Counter)
    for owner, name, amount in (*_of_accounts(begins, ends), *_paid_out(begins, ends)):
        for key in (owner, OwnerDay.ALL):
            changes[key][name] += amount
    OwnerDay.objects.filter(day=day).delete()
    OwnerDay.objects.bulk_create(
        OwnerDay(owner=owner, day=day, **{name: amounts[name] for name in KEPT})
        for owner, amounts in sorted(changes.items())
    )


def _of_accounts(begins: datetime, ends: datetime) -> Iterator[tuple[int, str, int]]:
    for prefix, name in OF_OWNERS.items():
        entries = _entries(begins, ends).filter(account__startswith=prefix)
        for account, total in entries.values_list("account").annotate(total=Sum("amount")):
            yield int(account.removeprefix(prefix)), name, -total


def _paid_out(begins: datetime, ends: datetime) -> Iterator[tuple[int, str, int]]:
    """What providers confirmed in the time."""
    sent = _entries(begins, ends).filter(
        posting__source__startswith="transfer-sent:",
        posting__transfer__kind=Transfer.Kind.PAYOUT,
        amount__gt=0,
    )
    for owner, total in sent.values_list("posting__transfer__payee").annotate(total=Sum("amount")):
        yield owner, "paid_out", total


def _entries(begins: datetime, ends: datetime) -> QuerySet[Entry]:
    return Entry.objects.filter(
        posting__posted_at__gte=begins, posting__posted_at__lt=ends
    ).order_by()
