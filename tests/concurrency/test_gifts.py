"""Gifts under many hands at once: claimed once, and never more given than there is."""

from __future__ import annotations

from functools import partial

import pytest

from backoffice.invariants import INVARIANTS
from bundles.errors import GiftAlreadyClaimed, GiftReturned, MoreThanIsLeft
from bundles.models import Activation, Gift, Seat, Subscription
from bundles.services.buy import buy_bundle
from bundles.services.claim_gift import claim_gift
from bundles.services.give_data import give_data, giveable_bytes
from bundles.services.return_gift import take_back
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import hear, pay
from payments import ledger
from payments.tests.factories import a_customer, a_phone
from tests.at_once import at_once
from vpn.tests.factories import first_gateway

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

KINDS = pytest.mark.parametrize("kind", ["bought", "data"])


@pytest.fixture(autouse=True)
def gateway() -> None:
    first_gateway()


def offered(kind: str) -> Gift:
    giver, bundle = a_customer(), a_bundle(max_clients=2)
    if kind == "data":
        pay(giver, bundle)
        own = Subscription.objects.get()
        return give_data(
            giver=giver, subscription_id=own.pk, phone=a_phone(), data_bytes=giveable_bytes(own)
        )
    payment, _ = buy_bundle(
        customer=giver,
        bundle_id=bundle.pk,
        phone=giver.phone or "",
        provider="auto",
        gift_phone=a_phone(),
    )
    hear(payment)
    return Gift.objects.get()


def wrong() -> list[str]:
    return [f"{each.id} {found}" for each in INVARIANTS for found in each.find()]


@KINDS
def test_ten_claim_a_gift_at_once_and_one_has_it(kind: str) -> None:
    gift = offered(kind)
    ended = at_once([partial(claim_gift, gift=gift, claimer=a_customer()) for _ in range(10)])
    assert len(ended.results) == 1
    assert {type(error) for error in ended.errors} == {GiftAlreadyClaimed}
    gift.refresh_from_db()
    assert Subscription.objects.filter(customer=gift.claimed_by).count() == 1
    assert wrong() == []


@KINDS
def test_one_person_claiming_ten_times_at_once_is_served_once(kind: str) -> None:
    gift, claimer = offered(kind), a_customer()
    ended = at_once([partial(claim_gift, gift=gift, claimer=claimer)] * 10)
    assert ended.errors == []
    assert Subscription.objects.get(customer=claimer).data_limit_bytes == gift.data_bytes
    assert Activation.objects.count() == 1
    assert wrong() == []


@KINDS
def test_a_gift_that_is_claimed_and_taken_back_at_once_is_one_of_the_two(kind: str) -> None:
    gift, claimer = offered(kind), a_customer()
    ended = at_once(
        [
            partial(claim_gift, gift=gift, claimer=claimer),
            partial(take_back, giver=gift.giver, gift_id=gift.pk),
        ]
    )
    assert len(ended.results) == 1
    assert {type(error) for error in ended.errors} <= {GiftAlreadyClaimed, GiftReturned}
    gift.refresh_from_db()
    is_claimed = gift.state == Gift.State.CLAIMED
    assert Subscription.objects.filter(customer=claimer).exists() == is_claimed
    if kind == "bought":
        assert Seat.objects.exists() == is_claimed
        assert ledger.credit_of(gift.giver_id) == (0 if is_claimed else gift.bundle.price)
    assert wrong() == []


def test_who_gives_all_away_several_times_at_once_gives_it_once() -> None:
    giver = a_customer()
    pay(giver, a_bundle())
    own = Subscription.objects.get()
    giving = [
        partial(
            give_data,
            giver=giver,
            subscription_id=own.pk,
            phone=a_phone(),
            data_bytes=giveable_bytes(own),
        )
        for _ in range(8)
    ]
    ended = at_once(giving)
    assert len(ended.results) == 1
    assert {type(error) for error in ended.errors} == {MoreThanIsLeft}
    own.refresh_from_db()
    assert not own.is_spent
    assert wrong() == []
