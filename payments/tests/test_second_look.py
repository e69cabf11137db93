"""A failure that was told is asked about once more, where the provider can be asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from django.db.models import F
from django.utils import timezone

from cases.models import Case
from payments import ledger
from payments.models import MobileMoneyTransaction, Payment, PaymentEvent, ProviderName
from payments.providers.base import Answer, Outcome, Reason
from payments.services.push import push_attempt
from payments.services.query import check_attempt
from payments.services.settle import settle
from payments.services.spend_credit import spend_credit
from payments.services.sweep import sweep_attempts
from payments.states import State
from payments.tests.conftest import AIRTEL, SECRET_PATH
from payments.tests.factories import a_payment, reload
from payments.tests.test_push import ACCEPTED, STK
from payments.tests.test_query import PAID, QUERY, STILL, asked
from payments.tests.test_webhooks import airtel, deliver, stk, tigo

pytestmark = pytest.mark.django_db(transaction=True)

CANCELLED = {"ResponseCode": "0", "ResultCode": "1032", "ResultDesc": "Request cancelled by user"}
UNANSWERED = {"ResponseCode": "0", "ResultCode": "1037", "ResultDesc": "DS timeout"}
CASES = [(PAID, State.COMPLETED), (CANCELLED, State.FAILED), (UNANSWERED, State.FAILED)]
LATER = timedelta(minutes=15, seconds=1)


def prompted(wire: responses.RequestsMock, **handle: str) -> MobileMoneyTransaction:
    """A payment whose prompt M-Pesa has sent."""
    wire.post(STK, json={**ACCEPTED, "CheckoutRequestID": "ws_CO_9", **handle})
    attempt = a_payment()
    push_attempt(attempt_id=attempt.pk)
    return attempt


def told_to_have_failed(wire: responses.RequestsMock, code: int = 1032) -> MobileMoneyTransaction:
    """One of which M-Pesa's callback has said so."""
    attempt = prompted(wire)
    path = f"/api/webhooks/mpesa/{reload(attempt)[0].callback_token}"
    assert deliver(path, stk(code))[0] == 200
    assert reload(attempt)[1].state == State.FAILED
    return attempt


def wait(by: timedelta = LATER) -> None:
    MobileMoneyTransaction.objects.update(
        posted_at=F("posted_at") - by, next_check_at=F("next_check_at") - by
    )


def look(attempt: MobileMoneyTransaction) -> tuple[State, Any]:
    """What the sweep's check makes of it: the payment's state, and when to look again."""
    assert sweep_attempts() == 1
    check_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    return State(payment.state), attempt.next_check_at


@pytest.mark.parametrize(("record", "state"), CASES)
def test_a_failure_by_callback_is_asked_about_once_a_quarter_of_an_hour_later(
    wire: responses.RequestsMock, record: dict[str, str], state: State
) -> None:
    wire.post(QUERY, json=record)
    attempt = told_to_have_failed(wire)
    assert sweep_attempts() == 0
    wait()
    assert look(attempt) == (state, None)
    assert not Case.objects.exists()


def test_what_was_paid_after_all_is_served(
    wire: responses.RequestsMock, sold: list[Payment]
) -> None:
    wire.post(QUERY, json=PAID)
    attempt = told_to_have_failed(wire)
    wait()
    look(attempt)
    assert [payment.pk for payment in sold] == [attempt.payment_id]
    last = PaymentEvent.objects.latest("id")
    assert (last.from_state, last.to_state, last.source) == ("failed", "completed", "query")
    assert ledger.balance("provider:vodacom_mpesa:collection") == 1000


def test_credit_that_has_gone_back_is_not_taken_again(wire: responses.RequestsMock) -> None:
    wire.post(QUERY, json=PAID)
    attempt = prompted(wire)
    payer = attempt.payment.payer
    ledger.post(
        source="goodwill:1",
        memo="for an outage",
        lines=[(ledger.REVENUE, 400), (ledger.credit_account(payer.pk), -400)],
    )
    attempt.payment.from_credit = 400
    attempt.payment.save()
    spend_credit(attempt.payment)
    deliver(f"/api/webhooks/mpesa/{attempt.callback_token}", stk(1032))
    assert ledger.credit_of(payer.pk) == 400
    wait()
    look(attempt)
    payment = reload(attempt)[1]
    assert (payment.paid_amount, payment.disposition) == (600, "credited")
    assert ledger.credit_of(payer.pk) == 1000
    assert Case.objects.get().kind == "underpaid"


def test_a_record_that_tells_nothing_is_read_again_by_plan_and_no_case_is_made(
    wire: responses.RequestsMock,
) -> None:
    wire.post(QUERY, json=STILL)
    attempt = told_to_have_failed(wire)
    looks = 0
    next_check_at = reload(attempt)[0].next_check_at
    while next_check_at is not None:
        wait(next_check_at - timezone.now() + timedelta(seconds=1))
        state, next_check_at = look(attempt)
        assert state == State.FAILED
        looks += 1
    assert looks == 10  # after 15 minutes, 1 and 6 hours, and each day of the week
    assert not Case.objects.exists()


def test_an_unreachable_record_is_read_again(wire: responses.RequestsMock) -> None:
    wire.post(QUERY, body=requests.exceptions.ReadTimeout())
    attempt = told_to_have_failed(wire)
    wait()
    state, next_check_at = look(attempt)
    assert state == State.FAILED
    assert next_check_at > timezone.now() + timedelta(minutes=30)


def test_who_asks_too_early_does_not_end_it(wire: responses.RequestsMock) -> None:
    wire.post(QUERY, json=CANCELLED)
    attempt = told_to_have_failed(wire)
    MobileMoneyTransaction.objects.update(posted_at=F("posted_at") - timedelta(minutes=1))
    check_attempt(attempt_id=attempt.pk)
    assert asked(wire, QUERY)
    next_check_at = reload(attempt)[0].next_check_at
    assert next_check_at is not None
    assert next_check_at > timezone.now() + timedelta(minutes=14)


@pytest.mark.parametrize(("record", "is_looked_at"), [(UNANSWERED, True), (CANCELLED, False)])
def test_of_what_a_query_tells_only_an_unanswered_prompt_is_asked_about_again(
    wire: responses.RequestsMock, record: dict[str, str], is_looked_at: bool
) -> None:
    """Sheet 2.5: a late success overrides 1019 and 1037."""
    wire.post(QUERY, json=record)
    attempt = prompted(wire)
    wait(timedelta(minutes=1))
    check_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert payment.state == State.FAILED
    assert (attempt.next_check_at is not None) == is_looked_at


def test_a_refused_request_is_not_asked_about(wire: responses.RequestsMock) -> None:
    attempt = a_payment()
    wire.post(STK, status=400, json={"errorCode": "400.002.02", "errorMessage": "Bad Amount"})
    push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert (payment.state, attempt.next_check_at) == (State.FAILED, None)


def test_tigo_which_cannot_be_asked_has_the_last_word() -> None:
    attempt = a_payment(ProviderName.TIGO_PESA)
    MobileMoneyTransaction.objects.update(posted_at=timezone.now())
    deliver(f"/api/webhooks/in/{SECRET_PATH}", tigo(attempt.reference, Status=False))
    attempt, payment = reload(attempt)
    assert (payment.state, attempt.next_check_at) == (State.FAILED, None)


def test_what_staff_read_in_the_statement_has_the_last_word(wire: responses.RequestsMock) -> None:
    attempt = prompted(wire)
    settle(
        attempt_id=attempt.pk,
        answer=Answer(outcome=Outcome.FAILED, reason=Reason.NO_ANSWER),
        source=PaymentEvent.Source.STAFF,
        evidence="statement",
    )
    assert reload(attempt)[0].next_check_at is None


def test_airtel_not_knowing_it_is_no_answer(wire: responses.RequestsMock) -> None:
    attempt = a_payment(ProviderName.AIRTEL_MONEY)
    MobileMoneyTransaction.objects.update(posted_at=timezone.now(), status=State.PENDING)
    wire.get(
        f"{AIRTEL}/standard/v1/payments/{attempt.reference}",
        json={"status": {"code": "200", "result_code": "ESB000045", "success": False}},
    )
    deliver("/api/webhooks/airtel-money", airtel(attempt.reference, status="TF"))
    assert reload(attempt)[1].state == State.FAILED
    wait()
    state, next_check_at = look(attempt)
    assert state == State.FAILED
    assert next_check_at is not None
    assert not Case.objects.exists()


def test_what_was_to_be_sent_again_is_asked_about_and_not_sent(
    wire: responses.RequestsMock,
) -> None:
    """The provider had the request that it called not processed."""
    wire.post(QUERY, json=CANCELLED)
    attempt = prompted(wire)
    MobileMoneyTransaction.objects.update(resend_due=True)
    deliver(f"/api/webhooks/mpesa/{reload(attempt)[0].callback_token}", stk(1032))
    assert not reload(attempt)[0].resend_due  # else the sweep would send, for ever in vain
    wait()
    assert look(attempt) == (State.FAILED, None)
    assert sum(call.request.url == STK for call in wire.calls) == 1
