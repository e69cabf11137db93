"""What a provider is answered that asks about a bill and waits, and what that leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import User
from cases.models import Case
from notifications.models import Message
from payments import ledger
from payments.bills import payables
from payments.models import (
    Bill,
    Disposition,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    Posting,
    WebhookDelivery,
)
from payments.providers.base import Answer, Outcome
from payments.services import answer_bill
from payments.services.follow_up import follow_up
from payments.services.replay_delivery import replay_delivery
from payments.services.settle import settle
from payments.services.take_bill import take_bill
from payments.states import State
from payments.tests.bills import (
    COMPANY,
    REFERENCE,
    TIGO_OPEN,
    TIGO_W2A,
    TXNID,
    ask,
    c2b,
    knows,
    lookup,
    payment,
    validate,
)
from payments.tests.conftest import SECRET_PATH
from payments.tests.factories import a_customer, a_payment

pytestmark = pytest.mark.django_db(transaction=True)

VALIDATION = f"/api/webhooks/in/{SECRET_PATH}/validation"


@pytest.fixture(autouse=True)
def company(settings: Any) -> None:
    settings.TIGO_PESA_COMPANY_NAME = COMPANY


@pytest.fixture
def customer() -> User:
    person = a_customer()
    person.full_name = "Asha Neema Juma"
    person.save()
    return person


@pytest.fixture
def known(customer: User) -> Iterator[User]:
    with payables.temporarily(knows(customer)):
        yield customer


def nothing_was_taken() -> bool:
    return not (Payment.objects.exists() or Posting.objects.exists())


def test_a_name_check_shows_first_name_and_initial_and_no_more(known: User) -> None:
    answer = ask(lookup())
    assert (answer["RESULT"], answer["ERRORCODE"], answer["CONTENT"]) == (
        "TS",
        "error000",
        "Asha J.",
    )
    delivery = WebhookDelivery.objects.get()
    assert (delivery.channel, delivery.state, delivery.next_try_at) == ("question", "applied", None)
    assert nothing_was_taken()
    assert not Bill.objects.exists()


def test_an_unknown_reference_is_refused_and_nothing_is_posted() -> None:
    assert ask(lookup())["ERRORCODE"] == "error010"
    answer = ask(payment())
    assert (answer["RESULT"], answer["ERRORCODE"]) == ("TF", "error010")
    bill = Bill.objects.get()
    assert (bill.state, bill.verdict, bill.payment) == ("refused", "unknown_reference", None)
    assert answer["REFID"] == bill.our_id
    assert nothing_was_taken()
    assert not Case.objects.exists()


def test_the_exact_amount_is_taken_and_then_fulfilled(known: User, sold: list[Payment]) -> None:
    answer = ask(payment())
    assert (answer["RESULT"], answer["ERRORCODE"], answer["TXNID"]) == ("TS", "error000", TXNID)
    bill, paid = Bill.objects.get(), Payment.objects.get()
    assert answer["REFID"] == bill.our_id
    assert (bill.state, bill.payment, bill.payer, bill.amount) == ("taken", paid, known, 5000)
    assert (paid.payer, paid.subject, paid.amount, paid.paid_amount) == (
        known,
        "thing:1",
        5000,
        5000,
    )
    assert (paid.state, paid.payment_method) == (State.COMPLETED, "tigo_pesa")
    attempt = MobileMoneyTransaction.objects.get()
    assert (attempt.status, attempt.provider_transaction_id) == ("completed", TXNID)
    assert (attempt.customer_phone, attempt.dialect) == ("+255711234567", "tigo_pesa")
    event, delivery = PaymentEvent.objects.get(), WebhookDelivery.objects.get()
    assert (event.from_state, event.to_state, event.source) == ("", "completed", "webhook")
    assert event.delivery == delivery
    assert f"delivery {delivery.pk}" in event.evidence
    assert (delivery.state, delivery.attempt) == ("applied", attempt)
    assert Posting.objects.get().source == f"collection:{attempt.reference}"
    assert ledger.balance("provider:tigo_pesa:collection") == 5000
    follow_up(payment_id=paid.pk)
    assert sold == [paid]
    paid.refresh_from_db()
    assert paid.disposition == Disposition.FULFILLED


@pytest.mark.parametrize(("paid", "credit", "kind"), [(4000, 4000, "underpaid"), (6000, 1000, "")])
def test_another_amount_of_a_known_customer_lands_as_credit(
    known: User, paid: int, credit: int, kind: str
) -> None:
    assert ask(payment(AMOUNT=str(paid)))["RESULT"] == "TS"
    follow_up(payment_id=Payment.objects.get().pk)
    assert ledger.credit_of(known.pk) == credit
    assert list(Case.objects.values_list("kind", flat=True)) == ([kind] if kind else [])


def test_a_customer_without_a_purchase_gets_credit_at_once(customer: User) -> None:
    with payables.temporarily(knows(customer, subject="", amount=None)):
        assert ask(payment())["RESULT"] == "TS"
    paid = Payment.objects.get()
    assert (paid.amount, paid.disposition, paid.follow_up_at) == (5000, "credited", None)
    assert ledger.credit_of(customer.pk) == 5000
    assert ledger.balance(ledger.RECEIPTS) == 0
    assert Message.objects.get().message_id == "payment_to_credit"
    assert not Case.objects.exists()


def test_the_same_question_gets_the_same_answer_for_ever(customer: User) -> None:
    """Though the reference is forgotten meanwhile, and so is our company number."""
    with payables.temporarily(knows(customer)):
        first = ask(payment())
    assert ask(payment()) == first
    assert (Bill.objects.count(), Posting.objects.count()) == (1, 1)
    assert WebhookDelivery.objects.filter(state="repeated").count() == 1


def test_a_refusal_stands_though_the_reference_is_known_by_now(customer: User) -> None:
    first = ask(payment())
    with payables.temporarily(knows(customer)):
        assert ask(payment()) == first
    assert nothing_was_taken()


def test_a_repeat_that_differs_gets_the_first_answer_and_staff_look(known: User) -> None:
    first = ask(payment())
    assert ask(payment(AMOUNT="9000")) == first
    assert Case.objects.get().kind == "conflicting_answers"
    assert Posting.objects.count() == 1


def test_a_crash_between_commit_and_answer_changes_nothing(
    known: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from payments.providers.tigo_pesa.client import TigoPesa

    with monkeypatch.context() as patch:
        patch.setattr(TigoPesa, "answer_question", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ask(payment())
    answer = ask(payment())
    assert (answer["RESULT"], answer["REFID"]) == ("TS", Bill.objects.get().our_id)
    assert Posting.objects.count() == 1


def test_what_cannot_be_committed_is_to_be_asked_again(
    known: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise OperationalError(2013, "Lost connection")

    with monkeypatch.context() as patch:
        patch.setattr("payments.ledger.post", broken)
        answer = ask(payment())
    assert (answer["RESULT"], answer["ERRORCODE"], answer["TXNID"]) == ("TF", "error111", TXNID)
    assert nothing_was_taken()
    assert not Bill.objects.exists()
    assert ask(payment())["RESULT"] == "TS"


def test_a_question_that_cannot_even_be_stored_is_to_be_asked_again(
    known: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OperationalError(2002, "no database")

    with monkeypatch.context() as patch:
        patch.setattr("payments.webhooks.keep_delivery", broken)
        assert ask(payment())["ERRORCODE"] == "error111"
    assert nothing_was_taken()


@pytest.mark.parametrize("body", [lookup, payment])
def test_another_company_than_ours_is_refused(known: User, body: Any) -> None:
    assert ask(body(COMPANYNAME="600999"))["RESULT"] == "TF"
    assert nothing_was_taken()


def test_without_a_company_number_no_bill_is_taken(known: User, settings: Any) -> None:
    settings.TIGO_PESA_COMPANY_NAME = ""
    assert ask(payment(COMPANYNAME=""))["RESULT"] == "TF"
    assert nothing_was_taken()


@pytest.mark.parametrize("body", [lookup, payment])
def test_a_path_that_proves_nothing_tells_and_takes_nothing(known: User, body: Any) -> None:
    answer = ask(body(), TIGO_OPEN)
    assert answer["RESULT"] == "TF"
    assert "Asha" not in answer["CONTENT"]
    assert nothing_was_taken()
    assert not Bill.objects.exists(), "a forged refusal would stand for ever"
    delivery = WebhookDelivery.objects.get()
    assert (delivery.trust, delivery.state) == ("open", "refused")
    assert "nothing says" in delivery.note


def test_the_allow_list_is_proof_and_whoever_is_outside_it_is_turned_away(
    known: User, settings: Any
) -> None:
    settings.TIGO_PESA_CALLBACK_SOURCES = [ip_network("10.9.8.0/24")]
    assert Client().post(TIGO_OPEN, payment(), content_type="text/xml").status_code == 403
    delivery = WebhookDelivery.objects.get()
    assert (delivery.trust, delivery.state, delivery.next_try_at) == (
        "quarantined",
        "refused",
        None,
    )
    assert nothing_was_taken()
    settings.TIGO_PESA_CALLBACK_SOURCES = [ip_network("127.0.0.0/8")]
    assert ask(payment(), TIGO_OPEN)["RESULT"] == "TS"


@pytest.mark.parametrize("changes", [{"AMOUNT": "0"}, {"AMOUNT": "99999999999"}, {"TXNID": ""}])
def test_what_cannot_be_paid_is_refused(known: User, changes: dict[str, str]) -> None:
    assert ask(payment(**changes))["RESULT"] == "TF"
    assert nothing_was_taken()


def test_a_receipt_that_has_paid_a_push_pays_no_bill(known: User) -> None:
    attempt = a_payment("tigo_pesa")
    answer = Answer(outcome=Outcome.SUCCEEDED, receipt=TXNID, amount=1000)
    settle(attempt_id=attempt.pk, answer=answer, source="webhook", evidence="test")
    assert ask(payment())["RESULT"] == "TF"
    assert Payment.objects.count() == 1
    assert Bill.objects.get().state == "refused"


def test_rubbish_is_kept_and_refused(known: User) -> None:
    answer = ask(b"<COMMAND><TYPE>SYNC_BILLPAY_REQUEST</TYPE>")
    assert answer["RESULT"] == "TF"
    assert WebhookDelivery.objects.get().state == "malformed"


def test_too_large_a_question_is_refused() -> None:
    body = b"x" * (64 * 1024 + 1)
    assert Client().post(TIGO_W2A, body, content_type="text/xml").status_code == 413
    assert WebhookDelivery.objects.get().state == "refused"


def test_a_question_is_never_processed_again_as_news(known: User) -> None:
    """Daraja's validation reads like the confirmation: replayed, it would book money."""
    WebhookDelivery.objects.create(
        dialect="mpesa_daraja", channel="question", trust="secret_path", state="malformed",
        body=b"{}", body_bytes=2,
    )  # fmt: skip
    assert not replay_delivery(delivery_id=WebhookDelivery.objects.get().pk)


class TestDarajasValidation:
    @pytest.fixture(autouse=True)
    def mpesa(self, settings: Any) -> None:
        settings.WEBHOOK_TOKENS = {SECRET_PATH: "mpesa_daraja"}

    def test_a_known_reference_may_be_paid_and_nothing_is_taken_yet(self, known: User) -> None:
        assert validate(VALIDATION) == (200, {"ResultCode": "0", "ResultDesc": "Accepted"})
        assert nothing_was_taken()
        assert not Bill.objects.exists()
        assert WebhookDelivery.objects.get().dialect == "mpesa_daraja"

    def test_an_attempts_own_reference_may_be_paid(self) -> None:
        attempt = a_payment()
        assert validate(VALIDATION, BillRefNumber=attempt.reference)[1]["ResultCode"] == "0"

    @pytest.mark.parametrize(
        "changes",
        [{"BillRefNumber": "nobody"}, {"BusinessShortCode": "1"}, {"TransID": None}],
    )
    def test_others_are_rejected(self, known: User, changes: dict[str, Any]) -> None:
        status, answer = validate(VALIDATION, **changes)
        assert (status, answer["ResultDesc"]) == (200, "Rejected")

    def test_an_open_path_rejects(self, known: User) -> None:
        assert validate("/api/webhooks/mpesa/validation")[1]["ResultDesc"] == "Rejected"

    def test_the_secret_path_of_the_other_dialect_serves_too(
        self, known: User, settings: Any
    ) -> None:
        settings.WEBHOOK_TOKENS = {SECRET_PATH: "mpesa_openapi"}
        assert validate(VALIDATION)[1]["ResultCode"] == "0"

    def test_anothers_secret_path_has_no_such_place(self, known: User, settings: Any) -> None:
        assert Client().post(TIGO_W2A, payment(), content_type="text/xml").status_code == 404
        settings.WEBHOOK_TOKENS = {SECRET_PATH: "airtel_money"}
        answer = Client().post(VALIDATION, c2b(), content_type="application/json")
        assert answer.status_code == 404
        assert not WebhookDelivery.objects.exists()


def test_a_conflict_is_tried_again_before_the_provider_has_to(
    known: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = [OperationalError(1213, "Deadlock"), OperationalError(1205, "Lock wait")]

    def conflicting(**values: Any) -> Payment:
        if raised:
            raise raised.pop()
        return take_bill(**values)

    monkeypatch.setattr(answer_bill, "take_bill", conflicting)
    assert ask(payment())["RESULT"] == "TS"
    assert Bill.objects.get().bill_reference == REFERENCE
