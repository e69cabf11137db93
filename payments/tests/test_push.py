"""Asking the provider to charge: once, whatever is repeated."""

from __future__ import annotations

import pytest
import requests
import responses

from payments.models import ProviderCall, ProviderName
from payments.services.push import push_attempt
from payments.states import State
from payments.tests.conftest import MPESA, TIGO
from payments.tests.factories import a_payment, reload

pytestmark = pytest.mark.django_db(transaction=True)

STK = f"{MPESA}/mpesa/stkpush/v1/processrequest"
PUSH = f"{TIGO}/API/BillerPayment/BillerPay"
ACCEPTED = {
    "MerchantRequestID": "m-1",
    "CheckoutRequestID": "ws_CO_1",
    "ResponseCode": "0",
    "ResponseDescription": "Success",
    "CustomerMessage": "Success",
}


def posts(wire: responses.RequestsMock, url: str) -> int:
    return sum(call.request.url == url for call in wire.calls)


def test_an_accepted_prompt_is_pending_and_remembers_the_handle(
    wire: responses.RequestsMock,
) -> None:
    wire.post(STK, json=ACCEPTED)
    attempt = a_payment()
    push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert attempt.status == payment.state == State.PENDING
    assert attempt.provider_reference == "ws_CO_1"
    assert attempt.next_check_at is not None
    assert attempt.posted_at is not None


def test_a_prompt_is_sent_once_although_the_task_runs_twice(wire: responses.RequestsMock) -> None:
    wire.post(STK, json=ACCEPTED)
    attempt = a_payment()
    push_attempt(attempt_id=attempt.pk)
    push_attempt(attempt_id=attempt.pk)
    assert posts(wire, STK) == 1


def test_a_time_out_is_unknown_and_never_sent_again(wire: responses.RequestsMock) -> None:
    wire.post(PUSH, body=requests.exceptions.ReadTimeout())
    attempt = a_payment(ProviderName.TIGO_PESA)
    push_attempt(attempt_id=attempt.pk)
    push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert payment.state == State.PENDING
    assert posts(wire, PUSH) == 1
    assert ProviderCall.objects.get(attempt=attempt).outcome == "unknown"


def test_proof_of_not_having_been_sent_is_sent_again_once_then_fails(
    wire: responses.RequestsMock,
) -> None:
    wire.post(PUSH, status=401, json={"Message": "Authorization has been denied"})
    attempt = a_payment(ProviderName.TIGO_PESA)
    push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert attempt.resend_due
    assert payment.state == State.PENDING
    push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert payment.state == State.FAILED
    assert attempt.sends == 2
    push_attempt(attempt_id=attempt.pk)
    assert reload(attempt)[0].sends == 2


def test_a_refusal_fails_with_its_reason(wire: responses.RequestsMock) -> None:
    wire.post(
        PUSH,
        json={
            "ResponseCode": "DebitMandate-10-2005-E",
            "ResponseStatus": False,
            "ResponseDescription": "Customer not registered",
        },
    )
    attempt = a_payment(ProviderName.TIGO_PESA)
    push_attempt(attempt_id=attempt.pk)
    payment = reload(attempt)[1]
    assert payment.state == State.FAILED
    assert payment.reason == "not_registered"


def test_what_was_sent_and_answered_is_kept_without_secrets(wire: responses.RequestsMock) -> None:
    wire.post(STK, json=ACCEPTED)
    attempt = a_payment()
    push_attempt(attempt_id=attempt.pk)
    attempt, _ = reload(attempt)
    kept = f"{attempt.api_request} {attempt.api_response}"
    assert "CheckoutRequestID" in kept
    assert attempt.callback_token not in kept
    assert attempt.customer_phone.removeprefix("+") not in kept
