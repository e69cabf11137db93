"""Money goes back to the phone that paid: never more than was paid, never besides being served."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from cases.models import Case
from notifications.models import Message
from payments import hooks, ledger
from payments.errors import IdempotencyKeyReused, NotRefundable, ProviderUnavailable
from payments.models import Disposition, Payment, Transfer, TransferRules
from payments.providers.base import Disbursement, Refund, Reversal
from payments.services.decide_transfer import approve_transfer, reject_transfer
from payments.services.follow_up import TRIES_BEFORE_REFUND, follow_up
from payments.services.refund import refund_payment, refundable
from payments.services.return_credit import return_credit
from payments.states import TransferState
from payments.tests.factories import a_customer, a_payment
from payments.tests.outgoing import (
    LOST,
    REFUSED,
    SENT,
    FakeProvider,
    books,
    fail,
    paid,
    refuse,
    sent,
)

pytestmark = pytest.mark.django_db(transaction=True)

COLLECTED = "provider:vodacom_mpesa:collection"
DISBURSED = "provider:vodacom_mpesa:disbursement"
SOLD = {"earnings_held:7": 765, "revenue": 85, "tax": 150}


def refund(payment: Payment, amount: int | None = None, **more: Any) -> Transfer:
    key = more.pop("request_key", f"key:{Transfer.objects.count()}")
    return refund_payment(
        payment_id=payment.pk, request_key=key, why="the reason", amount=amount, **more
    )


@pytest.fixture
def withdrawn() -> Any:
    """The payments whose service was ended."""
    told: list[int] = []
    with hooks.withdrawn.temporarily(lambda payment: told.append(payment.pk)):
        yield told


def test_all_of_a_sale_goes_back_and_the_service_ends(
    provider: FakeProvider, withdrawn: list[int]
) -> None:
    payment = paid()
    transfer = refund(payment)
    assert (transfer.state, transfer.amount) == (TransferState.QUEUED, 1000)
    assert withdrawn == [payment.pk]
    assert books() == {COLLECTED: -1000, f"transfer:{transfer.reference}": 1000}
    transfer = sent(transfer)
    assert (transfer.state, transfer.provider_transaction_id) == ("succeeded", "SENT1")
    assert books() == {COLLECTED: -1000, DISBURSED: 1000}
    payment.refresh_from_db()
    assert payment.disposition == Disposition.FULFILLED
    assert refundable(payment) == 0
    with pytest.raises(NotRefundable, match="Nothing"):
        refund(payment)


def test_the_phone_that_paid_gets_it_under_a_reference_of_its_own(provider: FakeProvider) -> None:
    payment = paid()
    transfer = sent(refund(payment))
    request = provider.sent[0]
    assert isinstance(request, Disbursement)
    assert "+" + request.msisdn == payment.attempts.get().customer_phone == transfer.phone
    assert request.reference == transfer.reference != payment.attempts.get().reference
    assert request.callback_token == transfer.callback_token


def test_a_part_is_borne_in_proportion_and_the_service_goes_on(
    provider: FakeProvider, withdrawn: list[int]
) -> None:
    payment = paid()
    transfer = sent(refund(payment, 333))
    # 254.7, 28.3 and 49.95: what does not divide, two shillings, is the platform's.
    assert books() == {
        COLLECTED: -1000,
        DISBURSED: 333,
        "earnings_held:7": 765 - 254,
        "revenue": 85 - 30,
        "tax": 150 - 49,
    }
    assert transfer.state == "succeeded"
    assert withdrawn == []
    refund(payment)
    assert withdrawn == [payment.pk]


@pytest.mark.parametrize("step", [1, 7, 333, 998])
def test_many_parts_are_never_more_than_was_paid(provider: FakeProvider, step: int) -> None:
    payment = paid()
    back = 0
    for number in range(1100):
        left = refundable(payment)
        assert left == 1000 - back
        if not left:
            break
        amount = min(step if number < 60 else left, left)
        transfer = refund(payment, amount)
        Transfer.objects.filter(pk=transfer.pk).update(state="succeeded")
        back += amount
    assert back == 1000
    assert [ledger.balance(account) for account in SOLD] == [0, 0, 0]


def test_no_account_gives_more_than_it_holds() -> None:
    lies = {"earnings": 765, "revenue": 1, "tax": 150}
    for amount in range(1, 917):
        parts = dict(ledger.in_proportion(lies, amount))
        assert sum(parts.values()) == amount
        assert all(0 <= parts[account] <= lies[account] for account in lies), amount


@pytest.mark.parametrize("amount", [0, -1, 1001])
def test_more_than_is_there_and_less_than_anything_are_refused(
    provider: FakeProvider, amount: int
) -> None:
    with pytest.raises(NotRefundable):
        refund(paid(), amount)
    assert not Transfer.objects.exists()


def test_what_was_not_served_goes_back_as_a_whole_and_is_never_served(
    provider: FakeProvider, sold: list[Payment]
) -> None:
    payment = paid(fail)
    sold.clear()
    with pytest.raises(NotRefundable, match="as a whole"):
        refund(payment, 400)
    released: list[int] = []
    with hooks.given_up.temporarily(lambda payment: released.append(payment.pk)):
        transfer = sent(refund(payment))
    payment.refresh_from_db()
    assert released == [payment.pk]
    assert (payment.disposition, payment.follow_up_at) == (Disposition.REFUNDED, None)
    follow_up(payment_id=payment.pk)
    assert sold == []
    assert transfer.state == "succeeded"
    assert books() == {COLLECTED: -1000, DISBURSED: 1000}


def test_credit_goes_back_and_a_part_of_it_leaves_the_rest(provider: FakeProvider) -> None:
    payment = paid(refuse)
    credit = f"credit:{payment.payer_id}"
    sent(refund(payment, 400))
    payment.refresh_from_db()
    assert payment.disposition == Disposition.CREDITED
    assert books() == {COLLECTED: -1000, DISBURSED: 400, credit: 600}
    refund(payment)
    payment.refresh_from_db()
    assert payment.disposition == Disposition.REFUNDED


def test_credit_that_was_sent_back_by_another_way_is_not_there_any_more(
    provider: FakeProvider,
) -> None:
    payment = paid(refuse)
    return_credit(customer_id=payment.payer_id, amount=700)
    assert refundable(payment) == 300
    with pytest.raises(NotRefundable, match="At most 300"):
        refund(payment, 301)


def test_what_was_over_paid_goes_back_before_the_sellers_bear_anything(
    provider: FakeProvider, withdrawn: list[int]
) -> None:
    payment = paid(received=1500)
    sent(refund(payment, 500))
    assert withdrawn == []
    assert books() == {COLLECTED: -1500, DISBURSED: 500, **SOLD}
    provider.answers = [REFUSED]
    sent(refund(payment))
    assert withdrawn == [payment.pk]
    assert books() == {COLLECTED: -1500, DISBURSED: 500, **SOLD}


def test_all_of_an_over_paid_one_is_all_that_was_paid(provider: FakeProvider) -> None:
    payment = paid(received=1500)
    assert sent(refund(payment)).amount == 1500
    assert books() == {COLLECTED: -1500, DISBURSED: 1500}


def test_what_was_under_paid_goes_back_too(provider: FakeProvider) -> None:
    payment = paid(received=400)
    assert sent(refund(payment)).amount == 400
    assert books() == {COLLECTED: -400, DISBURSED: 400}


def test_the_same_request_again_is_the_same_transfer(provider: FakeProvider) -> None:
    payment = paid()
    first = refund(payment, 400, request_key="again")
    assert refund(payment, 400, request_key="again") == first
    sent(first)
    assert refund(payment, 400, request_key="again") == first
    assert Transfer.objects.count() == 1


def test_while_one_is_under_way_there_is_no_second(provider: FakeProvider) -> None:
    payment = paid()
    refund(payment, 100)
    with pytest.raises(NotRefundable, match="under way"):
        refund(payment, 100)
    assert refundable(payment) == 0


def test_the_database_holds_one_open_refund_of_a_payment(provider: FakeProvider) -> None:
    first = refund(paid(), 100)
    first.pk, first.request_key, first.reference, first.callback_token = None, "b", "B", "b"
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save(force_insert=True)


def test_what_is_not_paid_cannot_go_back(provider: FakeProvider) -> None:
    with pytest.raises(NotRefundable):
        refund(a_payment().payment)


def test_without_a_way_to_send_nothing_is_claimed(provider: FakeProvider) -> None:
    provider.can(disburses=False)
    payment = paid(fail)
    with pytest.raises(ProviderUnavailable):
        refund(payment)
    payment.refresh_from_db()
    assert payment.disposition == Disposition.OPEN
    assert payment.follow_up_at is not None


@pytest.mark.parametrize(
    ("reversal", "amount", "method"),
    [
        (Reversal.NONE, None, "disbursement"),
        (Reversal.FULL, None, "reversal"),
        (Reversal.FULL, 400, "disbursement"),
        (Reversal.PART, 400, "reversal"),
        (Reversal.PART, None, "reversal"),
    ],
)
def test_the_providers_own_reversal_is_used_where_it_can(
    provider: FakeProvider, reversal: Reversal, amount: int | None, method: str
) -> None:
    provider.can(reversal=reversal)
    payment = paid()
    transfer = sent(refund(payment, amount))
    assert transfer.method == method
    request = provider.sent[0]
    if isinstance(request, Refund):
        attempt = payment.attempts.get()
        assert request.receipt == attempt.provider_transaction_id
        assert request.collection_reference == attempt.reference
        assert books().get(COLLECTED, 0) == transfer.amount - 1000
    else:
        assert books()[DISBURSED] == transfer.amount


def test_a_full_reversal_cannot_take_back_what_is_left(provider: FakeProvider) -> None:
    provider.can(reversal=Reversal.FULL)
    payment = paid()
    sent(refund(payment, 400))
    provider.answers = [REFUSED]
    assert sent(refund(payment)).method == "disbursement"


def test_after_a_failed_reversal_the_next_request_disburses(provider: FakeProvider) -> None:
    provider.can(reversal=Reversal.PART)
    provider.answers = [REFUSED]
    payment = paid()
    assert sent(refund(payment)).state == "failed"
    assert books() == {COLLECTED: -1000, **SOLD}
    provider.answers = [REFUSED]
    assert sent(refund(payment)).method == "disbursement"


def test_a_refund_that_fails_leaves_the_money_and_a_case_and_can_be_started_again(
    provider: FakeProvider,
) -> None:
    payment = paid(fail)
    provider.answers = [REFUSED]
    transfer = sent(refund(payment))
    assert (transfer.state, transfer.finished_at is None) == ("failed", False)
    assert books() == {COLLECTED: -1000, "receipts": 1000}
    case = Case.objects.get(kind="transfer_failed")
    assert case.subject == f"transfer:{transfer.reference}"
    assert "no such customer" in case.detail
    assert not Message.objects.filter(message_id="refund_sent").exists()
    provider.answers = [SENT]
    assert sent(refund(payment)).state == "succeeded"
    assert books() == {COLLECTED: -1000, DISBURSED: 1000}


def test_credit_that_could_not_be_sent_is_credit_again(provider: FakeProvider) -> None:
    payment = paid(refuse)
    provider.answers = [REFUSED]
    sent(refund(payment))
    payment.refresh_from_db()
    assert payment.disposition == Disposition.CREDITED
    assert ledger.credit_of(payment.payer_id) == 1000


def test_who_paid_and_cannot_be_served_gets_the_money_back(
    provider: FakeProvider, sold: list[Payment]
) -> None:
    payment = paid(fail)
    sold.clear()
    with hooks.completed.temporarily(fail):
        for _ in range(TRIES_BEFORE_REFUND):
            assert not Transfer.objects.exists()
            follow_up(payment_id=payment.pk)
            sold.clear()
            if Transfer.objects.exists():
                break
    transfer = Transfer.objects.get()
    payment.refresh_from_db()
    assert payment.follow_up_tries == TRIES_BEFORE_REFUND
    assert (transfer.requested_by, transfer.state) == (None, "queued")
    assert payment.disposition == Disposition.REFUNDED
    assert Message.objects.filter(message_id="payment_refunding").count() == 1
    follow_up(payment_id=payment.pk)
    assert sold == []
    assert sent(transfer).state == "succeeded"
    assert books() == {COLLECTED: -1000, DISBURSED: 1000}


def test_where_it_cannot_be_sent_the_activation_is_tried_on(
    provider: FakeProvider, sold: list[Payment]
) -> None:
    provider.can(disburses=False)
    payment = paid(fail)
    Payment.objects.update(follow_up_tries=TRIES_BEFORE_REFUND - 1)
    with hooks.completed.temporarily(fail):
        follow_up(payment_id=payment.pk)
    payment.refresh_from_db()
    assert payment.disposition == Disposition.OPEN
    assert payment.follow_up_at is not None
    assert Case.objects.get().kind == "fulfilment_failed"
    follow_up(payment_id=payment.pk)
    payment.refresh_from_db()
    assert payment.disposition == Disposition.FULFILLED


def test_rejecting_the_refund_of_what_is_not_served_leaves_a_case(provider: FakeProvider) -> None:
    TransferRules.objects.create(four_eyes_above=999)
    maker, checker = a_customer(), a_customer()
    transfer = refund(paid(fail), by=maker)
    assert transfer.state == TransferState.REQUESTED
    reject_transfer(transfer_id=transfer.pk, by=checker, why="no")
    assert books() == {COLLECTED: -1000, "receipts": 1000}
    assert Case.objects.get().kind == "transfer_failed"


def test_rejecting_a_part_of_a_sale_leaves_no_case(provider: FakeProvider) -> None:
    TransferRules.objects.create(four_eyes_above=99)
    transfer = refund(paid(), 100, by=a_customer())
    reject_transfer(transfer_id=transfer.pk, by=a_customer(), why="no")
    assert books() == {COLLECTED: -1000, **SOLD}
    assert not Case.objects.exists()


def test_rejecting_a_part_that_has_ended_the_service_leaves_a_case(
    provider: FakeProvider, withdrawn: list[int]
) -> None:
    TransferRules.objects.create(four_eyes_above=99)
    payment = paid()
    transfer = refund(payment, 100, by=a_customer(), ends_service=True)
    assert (transfer.state, withdrawn) == (TransferState.REQUESTED, [payment.pk])
    reject_transfer(transfer_id=transfer.pk, by=a_customer(), why="no")
    assert books() == {COLLECTED: -1000, **SOLD}
    assert Case.objects.get().kind == "transfer_failed"


@pytest.fixture
def creditor(provider: FakeProvider) -> User:
    """A customer with 1,000 TZS of credit."""
    payer: User = paid(refuse).payer
    return payer


def test_a_customer_has_credit_sent_back_to_the_number_that_paid(creditor: User) -> None:
    transfer = return_credit(customer_id=creditor.pk)
    assert (transfer.kind, transfer.amount, transfer.state) == ("credit", 1000, "queued")
    assert transfer.phone == Payment.objects.get().attempts.get().customer_phone
    assert ledger.credit_of(creditor.pk) == 0
    sent(transfer)
    assert books() == {COLLECTED: -1000, DISBURSED: 1000}
    with pytest.raises(NotRefundable, match="no credit"):
        return_credit(customer_id=creditor.pk)


def test_asked_without_a_key_the_one_under_way_is_given(creditor: User) -> None:
    first = return_credit(customer_id=creditor.pk, amount=400)
    assert return_credit(customer_id=creditor.pk, amount=600) == first
    sent(first)
    assert return_credit(customer_id=creditor.pk, amount=600) != first


def test_so_is_one_that_waits_for_staff_and_one_that_nobody_knows_of(
    provider: FakeProvider, creditor: User
) -> None:
    TransferRules.objects.create(four_eyes_above=399)
    first = return_credit(customer_id=creditor.pk, amount=400)
    assert first.state == "requested"
    assert return_credit(customer_id=creditor.pk, amount=100) == first
    approve_transfer(transfer_id=first.pk, by=a_customer(), why="seen")
    provider.answers = [LOST]
    assert sent(first).state == "pending"
    assert return_credit(customer_id=creditor.pk, amount=100) == first


def test_a_key_gives_the_same_and_names_one_amount(creditor: User) -> None:
    first = return_credit(customer_id=creditor.pk, request_key="k", amount=400)
    assert return_credit(customer_id=creditor.pk, request_key="k", amount=400) == first
    assert return_credit(customer_id=creditor.pk, request_key="k") == first
    with pytest.raises(IdempotencyKeyReused):
        return_credit(customer_id=creditor.pk, request_key="k", amount=500)
    assert ledger.credit_of(creditor.pk) == 600


@pytest.mark.parametrize("amount", [0, -5, 1001])
def test_no_more_credit_than_there_is(creditor: User, amount: int) -> None:
    with pytest.raises(NotRefundable, match="1,000"):
        return_credit(customer_id=creditor.pk, amount=amount)


def test_the_third_in_a_month_waits_for_staff(creditor: User) -> None:
    states = []
    for number in range(3):
        transfer = return_credit(customer_id=creditor.pk, request_key=str(number), amount=100)
        states.append(transfer.state)
    assert states == ["queued", "queued", "requested"]
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert return_credit(customer_id=creditor.pk, request_key="x").state == "queued"


@pytest.mark.parametrize(("language", "words"), [("sw", "Tumekurudishia"), ("en", "back to you")])
def test_the_customer_is_told_in_the_language_of_choice(
    provider: FakeProvider, language: str, words: str
) -> None:
    payment = paid()
    User.objects.filter(pk=payment.payer_id).update(language=language)
    transfer = sent(refund(payment))
    message = Message.objects.get(message_id="refund_sent")
    assert words in message.text
    assert "1,000" in message.text
    assert "SENT1" in message.text
    assert message.to == transfer.phone


@pytest.mark.parametrize(("language", "words"), [("sw", "Salio lako"), ("en", "Your credit")])
def test_credit_sent_back_is_told_too(creditor: User, language: str, words: str) -> None:
    User.objects.filter(pk=creditor.pk).update(language=language)
    sent(return_credit(customer_id=creditor.pk))
    assert words in Message.objects.get(message_id="credit_sent").text
