"""What keeps somebody offline who has paid."""

from __future__ import annotations

import pytest
from django.utils import timezone

from bundles.models import Subscription
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from payments.models import Payment
from payments.states import State
from payments.tests.factories import a_customer
from vpn.diagnosis import Finding, Verb, diagnose
from vpn.models import Gateway
from vpn.tests.ailments import WRONG, Change, asked, befall, given_up, payments, sent_back

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paid() -> Payment:
    return pay(a_customer(), a_bundle())


@pytest.mark.parametrize("finding", WRONG)
def test_what_is_wrong_is_found(paid: Payment, finding: Finding) -> None:
    befall(paid, finding)
    assert diagnose(paid.payer_id, timezone.now()).finding == finding


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (asked, Finding.NO_ANSWER),
        (given_up, Finding.NOT_PAID),
        (payments(state=State.FAILED, disposition=""), Finding.NOT_PAID),
        (sent_back, Finding.REFUNDED),
    ],
)
def test_a_payment_that_bought_nothing_is_told_unless_an_earlier_one_serves(
    paid: Payment, change: Change, finding: Finding
) -> None:
    Gateway.objects.update(seen_at=timezone.now(), agent_revision=1_000)
    change(paid)
    assert diagnose(paid.payer_id, timezone.now()).finding == Finding.NOT_FETCHED
    Subscription.objects.update(state="ended")
    found = diagnose(paid.payer_id, timezone.now())
    assert found.finding == finding
    assert found.verb in (Verb.BUY_AGAIN, Verb.ASK_THE_PROVIDER)


@pytest.mark.parametrize("finding", [Finding.TIME_OVER, Finding.USED_UP])
def test_what_is_over_is_told_unless_something_else_serves(paid: Payment, finding: Finding) -> None:
    befall(paid, finding)
    pay(paid.payer, other := a_bundle())
    Payment.objects.exclude(pk=paid.pk).update(payer=a_customer())
    Gateway.objects.update(agent_revision=1_000)
    found = diagnose(paid.payer_id, timezone.now())
    assert found.finding == Finding.NOT_FETCHED
    assert found.subscription is not None
    assert found.subscription.bundle == other


def test_who_has_paid_nothing_has_bought_nothing() -> None:
    assert diagnose(a_customer().pk, timezone.now()).finding == Finding.NOTHING_BOUGHT
