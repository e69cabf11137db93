"""Renewals that several beats look at at once, or that one dies with, are bought once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.utils import timezone

from bundles.models import Activation, Renewal, Subscription
from bundles.services import renew
from bundles.services.renew import renew_due
from bundles.tests.test_buy_with_credit import buy, give_credit
from bundles.tests.test_renew import near_its_end, subscribed
from payments import ledger
from payments.models import Payment
from payments.services.follow_up import follow_up
from tests.at_once import at_once
from vpn.tests.factories import first_gateway

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

BEATS = 8


@pytest.fixture
def due() -> list[Subscription]:
    """Subscriptions that are nearly over, with credit for more than one renewal each."""
    first_gateway()
    subscriptions = [subscribed() for _ in range(3)]
    for subscription in subscriptions:
        give_credit(subscription.customer, 5_000)
        near_its_end(subscription)
    return subscriptions


def make_due() -> None:
    Renewal.objects.update(due_at=timezone.now())


def bought_once(due: list[Subscription]) -> None:
    for payment in Payment.objects.filter(payment_method="credit"):
        follow_up(payment_id=payment.pk)
    assert {ledger.credit_of(each.customer_id) for each in due} == {4_000}
    assert Payment.objects.filter(payment_method="credit").count() == len(due)
    assert Activation.objects.count() == 2 * len(due)


def test_beats_at_once_buy_each_once(due: list[Subscription]) -> None:
    ended = at_once([renew_due] * BEATS)
    assert ended.errors == []
    assert sum(ended.results) == len(due)
    bought_once(due)


def test_claims_that_have_run_out_while_their_owners_live_buy_once(
    due: list[Subscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is so slow that another has the same renewal finds it under way, or bought."""
    monkeypatch.setattr(renew, "_claim", lambda *_: True)
    ended = at_once([renew_due] * BEATS)
    assert ended.errors == []
    assert sum(ended.results) == len(due)
    bought_once(due)


def test_who_dies_in_the_middle_leaves_it_to_the_next(
    due: list[Subscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise SystemExit

    for step in ("_renew", "pay_from_credit"):
        make_due()
        with monkeypatch.context() as patch:
            patch.setattr(renew, step, dies)
            with pytest.raises(SystemExit):
                renew_due()
    assert not Payment.objects.filter(payment_method="credit").exists()
    make_due()
    assert sum(at_once([renew_due] * 2).results) == len(due)
    make_due()
    assert renew_due() == 0, "what is bought and not served yet is not bought again"
    bought_once(due)


def test_a_customer_who_buys_at_the_same_moment_does_not_pay_twice(
    due: list[Subscription],
) -> None:
    calls: list[Callable[[], object]] = [partial(buy, each.customer, each.bundle) for each in due]
    assert at_once([*calls, renew_due]).errors == []
    bought_once(due)
