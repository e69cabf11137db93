"""What of a purchase goes back when a part of it was used."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from bundles.models import GIGABYTE, Activation, Subscription
from bundles.services.unused import ProRata, Unused, left_of, pro_rata, unused
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear
from payments.models import Payment
from payments.tests.factories import a_customer

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("time_left", "bytes_left", "shares"),
    [
        (7 * DAY, 10 * GIGABYTE, ProRata(7_000, 7_000)),
        (3.5 * DAY, 2 * GIGABYTE, ProRata(3_500, 1_400)),
        (timedelta(0), 10 * GIGABYTE, ProRata(0, 7_000)),
        (-DAY, -GIGABYTE, ProRata(0, 0)),
        (30 * DAY, 99 * GIGABYTE, ProRata(7_000, 7_000)),
    ],
)
def test_the_price_is_shared_out_by_days_and_by_data(
    time_left: timedelta, bytes_left: int, shares: ProRata
) -> None:
    left = left_of(days=7, data_bytes=10 * GIGABYTE, time_left=time_left, bytes_left=bytes_left)
    assert pro_rata(7_000, left) == shares
    assert shares.smaller <= shares.larger


def test_a_later_purchase_of_the_same_bundle_is_used_last() -> None:
    left = left_of(
        days=7,
        data_bytes=10,
        time_left=9 * DAY,
        bytes_left=14,
        later_days=7,
        later_bytes=10,
    )
    assert left == Unused(days=2, of_days=7, data_bytes=4, of_bytes=10)


@settings(deadline=None)
@given(
    price=st.integers(1, 10**7),
    days=st.integers(1, 365),
    data_bytes=st.integers(1, 10**14),
    hours=st.integers(-1000, 20_000),
    bytes_left=st.integers(-(10**9), 10**15),
)
def test_never_more_than_the_price_and_never_less_than_nothing(
    price: int, days: int, data_bytes: int, hours: int, bytes_left: int
) -> None:
    left = left_of(
        days=days,
        data_bytes=data_bytes,
        time_left=timedelta(hours=hours),
        bytes_left=bytes_left,
    )
    shares = pro_rata(price, left)
    assert 0 <= shares.smaller <= shares.larger <= price


@pytest.mark.django_db(transaction=True)
def test_a_purchase_that_was_extended_keeps_what_is_its_own() -> None:
    customer, bundle = a_customer(), a_bundle(duration_days=10, data_limit_gb=10)
    first, second = (hear(buy(customer, bundle), amount=1000) for _ in range(2))
    Subscription.objects.update(data_used_bytes=4 * GIGABYTE)
    now = timezone.now() + 5 * DAY
    assert _left(first, now) == (5, 6 * GIGABYTE)
    assert _left(second, now) == (10, 10 * GIGABYTE)
    Activation.objects.filter(pk=_activation(second).pk).update(withdrawn_at=now)
    assert _left(second, now) == (0, 0)
    Subscription.objects.update(state="ended")
    assert _left(first, now) == (0, 0)


def _activation(payment: Payment) -> Activation:
    return Activation.objects.get(purchase=payment.subject.partition(":")[2])


def _left(payment: Payment, now: datetime) -> tuple[int, int]:
    left = unused(_activation(payment), now)
    return round(left.days), left.data_bytes
