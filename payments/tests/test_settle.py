"""The one door to a final state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from cases.models import Case
from notifications.models import Message
from payments import hooks, ledger
from payments.errors import CannotFulfil
from payments.models import (
    Disposition,
    Entry,
    MobileMoneyTransaction,
    Payment,
    PaymentEvent,
    Posting,
    ProviderName,
    WebhookDelivery,
)
from payments.providers import registry
from payments.providers.base import Answer, Outcome, Reason
from payments.services.record import record_move
from payments.services.settle import settle
from payments.states import MOVES, State, may_move
from payments.tests.factories import a_payment, reload

pytestmark = pytest.mark.django_db(transaction=True)

PAID = Answer(outcome=Outcome.SUCCEEDED, code="0", receipt="ABC123", amount=1000)
REFUSED = Answer(outcome=Outcome.FAILED, reason=Reason.WRONG_PIN, code="2001")


def told(attempt_id: int, answer: Answer, source: str = "webhook") -> bool:
    return settle(attempt_id=attempt_id, answer=answer, source=source, evidence="test")


def the_case(attempt: MobileMoneyTransaction) -> tuple[str, str]:
    """The one case, which is of the attempt's payment: its kind and detail."""
    case = Case.objects.get()
    payment = attempt.payment
    assert (case.subject, case.amount) == (f"payment:{payment.public_id}", payment.amount)
    return case.kind, case.detail


def test_a_success_completes_posts_and_fulfils(sold: list[Payment]) -> None:
    attempt = a_payment()
    assert told(attempt.pk, PAID)
    attempt, payment = reload(attempt)
    assert payment.state == attempt.status == State.COMPLETED
    assert payment.disposition == Disposition.FULFILLED
    assert (payment.paid_amount, payment.paid_at is None) == (1000, False)
    assert attempt.provider_transaction_id == "ABC123"
    assert [p.pk for p in sold] == [payment.pk]
    assert ledger.balance("provider:vodacom_mpesa:collection") == 1000
    assert ledger.balance("receipts") == -1000
    assert Posting.objects.get().memo == f"{attempt.get_provider_display()} ABC123"
    assert list(payment.events.values_list("from_state", "to_state", "source").order_by("id")) == [
        ("", "initiated", "customer"),
        ("initiated", "completed", "webhook"),
    ]


def test_the_same_news_twice_is_one_result(sold: list[Payment]) -> None:
    attempt = a_payment()
    assert told(attempt.pk, PAID)
    assert not told(attempt.pk, PAID)
    assert not told(attempt.pk, PAID, source="query")
    assert Posting.objects.count() == 1
    assert len(sold) == 1
    assert PaymentEvent.objects.filter(to_state=State.COMPLETED).count() == 1


def test_a_failure_after_success_changes_nothing_and_opens_a_case() -> None:
    attempt = a_payment()
    told(attempt.pk, PAID)
    assert not told(attempt.pk, REFUSED)
    assert reload(attempt)[1].state == State.COMPLETED
    assert the_case(attempt)[0] == "conflicting_answers"


def test_another_receipt_of_what_is_paid_changes_nothing_and_opens_a_case() -> None:
    attempt = a_payment()
    told(attempt.pk, PAID)
    assert not told(attempt.pk, replace(PAID, receipt="DEF456"))
    assert the_case(attempt) == (
        "paid_twice",
        "receipt ABC123 is recorded, the provider also names DEF456",
    )
    assert reload(attempt)[0].provider_transaction_id == "ABC123"
    assert Posting.objects.count() == 1


def test_another_amount_of_what_is_paid_changes_nothing_and_opens_a_case() -> None:
    attempt = a_payment()
    told(attempt.pk, PAID)
    assert not told(attempt.pk, replace(PAID, amount=900))
    assert the_case(attempt) == (
        "conflicting_answers",
        "1000 TZS are recorded, the provider also says 900",
    )
    assert reload(attempt)[1].paid_amount == 1000
    assert Posting.objects.count() == 1


def test_a_late_success_after_failure_is_recorded_as_paid(sold: list[Payment]) -> None:
    attempt = a_payment()
    told(attempt.pk, REFUSED)
    assert reload(attempt)[1].state == State.FAILED
    told(attempt.pk, PAID)
    attempt, payment = reload(attempt)
    assert payment.state == State.COMPLETED
    assert payment.reason == attempt.reason == ""
    assert len(sold) == 1


def test_a_failure_tells_the_customer_why_once() -> None:
    attempt = a_payment()
    assert told(attempt.pk, REFUSED)
    assert not told(attempt.pk, REFUSED)
    attempt, payment = reload(attempt)
    assert attempt.reason == payment.reason == Reason.WRONG_PIN
    message = Message.objects.get()
    assert message.message_id == "payment_failed"
    assert message.context["reason"] == "wrong_pin"


def test_less_than_the_price_is_credit_and_a_case_and_no_activation(sold: list[Payment]) -> None:
    attempt = a_payment()
    told(attempt.pk, Answer(outcome=Outcome.SUCCEEDED, code="0", receipt="R1", amount=400))
    payment = reload(attempt)[1]
    assert payment.disposition == Disposition.CREDITED
    assert sold == []
    assert ledger.balance(f"credit:{payment.payer_id}") == -400
    assert ledger.balance("receipts") == 0
    assert Case.objects.get().kind == "underpaid"


def test_more_than_the_price_is_fulfilled_and_the_rest_is_credit(sold: list[Payment]) -> None:
    attempt = a_payment()
    told(attempt.pk, Answer(outcome=Outcome.SUCCEEDED, code="0", receipt="R1", amount=1500))
    payment = reload(attempt)[1]
    assert payment.disposition == Disposition.FULFILLED
    assert len(sold) == 1
    assert ledger.balance(f"credit:{payment.payer_id}") == -500


@pytest.mark.parametrize(
    "other",
    [
        {"currency": "KES"},
        {"msisdn": "255799999999"},
        {"short_code": "999999"},
    ],
)
@pytest.mark.parametrize("answer", [PAID, REFUSED])
def test_news_of_somebody_elses_payment_settles_nothing(
    other: dict[str, Any], answer: Answer
) -> None:
    attempt = a_payment()
    assert not told(attempt.pk, replace(answer, **other))
    assert reload(attempt)[1].state == State.INITIATED
    kind, detail = the_case(attempt)
    assert (kind, bool(detail)) == ("wrong_details", True)


def test_news_that_names_its_own_payment_settles_it() -> None:
    attempt = a_payment()
    named = replace(
        PAID, currency="TZS", msisdn=attempt.customer_phone.lstrip("+"), short_code="174379"
    )
    assert told(attempt.pk, named)


def test_a_code_that_no_list_explains_is_a_case() -> None:
    attempt = a_payment()
    unlisted = Answer(outcome=Outcome.UNKNOWN, code="999", is_unlisted=True)
    assert told(attempt.pk, unlisted) is False
    assert the_case(attempt) == ("unlisted_answer", "the provider says 999")


def test_the_callback_that_changes_it_is_kept_without_its_phone() -> None:
    attempt = a_payment()
    settle(
        attempt_id=attempt.pk,
        answer=replace(PAID, code="9" * 60),
        source="webhook",
        evidence="e" * 300,
        webhook_data={"ResultCode": 0, "PhoneNumber": "255754123456"},
    )
    attempt = reload(attempt)[0]
    assert attempt.webhook_data == {"ResultCode": 0, "PhoneNumber": "255754***456"}
    assert attempt.provider_status == "9" * 50
    assert PaymentEvent.objects.latest("id").evidence == "e" * 255


def test_a_move_may_need_no_evidence() -> None:
    attempt = a_payment()
    with transaction.atomic():
        record_move(attempt.payment, attempt, State.PENDING, source="worker")
    assert PaymentEvent.objects.latest("id").evidence == ""


@pytest.mark.parametrize("answer", [PAID, REFUSED])
def test_the_history_names_what_proved_it(answer: Answer) -> None:
    attempt = a_payment()
    delivery = WebhookDelivery.objects.create(
        dialect="mpesa_daraja", trust="open", body=b"{}", body_bytes=2
    )
    settle(
        attempt_id=attempt.pk,
        answer=answer,
        source="webhook",
        evidence="the path's token",
        delivery_id=delivery.pk,
    )
    event = PaymentEvent.objects.latest("id")
    assert (event.source, event.evidence, event.delivery) == (
        "webhook",
        "the path's token",
        delivery,
    )


def test_one_receipt_pays_one_payment_only() -> None:
    first, second = a_payment(), a_payment()
    assert told(first.pk, PAID)
    assert not told(second.pk, PAID)
    assert reload(second)[1].state == State.INITIATED
    assert the_case(second) == ("wrong_details", "receipt ABC123 has paid another payment")


@pytest.mark.parametrize("receipt", ["", "DEF456"])
def test_one_handle_is_one_payments(receipt: str) -> None:
    first, second = a_payment(), a_payment()
    told(first.pk, replace(PAID, provider_reference="ws_CO_1"))
    assert not told(second.pk, replace(PAID, receipt=receipt, provider_reference="ws_CO_1"))
    assert reload(second)[1].state == State.INITIATED
    assert the_case(second) == (
        "wrong_details",
        "the provider's handle ws_CO_1 is another payment's",
    )


def test_what_the_database_refuses_although_nobody_holds_it_is_applied_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who held the receipt has rolled back meanwhile."""
    a_payment()
    attempt = a_payment()
    refusals = [IntegrityError("the receipt is taken")]

    def refused_once(*moved: Any, **how: Any) -> None:
        if refusals:
            raise refusals.pop()
        record_move(*moved, **how)

    monkeypatch.setattr("payments.services.settle.record_move", refused_once)
    assert told(attempt.pk, replace(PAID, provider_reference="ws_CO_1"))
    assert reload(attempt)[1].state == State.COMPLETED
    assert not Case.objects.exists()


def test_receipts_that_differ_in_case_are_two_receipts() -> None:
    first, second = a_payment(), a_payment()
    for attempt, receipt in ((first, "abcD1"), (second, "ABCd1")):
        told(
            attempt.pk,
            Answer(outcome=Outcome.SUCCEEDED, code="0", receipt=receipt, amount=1000),
        )
    assert reload(second)[1].state == State.COMPLETED


def test_a_query_knows_no_receipt_and_a_late_callback_fills_it() -> None:
    attempt = a_payment()
    told(attempt.pk, Answer(outcome=Outcome.SUCCEEDED, code="0"), source="query")
    assert reload(attempt)[0].provider_transaction_id is None
    assert Posting.objects.get().memo == attempt.get_provider_display()
    assert told(attempt.pk, PAID)
    assert reload(attempt)[0].provider_transaction_id == "ABC123"
    assert Posting.objects.count() == 1


@pytest.mark.parametrize(
    ("source", "amount", "is_confirmed_later"),
    [("webhook", None, True), ("webhook", 1000, False), ("query", None, False)],
)
def test_a_callback_without_an_amount_is_confirmed_when_asking_is_allowed(
    source: str, amount: int | None, is_confirmed_later: bool
) -> None:
    attempt = a_payment(ProviderName.AIRTEL_MONEY)
    attempt.posted_at = attempt.created_at
    attempt.save()
    paid = Answer(outcome=Outcome.SUCCEEDED, code="TS", receipt="MP1", amount=amount)
    told(attempt.pk, paid, source)
    after = registry.by_dialect("airtel_money").description.first_query_seconds
    allowed_at = attempt.posted_at + timedelta(seconds=after)
    attempt, payment = reload(attempt)
    assert payment.state == State.COMPLETED
    assert attempt.next_check_at == (allowed_at if is_confirmed_later else None)


def test_a_failing_seller_does_not_undo_the_money_and_is_asked_again(
    sold: list[Payment],
) -> None:
    def fail(payment: Payment) -> None:
        raise RuntimeError("the VPN is on fire")

    attempt = a_payment()
    Payment.objects.update(follow_up_tries=3)  # of a state that it leaves
    with hooks.completed.temporarily(fail):
        told(attempt.pk, PAID)
    payment = reload(attempt)[1]
    assert payment.state == State.COMPLETED
    assert payment.disposition == Disposition.OPEN
    assert (payment.follow_up_at is None, payment.follow_up_tries) == (False, 1)
    from payments.services.follow_up import follow_up

    follow_up(payment_id=payment.pk)
    assert reload(attempt)[1].disposition == Disposition.FULFILLED


def test_money_that_buys_nothing_any_more_is_credit() -> None:
    def refuse(payment: Payment) -> None:
        Posting.objects.create(source="half-done", memo="", payment=payment)
        raise CannotFulfil("no seat", case_kind="late_payment")

    attempt = a_payment()
    with hooks.completed.temporarily(refuse):
        told(attempt.pk, PAID)
    payment = reload(attempt)[1]
    assert payment.disposition == Disposition.CREDITED
    assert not Posting.objects.filter(source="half-done").exists()
    assert Case.objects.get().kind == "late_payment"
    assert {m.message_id for m in Message.objects.all()} == {"payment_late_credit"}


def test_what_lies_on_accounts_is_told_by_the_beginning_of_their_names() -> None:
    ledger.post(source="x", memo="", lines=[("held:2", -5), ("held:1", -7), ("bank", 12)])
    ledger.post(source="y", memo="", lines=[("held:3", -1), ("bank", 1)])
    ledger.post(source="z", memo="", lines=[("held:3", 1), ("held:1", -1)])
    assert ledger.held("held:") == {"held:1": 8, "held:2": 5}


def test_an_account_is_kept_once_a_shilling_was_put_on_it() -> None:
    ledger.post(source="x", memo="", lines=[("a", 1), ("b", -1)])
    assert ledger.is_kept("a")
    assert not ledger.is_kept("b")


def test_an_account_that_gave_everything_away_holds_nothing_of_the_payment() -> None:
    payment = a_payment().payment
    ledger.post(source="x", memo="", payment=payment, lines=[("a", -5), ("bank", 5)])
    ledger.post(source="y", memo="", payment=payment, lines=[("a", 5), ("b", -5)])
    assert ledger.lies_on(payment) == {"b": 5}


@pytest.mark.parametrize("lies", [{"a": 10, "b": 20}, {"b": 20, "a": 10}])
def test_what_does_not_divide_falls_on_the_largest_part(lies: dict[str, int]) -> None:
    assert dict(ledger.in_proportion(lies, 1)) == {"a": 0, "b": 1}


def test_every_posting_sums_to_zero() -> None:
    with pytest.raises(ValueError, match="does not balance"):
        ledger.post(source="x", memo="", lines=[("a", 1), ("b", -2)])
    assert not Entry.objects.exists()


def test_posting_the_same_source_twice_posts_once() -> None:
    lines = [("a", 5), ("b", -5)]
    ledger.post(source="x", memo="", lines=lines)
    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.post(source="x", memo="", lines=lines)
    assert ledger.balance("a") == 5


@pytest.mark.parametrize("table", ["payments_entry", "payments_posting", "payments_paymentevent"])
def test_the_database_refuses_to_change_the_ledger(table: str) -> None:
    told(a_payment().pk, PAID)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"UPDATE {table} SET id = id + 1000")  # noqa: S608
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"DELETE FROM {table}")  # noqa: S608


def test_nothing_moves_but_forward_or_to_completed() -> None:
    assert {(a.value, b.value) for a in State for b in State if may_move(a, b)} == {
        ("initiated", "pending"),
        ("initiated", "completed"),
        ("initiated", "failed"),
        ("initiated", "expired"),
        ("pending", "completed"),
        ("pending", "failed"),
        ("pending", "expired"),
        ("failed", "completed"),
        ("expired", "completed"),
        ("expired", "failed"),
    }


def test_completed_has_no_way_out() -> None:
    assert MOVES[State.COMPLETED] == frozenset()
