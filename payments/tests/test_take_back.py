"""The provider says that a completed payment was reversed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accounts.models import User
from cases.models import Case
from notifications.models import Message
from payments import hooks, ledger
from payments.errors import NotRefundable
from payments.models import Disposition, Payment, Transfer
from payments.providers.base import Reversal
from payments.services.follow_up import follow_up
from payments.services.refund import refund_payment
from payments.services.settle import settle
from payments.tests.factories import a_customer, a_payment, reload
from payments.tests.outgoing import (
    LOST,
    NOT_SENT,
    REFUSED,
    REVERSED,
    SENT,
    FakeProvider,
    books,
    checked,
    fail,
    hear,
    paid,
    refuse,
    sent,
)

pytestmark = pytest.mark.django_db(transaction=True)

COLLECTED = "provider:vodacom_mpesa:collection"
DISBURSED = "provider:vodacom_mpesa:disbursement"


@pytest.fixture(autouse=True)
def told() -> Any:
    """What the sellers were told: (hook, payment)."""
    heard: list[tuple[str, int]] = []
    with (
        hooks.withdrawn.temporarily(lambda payment: heard.append(("withdrawn", payment.pk))),
        hooks.given_up.temporarily(lambda payment: heard.append(("given up", payment.pk))),
    ):
        yield heard


def refund(payment: Payment, amount: int | None = None) -> Transfer:
    return refund_payment(
        payment_id=payment.pk,
        request_key=f"key:{Transfer.objects.count()}",
        why="asked for",
        amount=amount,
    )


def cases() -> list[str]:
    return sorted(Case.objects.values_list("kind", flat=True))


def test_of_a_sale_the_service_ends_and_the_sellers_bear_it(
    provider: FakeProvider, told: list[tuple[str, int]]
) -> None:
    payment = paid()
    hear(payment, REVERSED)
    assert payment.reversed_at is not None
    assert told == [("withdrawn", payment.pk)]
    assert books() == {}
    case = Case.objects.get()
    assert (case.kind, case.amount, case.subject) == (
        "reversed",
        1000,
        f"payment:{payment.public_id}",
    )
    assert Message.objects.filter(message_id="payment_reversed").count() == 1
    with pytest.raises(NotRefundable):
        refund(payment)


def test_twice_is_once(provider: FakeProvider, told: list[tuple[str, int]]) -> None:
    payment = paid()
    for _ in range(2):
        hear(payment, REVERSED)
    assert len(told) == 1
    assert books() == {}
    assert Case.objects.count() == 1


def test_of_what_is_not_served_yet_nothing_will_be(
    provider: FakeProvider, sold: list[Payment], told: list[tuple[str, int]]
) -> None:
    payment = paid(fail)
    sold.clear()
    hear(payment, REVERSED)
    assert payment.disposition == Disposition.REFUNDED
    assert told == [("given up", payment.pk)]
    assert books() == {}
    follow_up(payment_id=payment.pk)
    assert sold == []


def test_of_credit_the_credit_goes(provider: FakeProvider) -> None:
    payment = hear(paid(refuse), REVERSED)
    assert payment.disposition == Disposition.CREDITED
    assert books() == {}


def test_of_credit_that_was_spent_the_customer_owes_it(provider: FakeProvider) -> None:
    payment = paid(refuse)
    credit = ledger.credit_account(payment.payer_id)
    ledger.post(source="x", memo="spent", lines=[(credit, 700), (ledger.RECEIPTS, -700)])
    hear(payment, REVERSED)
    assert ledger.credit_of(payment.payer_id) == -700


def test_of_an_over_paid_one_all_goes(provider: FakeProvider) -> None:
    hear(paid(received=1500), REVERSED)
    assert books() == {}


def test_after_a_partial_refund_that_part_is_the_platforms_loss(provider: FakeProvider) -> None:
    payment = paid()
    sent(refund(payment, 400))
    hear(payment, REVERSED)
    assert books() == {DISBURSED: 400, "revenue": -400}


def test_while_our_reversal_is_under_way_the_news_is_of_that_one(provider: FakeProvider) -> None:
    """It settles the reversal though asking about that tells nothing."""
    provider.can(reversal=Reversal.PART)
    provider.answers = [LOST]
    payment = paid()
    transfer = checked(sent(refund(payment)))
    assert transfer.state == "pending"
    for _ in range(2):
        hear(payment, replace(REVERSED, receipt="of the collection", amount=1000))
        transfer.refresh_from_db()
        assert (payment.reversed_at, transfer.state) == (None, "succeeded")
        assert transfer.provider_transaction_id is None
        assert transfer.events.latest("id").source == "webhook"
        assert books() == {}
    assert cases() == []


def test_the_news_after_a_part_was_asked_back_is_looked_into(provider: FakeProvider) -> None:
    """The provider may mean the part, or have taken the rest by itself: that is no guess of ours."""
    provider.can(reversal=Reversal.PART)
    provider.answers = [LOST]
    payment = paid()
    transfer = checked(sent(refund(payment, 400)))
    hear(payment, REVERSED)
    transfer.refresh_from_db()
    assert (payment.reversed_at, transfer.state) == (None, "succeeded")
    assert cases() == ["reversed"]
    assert Case.objects.get().amount == 600


def test_a_refund_not_sent_yet_is_not_sent_any_more(provider: FakeProvider) -> None:
    payment = paid(fail)
    transfer = refund(payment)
    hear(payment, REVERSED)
    assert sent(transfer).state == "rejected"
    assert provider.sent == []
    assert books() == {}
    assert cases() == ["reversed"]


def test_nor_is_a_reversal_that_could_not_be_sent_so_far(provider: FakeProvider) -> None:
    provider.can(reversal=Reversal.PART)
    provider.answers = [NOT_SENT]
    payment = paid()
    transfer = sent(refund(payment))
    hear(payment, REVERSED)
    transfer.refresh_from_db()
    assert transfer.state == "rejected"
    assert books() == {}


@pytest.mark.parametrize(
    ("answer", "after"), [(SENT, {DISBURSED: 1000, "revenue": -1000}), (REFUSED, {})]
)
def test_a_disbursement_on_its_way_is_the_platforms_until_it_fails(
    provider: FakeProvider, answer: Any, after: dict[str, int]
) -> None:
    provider.answers = [LOST, answer]
    payment = paid()
    transfer = sent(refund(payment))
    hear(payment, REVERSED)
    checked(transfer)
    assert books() == after


def test_a_reversal_of_somebody_elses_payment_takes_nothing(provider: FakeProvider) -> None:
    payment = paid()
    wrongs: list[dict[str, Any]] = [{"msisdn": "255754999999"}, {"currency": "KES"}]
    for wrong in wrongs:
        assert not settle(
            attempt_id=payment.attempts.get().pk,
            answer=replace(REVERSED, **wrong),
            source="webhook",
            evidence="the news",
        )
    payment.refresh_from_db()
    assert payment.reversed_at is None
    assert cases() == ["wrong_details"]


def test_of_what_never_completed_it_is_a_failure(provider: FakeProvider) -> None:
    attempt = a_payment()
    hear(attempt.payment, REVERSED)
    assert reload(attempt)[1].state == "failed"
    assert books() == {}


@pytest.mark.parametrize(("language", "words"), [("sw", "yamerudishwa"), ("en", "taken back")])
def test_the_customer_is_told(provider: FakeProvider, language: str, words: str) -> None:
    payer = a_customer()
    User.objects.filter(pk=payer.pk).update(language=language)
    payer.refresh_from_db()
    hear(paid(payer=payer), REVERSED)
    assert words in Message.objects.get(message_id="payment_reversed").text
