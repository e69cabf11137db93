"""What happens to money on ordinary days, by the real services; only the providers are played."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from accounts.models import User
from bundles.models import Activation, Bundle, Gift, Purchase, Subscription, Terms
from bundles.services.buy import buy_bundle
from bundles.services.claim_gift import claim_gift
from bundles.services.earn import earned_account, release_earnings
from bundles.services.end import end_overdue_subscriptions
from bundles.services.give_data import give_data
from bundles.services.offer_paybill import offer_paybill
from bundles.services.return_gift import return_unclaimed, take_back
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear
from payments import ledger
from payments.models import (
    MobileMoneyTransaction,
    Payment,
    ProviderName,
    Transfer,
    WebhookDelivery,
)
from payments.providers.base import Answer, Notice, NoticeKind, Outcome, Reason
from payments.services.decide_transfer import approve_transfer, reject_transfer
from payments.services.follow_up import follow_up
from payments.services.payout import pay_out
from payments.services.push import push_attempt
from payments.services.query import check_attempt
from payments.services.receive_bill import receive_bill
from payments.services.refund import refund_payment
from payments.services.refund_to_credit import refund_to_credit
from payments.services.return_credit import return_credit
from payments.services.send_transfer import send_transfer
from payments.states import TransferState
from payments.tests.factories import a_customer, a_phone, an_owner

TIGO = ProviderName.TIGO_PESA
ACCEPTED = Answer(outcome=Outcome.PENDING, code="0")
NOT_SENT = Answer(outcome=Outcome.NOT_SENT, code="refused")


def asked(bundle: Bundle, *answers: Answer, customer: User | None = None) -> Payment:
    """A payment whose phone was prompted; the provider answers each sending in turn."""
    payment = buy(customer or a_customer(a_phone(TIGO)), bundle)
    attempt = payment.attempts.get()
    with patch("payments.providers.tigo_pesa.client.TigoPesa.collect") as collect:
        collect.side_effect = answers or (ACCEPTED,)
        for _ in answers or (ACCEPTED,):
            push_attempt(attempt_id=attempt.pk)
    payment.refresh_from_db()
    return payment


def paid(bundle: Bundle, amount: int | None = None, customer: User | None = None) -> Payment:
    payment = asked(bundle, customer=customer)
    return hear(payment, amount=payment.amount if amount is None else amount)


def sent(transfer: Transfer, *outcomes: Outcome) -> Transfer:
    """The transfer after the provider has answered each sending in turn."""
    for outcome in outcomes:
        receipt = f"T{transfer.pk}" if outcome == Outcome.SUCCEEDED else ""
        answer = Answer(outcome=outcome, code="x", receipt=receipt)
        with patch("payments.services.send_transfer._ask", return_value=answer):
            send_transfer(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    return transfer


def refund(payment: Payment, amount: int | None = None, by: User | None = None) -> Transfer:
    return refund_payment(
        payment_id=payment.pk,
        request_key=f"refund:{payment.pk}:{amount}",
        why="asked for",
        amount=amount,
        by=by,
    )


def fill_float() -> None:
    ledger.post(
        source="float:first",
        memo="float topped up",
        lines=[(ledger.disbursement_account(TIGO), 1_000_000), (ledger.BANK, -1_000_000)],
    )


def send_money(settings: Any) -> None:
    settings.TIGO_PESA_DISBURSE_URL = "http://tigo.test/a2w"
    settings.TIGO_PESA_DISBURSE_MSISDN = "255710000001"
    settings.TIGO_PESA_DISBURSE_PIN = "7391"


@dataclass(frozen=True, slots=True)
class Books:
    """A few payments and transfers, one of each kind that tests break."""

    served: Payment  # fulfilled, 700 of 1,000 TZS sent back
    waiting: Payment  # for its PIN
    credited: Payment  # 400 of 1,000 TZS paid
    refund: Transfer  # succeeded
    queued: Transfer  # the credit of 400 TZS, to be sent back
    decided: Transfer  # approved by a second person, on its way


def a_few_books() -> Books:
    fill_float()
    bundle = a_bundle()
    served, waiting, credited = paid(bundle), asked(bundle), paid(bundle, amount=400)
    back = sent(refund(served, 700), Outcome.SUCCEEDED)
    queued = return_credit(customer_id=credited.payer_id, request_key="credit")
    dear = paid(a_bundle(price=60_000))
    large = approve_transfer(
        transfer_id=refund(dear, by=a_customer()).pk, by=a_customer(), why="right"
    )
    return Books(served, waiting, credited, back, queued, sent(large, Outcome.UNKNOWN))


def every_ordinary_story() -> None:
    """Paid and not, too much and too little, late and twice, sent back, paid out, used up."""
    fill_float()
    bundle, few = a_bundle(), a_bundle(max_clients=1)
    _prompts(bundle)
    _wrong_sums(bundle)
    _late_and_twice(bundle, few)
    _renewed(bundle)
    _sent_back(bundle)
    _taken_back(bundle)
    _from_credit(bundle)
    _by_the_providers_menu(bundle)
    _gifts(bundle)
    _earned()


def _with_credit(bundle: Bundle, credit: int) -> Payment:
    """A payment that some credit, of an over-payment, pays for with the phone."""
    rich = paid(a_bundle(price=500), amount=500 + credit).payer
    payment, _ = buy_bundle(
        customer=rich,
        bundle_id=bundle.pk,
        phone=rich.phone or "",
        provider="auto",
        use_credit=True,
    )
    return payment


def _pay_rest(payment: Payment) -> Payment:
    return hear(payment, amount=payment.asked_amount)


def _from_credit(bundle: Bundle) -> None:
    follow_up(payment_id=_with_credit(bundle, 1_000).pk)
    unwanted = _with_credit(bundle, 1_000)
    follow_up(payment_id=unwanted.pk)
    refund_to_credit(payment_id=unwanted.pk, why="did not work", by=unwanted.payer)
    _with_credit(bundle, 400)
    _pay_rest(_with_credit(bundle, 400))
    hear(_with_credit(bundle, 400), Outcome.FAILED, reason=Reason.CANCELLED)
    late = hear(_with_credit(bundle, 400), Outcome.FAILED, reason=Reason.CANCELLED)
    hear(late, amount=600)
    sent(refund(_pay_rest(_with_credit(bundle, 400))), Outcome.SUCCEEDED)
    again = _pay_rest(_with_credit(bundle, 400))
    sent(refund(again), Outcome.FAILED)
    sent(refund_payment(payment_id=again.pk, request_key="again", why="again"), Outcome.SUCCEEDED)
    sent(refund(_pay_rest(_with_credit(bundle, 400)), 100), Outcome.SUCCEEDED)
    hear(_pay_rest(_with_credit(bundle, 400)), Outcome.REVERSED)
    unserved = _with_credit(bundle, 400)
    with patch("payments.services.settle.follow_up"):
        _pay_rest(unserved)
    sent(refund(unserved), Outcome.SUCCEEDED)
    assert ledger.credit_of(unserved.payer_id) == 400


def _by_the_providers_menu(bundle: Bundle) -> None:
    """Exactly, too little, and for nothing that anybody knows."""
    for number, (known, amount) in enumerate([(True, 1_000), (True, 300), (False, 700)]):
        offer = offer_paybill(customer=a_customer(), bundle_id=bundle.pk)
        answer = Answer(outcome=Outcome.SUCCEEDED, receipt=f"BILL{number}", amount=amount)
        reference = offer.reference if known else "00000000"
        delivery = WebhookDelivery.objects.create(
            dialect="mpesa_daraja",
            trust=WebhookDelivery.Trust.SECRET_PATH,
            body=b"{}",
            body_bytes=2,
            state=WebhookDelivery.State.APPLIED,
        )
        notice = Notice(answer=answer, kind=NoticeKind.BILL, bill_reference=reference)
        receive_bill(delivery=delivery, notice=notice, proof="the secret path")


def _prompts(bundle: Bundle) -> None:
    asked(bundle)
    buy(a_customer(a_phone(TIGO)), bundle)
    hear(asked(bundle), Outcome.FAILED, reason=Reason.INSUFFICIENT_FUNDS)
    hear(asked(bundle, NOT_SENT, ACCEPTED))
    asked(bundle, NOT_SENT, NOT_SENT)
    _expire(asked(bundle))
    _expire(asked(bundle, NOT_SENT))
    hear(_expire(asked(bundle)))


def _expire(payment: Payment) -> Payment:
    attempt = payment.attempts.get()
    now = timezone.now()
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(expires_at=now)
    push_attempt(attempt_id=attempt.pk)
    check_attempt(attempt_id=attempt.pk)
    payment.refresh_from_db()
    return payment


def _wrong_sums(bundle: Bundle) -> None:
    paid(bundle, amount=1_500)
    little = paid(bundle, amount=400)
    sent(return_credit(customer_id=little.payer_id, request_key="little"), Outcome.SUCCEEDED)
    refused = paid(bundle, amount=300)
    sent(return_credit(customer_id=refused.payer_id, request_key="refused"), Outcome.FAILED)
    sent(refund(paid(bundle, amount=200)), Outcome.SUCCEEDED)


def _late_and_twice(bundle: Bundle, few: Bundle) -> None:
    late = asked(few)
    hear(late, Outcome.FAILED, reason=Reason.NO_ANSWER)
    paid(few)
    hear(late)
    customer = a_customer(a_phone(TIGO))
    first = asked(bundle, customer=customer)
    hear(first, Outcome.FAILED, reason=Reason.INSUFFICIENT_FUNDS)
    paid(bundle, customer=customer)
    hear(first)


def _renewed(bundle: Bundle) -> None:
    customer = a_customer(a_phone(TIGO))
    first = paid(bundle, customer=customer)
    long_ago = timezone.now() - timedelta(hours=2)
    MobileMoneyTransaction.objects.filter(payment=first).update(created_at=long_ago)
    second = paid(bundle, customer=customer)
    sent(refund(second), Outcome.SUCCEEDED)
    over = paid(a_bundle())
    purchase = Purchase.objects.get(pk=Purchase.id_from(over.subject))
    Subscription.objects.filter(activations__purchase=purchase).update(
        starts_at=long_ago - timedelta(days=1), ends_at=long_ago
    )
    end_overdue_subscriptions()


def _sent_back(bundle: Bundle) -> None:
    sent(refund(paid(bundle)), Outcome.SUCCEEDED)
    sent(refund(paid(bundle), 300), Outcome.NOT_SENT, Outcome.SUCCEEDED)
    sent(refund(paid(bundle), 300), Outcome.FAILED)
    sent(refund(paid(bundle)), Outcome.UNKNOWN)
    sent(refund(paid(bundle)), Outcome.NOT_SENT)
    asked_for, other = a_customer(), a_customer()
    dear = a_bundle(price=60_000)
    refund(paid(dear), by=asked_for)
    reject_transfer(transfer_id=refund(paid(dear), by=asked_for).pk, by=other, why="it was used")
    approved = approve_transfer(
        transfer_id=refund(paid(dear), by=asked_for).pk, by=other, why="right"
    )
    sent(approved, Outcome.SUCCEEDED)
    with patch("payments.services.settle.follow_up"):
        unserved = paid(bundle)
    sent(refund(unserved), Outcome.SUCCEEDED)
    with patch("payments.services.settle.follow_up"):
        stuck = paid(bundle)
    sent(refund(stuck), Outcome.FAILED)


def _taken_back(bundle: Bundle) -> None:
    hear(paid(bundle), Outcome.REVERSED)
    hear(paid(bundle, amount=400), Outcome.REVERSED)
    with patch("payments.services.settle.follow_up"):
        unserved = paid(bundle)
        hear(unserved, Outcome.REVERSED)
    spent = paid(bundle, amount=400)
    sent(return_credit(customer_id=spent.payer_id, request_key="spent"), Outcome.SUCCEEDED)
    hear(spent, Outcome.REVERSED)
    partly = paid(bundle)
    sent(refund(partly, 300), Outcome.SUCCEEDED)
    hear(partly, Outcome.REVERSED)
    undecided = paid(a_bundle(price=60_000))
    refund(undecided, by=a_customer())
    hear(undecided, Outcome.REVERSED)


def a_gift(bundle: Bundle) -> Gift:
    """Paid for, and waiting to be claimed."""
    giver = a_customer(a_phone(TIGO))
    payment, _ = buy_bundle(
        customer=giver,
        bundle_id=bundle.pk,
        phone=giver.phone or "",
        provider="auto",
        gift_phone=a_phone(),
    )
    hear(payment)
    return Gift.objects.get(giver=giver)


def given_data(bundle: Bundle) -> Gift:
    """A gigabyte of a bundle that runs, waiting to be claimed."""
    giver = paid(bundle).payer
    own = Subscription.objects.get(customer=giver)
    return give_data(giver=giver, subscription_id=own.pk, phone=a_phone(), data_bytes=10**9)


def _gifts(bundle: Bundle) -> None:
    """Waiting, claimed, taken back, sent back before and after, reversed; of both kinds."""
    for offered in (a_gift, given_data):
        offered(bundle)
        claim_gift(gift=offered(bundle), claimer=a_customer())
        claim_gift(gift=offered(bundle), claimer=paid(bundle).payer)
        back = offered(bundle)
        take_back(giver=back.giver, gift_id=back.pk)
        Gift.objects.filter(pk=offered(bundle).pk).update(expires_at=timezone.now())
        return_unclaimed()
        sent(refund(Payment.objects.get(payer=offered(bundle).giver)), Outcome.SUCCEEDED)
        claimed = claim_gift(gift=offered(bundle), claimer=a_customer())
        hear(Payment.objects.get(payer=claimed.giver), Outcome.REVERSED)
        hear(Payment.objects.get(payer=back.giver), Outcome.REVERSED)


def _earned() -> None:
    """Also of a sale of which a part is on its way back, and then stays."""
    bundle = a_bundle(owner=an_owner(a_phone(TIGO)))
    paid(bundle)
    Terms.current()
    Terms.objects.update(refund_window_days=0)
    part = refund(paid(bundle), 300)
    release_earnings()
    sent(part, Outcome.FAILED)
    release_earnings()
    sold = Activation.objects.filter(purchase__bundle=bundle)
    assert sold.filter(earned_at__isnull=False).count() == 2
    transfer = pay_out(
        payee_id=bundle.owner_id,
        account=earned_account(bundle.owner_id),
        amount=500,
        request_key="payout",
        why="earned",
        by=a_customer(),
    )
    assert sent(transfer, Outcome.SUCCEEDED).state == TransferState.SUCCEEDED
