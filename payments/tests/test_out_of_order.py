"""A provider that answers nobody: not offered, not waited for, tried again without a customer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from django.test import Client
from django.utils import timezone
from redis import Redis

from payments.errors import ProviderUnavailable
from payments.models import MobileMoneyTransaction, ProviderName
from payments.providers import registry
from payments.providers.breaker import FAILURES_MAX, PAUSE_SECONDS, BreakerState
from payments.services.probe import probe_providers
from payments.services.push import push_attempt
from payments.services.query import check_attempt
from payments.states import State
from payments.tests.conftest import AIRTEL, MPESA, TIGO
from payments.tests.factories import a_payment, reload

pytestmark = [pytest.mark.redis, pytest.mark.django_db(transaction=True)]

PUSH = f"{TIGO}/API/BillerPayment/BillerPay"
TOKEN = f"{TIGO}/token"
ENQUIRY = f"{AIRTEL}/standard/v1/payments/"


@pytest.fixture(autouse=True)
def _shared(shared: str) -> None:
    """Each test has an empty Redis."""


def sends(wire: responses.RequestsMock, url: str) -> int:
    return sum(str(call.request.url).startswith(url) for call in wire.calls)


def open_breaker(dialect: str) -> None:
    def send() -> Any:
        raise requests.ConnectionError

    gate = registry.gate(dialect)
    for _ in range(FAILURES_MAX):
        with pytest.raises(requests.ConnectionError):
            gate.call(send, waits_for_pin=False)
    assert gate.state == BreakerState.OPEN


def end_pause(shared: str, dialect: str) -> None:
    with Redis.from_url(shared) as redis:
        redis.decrby(f"provider:{dialect}:pybreaker:opened_at", PAUSE_SECONDS + 1)
    assert registry.gate(dialect).state == BreakerState.HALF_OPEN


def offered(client: Client) -> dict[str, tuple[bool, str]]:
    body = client.get("/api/payments/providers").json()
    return {each["provider"]: (each["enabled"], each["message"]) for each in body["providers"]}


def test_the_app_is_told_not_to_offer_it(client: Client) -> None:
    assert offered(client)["tigo_pesa"] == (True, "")
    open_breaker("tigo_pesa")
    sentence = "Tigo Pesa cannot be used at the moment. Choose another provider."
    assert offered(client) == {
        "vodacom_mpesa": (True, ""),
        "tigo_pesa": (False, sentence),
        "airtel_money": (True, ""),
    }
    with pytest.raises(ProviderUnavailable) as caught:
        a_payment(ProviderName.TIGO_PESA)
    assert (str(caught.value), caught.value.status) == (sentence, 503)
    assert not MobileMoneyTransaction.objects.exists()


def test_time_outs_of_real_calls_open_it(wire: responses.RequestsMock) -> None:
    wire.post(PUSH, body=requests.exceptions.ReadTimeout())
    attempts = [a_payment(ProviderName.TIGO_PESA) for _ in range(FAILURES_MAX)]
    # A token that is got in between is a success: the failures of a provider are counted in a row.
    for attempt in attempts:
        push_attempt(attempt_id=attempt.pk)
    assert registry.gate("tigo_pesa").state == BreakerState.OPEN
    assert {reload(attempt)[0].status for attempt in attempts} == {State.PENDING}


def test_a_payment_under_way_fails_at_once_and_nothing_is_sent(
    wire: responses.RequestsMock,
) -> None:
    attempt = a_payment(ProviderName.TIGO_PESA)
    open_breaker("tigo_pesa")
    push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert (payment.state, payment.reason) == (State.FAILED, "unavailable")
    assert not attempt.resend_due
    assert len(wire.calls) == 0


def test_a_question_ends_without_an_answer_and_the_plan_goes_on(
    wire: responses.RequestsMock,
) -> None:
    attempt = a_payment(ProviderName.AIRTEL_MONEY)
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(
        status=State.PENDING, posted_at=timezone.now() - timedelta(minutes=4)
    )
    open_breaker("airtel_money")
    check_attempt(attempt_id=attempt.pk)
    attempt, _ = reload(attempt)
    assert attempt.status == State.PENDING
    assert attempt.next_check_at is not None
    assert attempt.calls.get().outcome == "unknown"
    assert len(wire.calls) == 0


def test_a_prompt_that_is_held_back_is_sent_later_and_not_counted(
    wire: responses.RequestsMock, shared: str
) -> None:
    wire.post(PUSH, json={"ResponseCode": "BILLER-30-0000-S", "ResponseStatus": True})
    attempt = a_payment(ProviderName.TIGO_PESA)
    with Redis.from_url(shared) as redis:
        redis.set("provider-pause:tigo_pesa", 1, ex=60)
        for _ in range(3):
            push_attempt(attempt_id=attempt.pk)
            attempt, payment = reload(attempt)
            assert (payment.state, attempt.sends, attempt.resend_due) == (State.PENDING, 0, True)
        assert len(wire.calls) == 0
        redis.delete("provider-pause:tigo_pesa")
    push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert (payment.state, attempt.sends, sends(wire, PUSH)) == (State.PENDING, 1, 1)


def test_a_prompt_that_is_held_back_too_long_expires_unsent(
    wire: responses.RequestsMock, shared: str
) -> None:
    attempt = a_payment(ProviderName.TIGO_PESA)
    with Redis.from_url(shared) as redis:
        redis.set("provider-pause:tigo_pesa", 1, ex=60)
    push_attempt(attempt_id=attempt.pk)
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(expires_at=timezone.now())
    push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert (payment.state, payment.reason) == (State.EXPIRED, "unavailable")
    assert (attempt.resend_due, attempt.next_check_at) == (False, None)
    assert len(wire.calls) == 0


def test_a_throttled_prompt_waits_as_long_as_the_provider_says(
    wire: responses.RequestsMock, shared: str
) -> None:
    stk = f"{MPESA}/mpesa/stkpush/v1/processrequest"
    wire.post(stk, status=429, headers={"Retry-After": "40"}, json={})
    attempt = a_payment()
    for _ in range(3):
        push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert (payment.state, attempt.sends, sends(wire, stk)) == (State.PENDING, 1, 1)


def test_it_is_tried_again_by_itself_after_the_pause(
    wire: responses.RequestsMock, shared: str, client: Client
) -> None:
    open_breaker("tigo_pesa")
    assert probe_providers() == 0
    end_pause(shared, "tigo_pesa")
    assert probe_providers() == 1
    assert registry.gate("tigo_pesa").state == BreakerState.CLOSED
    assert offered(client)["tigo_pesa"] == (True, "")
    assert sends(wire, TOKEN) == 1


def test_a_token_at_hand_is_no_proof_that_it_answers(
    wire: responses.RequestsMock, shared: str
) -> None:
    registry.by_dialect("tigo_pesa").health()
    open_breaker("tigo_pesa")
    end_pause(shared, "tigo_pesa")
    wire.replace(responses.POST, TOKEN, body="<html>", status=503)
    probe_providers()
    assert registry.gate("tigo_pesa").state == BreakerState.OPEN
    assert sends(wire, TOKEN) == 2
