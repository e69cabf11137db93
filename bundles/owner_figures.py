"""What an owner is told of their own business: sales, customers, earnings, bytes. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet, Sum

from bundles.models import Activation, Bundle, Purchase, Seat, Subscription
from bundles.services.earn import earned_account, held_account
from payments import ledger
from payments.models import Transfer
from payments.states import OPEN_TRANSFERS, TransferState

_COUNT = Count("pk")


@dataclass(frozen=True, slots=True)
class Earnings:
    """TZS: held until delivered, earned and payable (below zero: owed), on its way, paid out so far."""

    held: int
    earned: int
    on_its_way: int
    paid_out: int


def earnings_of(owner_id: int) -> Earnings:
    payouts = Transfer.objects.filter(payee_id=owner_id, kind=Transfer.Kind.PAYOUT)
    sums = payouts.aggregate(
        on_its_way=Sum("amount", filter=Q(state__in=OPEN_TRANSFERS)),
        paid_out=Sum("amount", filter=Q(state=TransferState.SUCCEEDED)),
    )
    return Earnings(
        held=-ledger.balance(held_account(owner_id)),
        earned=-ledger.balance(earned_account(owner_id)),
        on_its_way=sums["on_its_way"] or 0,
        paid_out=sums["paid_out"] or 0,
    )


def bundles_of(owner_id: int) -> QuerySet[Bundle]:
    """An owner's bundles, paused ones too, the newest first."""
    return Bundle.objects.filter(owner_id=owner_id).order_by("-id")


@dataclass(frozen=True, slots=True)
class Business:
    """One bundle's figures: places taken, sales, and bytes sold against bytes used."""

    seats_taken: int = 0
    sales: int = 0
    sold_bytes: int = 0
    used_bytes: int = 0


def business_of(bundle_ids: list[int]) -> dict[int, Business]:
    """The figures of bundles, by id; three queries however many they are."""
    seats = _sums(Seat.objects.filter(bundle__in=bundle_ids))
    used = _sums(Subscription.objects.filter(bundle__in=bundle_ids), "data_used_bytes")
    served = Activation.objects.filter(purchase__bundle__in=bundle_ids, withdrawn_at=None)
    sold = {
        key: (count, total)
        for key, count, total in served.values_list("purchase__bundle")
        .annotate(count=_COUNT, total=Sum("data_bytes"))
        .order_by()
    }
    return {
        key: Business(
            seats_taken=seats.get(key, 0),
            sales=sold.get(key, (0, 0))[0],
            sold_bytes=sold.get(key, (0, 0))[1],
            used_bytes=used.get(key, 0),
        )
        for key in bundle_ids
    }


def sales_of(owner_id: int) -> QuerySet[Purchase]:
    """What an owner has sold, the latest first, with what it became."""
    paid = Purchase.objects.filter(bundle__owner_id=owner_id, state=Purchase.State.PAID)
    return paid.select_related("bundle", "customer", "activation", "gift").order_by(
        "-paid_at", "-id"
    )


def customers_of(owner_id: int) -> QuerySet[Subscription]:
    """Who has or had one of an owner's bundles, those who have one now first."""
    theirs = Subscription.objects.filter(bundle__owner_id=owner_id)
    return theirs.select_related("bundle", "customer").order_by("state", "-id")


def _sums(rows: QuerySet[Seat] | QuerySet[Subscription], column: str = "") -> dict[int, int]:
    """By bundle: the rows, or the sum of a column."""
    total = Sum(column) if column else _COUNT
    return dict(rows.order_by().values_list("bundle").annotate(total=total))
