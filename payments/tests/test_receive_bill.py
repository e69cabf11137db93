"""News of a bill that was paid and cannot be refused: it is placed, or lies in suspense."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import User
from cases.models import Case
from payments import ledger
from payments.bills import payables
from payments.models import (
    Bill,
    Disposition,
    MobileMoneyTransaction,
    Payment,
    Posting,
    WebhookDelivery,
)
from payments.providers import registry
from payments.providers.base import Answer, Outcome
from payments.services.proof import proof_of
from payments.services.receive_bill import receive_bill
from payments.services.settle import settle
from payments.states import State
from payments.tests.bills import c2b, knows, validate
from payments.tests.conftest import SECRET_PATH
from payments.tests.factories import a_customer, a_payment, reload

pytestmark = pytest.mark.django_db(transaction=True)

PROVIDER_ACCOUNT = "provider:vodacom_mpesa:collection"
SUSPENSE = "suspense:vodacom_mpesa"
RECEIPT = "RKTQDM7W6S"


@pytest.fixture
def known() -> Iterator[User]:
    customer = a_customer()
    with payables.temporarily(knows(customer)):
        yield customer


def confirm(trust: str = "secret_path", **changes: Any) -> tuple[str, str]:
    """What becomes of a confirmation that came by such a path."""
    body = json.dumps(c2b(**changes)).encode()
    delivery = WebhookDelivery.objects.create(
        dialect="mpesa_daraja", trust=trust, body=body, body_bytes=len(body)
    )
    daraja = registry.by_dialect("mpesa_daraja")
    notice = daraja.parse_callback(body, {})
    proof = proof_of(delivery, notice, daraja)
    return receive_bill(delivery=delivery, notice=notice, proof=proof)


def nothing_was_booked() -> bool:
    return not any(model.objects.exists() for model in (Bill, Payment, Posting))


def push_succeeds(attempt: MobileMoneyTransaction, receipt: str = RECEIPT) -> bool:
    answer = Answer(outcome=Outcome.SUCCEEDED, receipt=receipt, amount=attempt.payment.amount)
    return settle(attempt_id=attempt.pk, answer=answer, source="webhook", evidence="test")


def test_the_exact_amount_is_fulfilled(known: User, sold: list[Payment]) -> None:
    assert confirm()[0] == "applied"
    paid, bill = Payment.objects.get(), Bill.objects.get()
    assert sold == [paid]
    assert (paid.payer, paid.disposition) == (known, Disposition.FULFILLED)
    assert (bill.state, bill.payer_name, bill.payment) == ("taken", "ASHA JUMA", paid)
    attempt = MobileMoneyTransaction.objects.get()
    assert attempt.customer_phone == known.phone, "theirs is masked, so the customer's own is kept"
    assert attempt.provider_transaction_id == RECEIPT
    assert ledger.balance(PROVIDER_ACCOUNT) == 5000


def test_another_amount_is_credit(known: User) -> None:
    confirm(TransAmount="100")
    assert Payment.objects.get().disposition == Disposition.CREDITED
    assert ledger.credit_of(known.pk) == 100


def test_the_same_news_again_is_repeated(known: User) -> None:
    confirm()
    assert confirm()[0] == "repeated"
    assert Posting.objects.count() == 1
    assert not Case.objects.exists()


def test_an_unknown_reference_is_suspense_with_a_case() -> None:
    state, note = confirm()
    assert (state, "suspense" in note) == ("applied", True)
    bill, case = Bill.objects.get(), Case.objects.get()
    assert (bill.state, bill.payment) == ("suspense", None)
    assert (case.kind, case.amount, case.subject) == ("unplaced_money", 5000, f"bill:{bill.our_id}")
    assert (ledger.balance(PROVIDER_ACCOUNT), ledger.balance(SUSPENSE)) == (5000, -5000)
    assert not Payment.objects.exists()
    assert confirm()[0] == "repeated"
    assert Posting.objects.count() == 1


def test_a_validation_that_was_accepted_is_only_a_promise(settings: Any) -> None:
    """By the time of the confirmation nobody knows the reference any more."""
    settings.WEBHOOK_TOKENS = {SECRET_PATH: "mpesa_daraja"}
    with payables.temporarily(knows(a_customer())):
        answer = validate(f"/api/webhooks/in/{SECRET_PATH}/validation")[1]
    assert answer["ResultDesc"] == "Accepted"
    confirm()
    assert Bill.objects.get().state == "suspense"


def test_an_amount_that_no_payment_holds_is_suspense(known: User) -> None:
    confirm(TransAmount="99999999999")
    assert Bill.objects.get().state == "suspense"
    assert ledger.balance(SUSPENSE) == -99_999_999_999


def test_a_push_and_its_confirmation_are_one_collection(sold: list[Payment]) -> None:
    attempt = a_payment(amount=5000)
    push_succeeds(attempt)
    assert confirm(BillRefNumber=attempt.reference)[0] == "repeated"
    assert confirm(BillRefNumber="")[0] == "repeated"
    assert Posting.objects.count() == 1
    assert sold == [attempt.payment]
    assert not Bill.objects.exists()
    assert not Case.objects.exists()


def test_a_confirmation_that_is_faster_settles_the_push() -> None:
    attempt = a_payment(amount=5000)
    assert confirm(BillRefNumber=attempt.reference.lower())[0] == "applied"
    attempt, paid = reload(attempt)
    assert (paid.state, attempt.provider_transaction_id) == (State.COMPLETED, RECEIPT)
    assert not push_succeeds(attempt)
    assert Posting.objects.count() == 1


def test_a_push_takes_its_own_money_out_of_suspense() -> None:
    """A till's confirmation has no reference, and may overtake the push's callback."""
    attempt = a_payment(amount=5000)
    confirm(BillRefNumber="")
    assert ledger.balance(SUSPENSE) == -5000
    push_succeeds(attempt)
    assert (ledger.balance(SUSPENSE), ledger.balance(PROVIDER_ACCOUNT)) == (0, 5000)
    assert ledger.balance(ledger.RECEIPTS) == -5000
    bill = Bill.objects.get()
    assert (bill.state, bill.payment_id) == ("placed", attempt.payment_id)
    assert Case.objects.get().state == "resolved"


def test_a_receipt_learnt_late_clears_what_was_booked_twice() -> None:
    attempt = a_payment(amount=5000)
    push_succeeds(attempt, receipt="")
    confirm(BillRefNumber="")
    assert ledger.balance(PROVIDER_ACCOUNT) == 10_000
    push_succeeds(attempt)
    assert (ledger.balance(SUSPENSE), ledger.balance(PROVIDER_ACCOUNT)) == (0, 5000)
    assert Case.objects.get().state == "resolved"
    cleared = Posting.objects.get(source__startswith="suspense-cleared")
    assert cleared.payment == attempt.payment


@pytest.mark.parametrize("trust", ["open", "quarantined"])
def test_a_forged_confirmation_moves_nothing(known: User, trust: str) -> None:
    assert confirm(trust)[0] == "hint"
    assert nothing_was_booked()
    assert Case.objects.get().kind == "unanswerable_hint"
    assert confirm()[0] == "applied"


def test_a_forged_confirmation_settles_no_push() -> None:
    attempt = a_payment(amount=5000)
    assert confirm("open", BillRefNumber=attempt.reference)[0] == "hint"
    assert reload(attempt)[1].state == State.INITIATED
    assert not Case.objects.exists(), "the provider is asked anyway"


def test_an_unproven_repeat_of_what_is_known_is_no_case(known: User) -> None:
    confirm()
    assert confirm("open")[0] == "hint"
    assert not Case.objects.exists()


def test_another_short_code_is_a_case_and_nothing_is_posted(known: User) -> None:
    assert confirm(BusinessShortCode="600999")[0] == "unmatched"
    assert Case.objects.get().kind == "wrong_details"
    assert nothing_was_booked()
