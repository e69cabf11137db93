"""Asking, expiring and giving to staff; the clock is moved by moving the rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import responses
from django.utils import timezone

from cases.models import Case
from payments.models import MobileMoneyTransaction, ProviderName
from payments.polling import next_check
from payments.providers import registry
from payments.providers.base import Answer, Outcome
from payments.services.push import push_attempt
from payments.services.query import check_attempt
from payments.services.settle import settle
from payments.services.sweep import sweep_attempts
from payments.states import State
from payments.tests.conftest import AIRTEL, MPESA, TIGO
from payments.tests.factories import a_payment, reload
from payments.tests.test_push import ACCEPTED, STK

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = f"{MPESA}/mpesa/stkpushquery/v1/query"
PAID = {"ResponseCode": "0", "ResultCode": "0", "ResultDesc": "Processed"}
STILL = {"ResponseCode": "0", "ResultCode": "4999", "ResultDesc": "Under processing"}


def asked(wire: responses.RequestsMock, start: str) -> bool:
    return any((call.request.url or "").startswith(start) for call in wire.calls)


def posted(provider: str, ago: timedelta, **columns: object) -> MobileMoneyTransaction:
    """An attempt that was posted a while ago."""
    attempt = a_payment(provider)
    then = timezone.now() - ago
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(
        status=State.PENDING,
        posted_at=then,
        created_at=then,
        expires_at=then + timedelta(minutes=10),
        **columns,
    )
    attempt.payment.state = State.PENDING
    attempt.payment.save()
    return attempt


def test_a_lost_callback_is_found_by_asking(wire: responses.RequestsMock) -> None:
    wire.post(STK, json=ACCEPTED)
    wire.post(QUERY, json=PAID)
    attempt = a_payment()
    push_attempt(attempt_id=attempt.pk)
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(
        posted_at=timezone.now() - timedelta(seconds=20)
    )
    check_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert payment.state == State.COMPLETED
    assert attempt.next_check_at is None


def test_a_payment_still_waited_for_is_asked_about_again(wire: responses.RequestsMock) -> None:
    wire.post(QUERY, json=STILL)
    attempt = posted(
        ProviderName.VODACOM_MPESA, timedelta(seconds=20), provider_reference="ws_CO_2"
    )
    check_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert payment.state == State.PENDING
    assert attempt.next_check_at is not None
    assert attempt.next_check_at > timezone.now()


def test_after_its_time_a_payment_expires_and_is_asked_about_still(
    wire: responses.RequestsMock,
) -> None:
    wire.post(QUERY, json=STILL)
    attempt = posted(
        ProviderName.VODACOM_MPESA, timedelta(minutes=11), provider_reference="ws_CO_3"
    )
    check_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert payment.state == State.EXPIRED
    assert attempt.next_check_at is not None


def test_the_provider_is_asked_before_a_payment_expires(wire: responses.RequestsMock) -> None:
    wire.post(QUERY, json=PAID)
    attempt = posted(
        ProviderName.VODACOM_MPESA, timedelta(minutes=11), provider_reference="ws_CO_4"
    )
    check_attempt(attempt_id=attempt.pk)
    assert reload(attempt)[1].state == State.COMPLETED


def test_a_provider_that_cannot_be_asked_leaves_a_case(wire: responses.RequestsMock) -> None:
    attempt = posted(ProviderName.TIGO_PESA, timedelta(minutes=11))
    check_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert payment.state == State.EXPIRED
    assert attempt.next_check_at is None
    assert Case.objects.get().kind == "unresolved_payment"
    assert not asked(wire, TIGO)


def test_a_late_answer_closes_the_case_that_asked_for_it(wire: responses.RequestsMock) -> None:
    attempt = posted(ProviderName.TIGO_PESA, timedelta(minutes=11))
    check_attempt(attempt_id=attempt.pk)
    settle(
        attempt_id=attempt.pk,
        answer=Answer(outcome=Outcome.SUCCEEDED, receipt="MFS1", amount=1000),
        source="webhook",
        evidence="test",
    )
    assert reload(attempt)[1].state == State.COMPLETED
    assert Case.objects.get().state == Case.State.RESOLVED


def test_airtel_is_not_asked_before_three_minutes(wire: responses.RequestsMock) -> None:
    attempt = posted(ProviderName.AIRTEL_MONEY, timedelta(seconds=60))
    check_attempt(attempt_id=attempt.pk)
    assert not asked(wire, f"{AIRTEL}/standard")
    next_check_at = reload(attempt)[0].next_check_at
    assert next_check_at is not None
    assert next_check_at > timezone.now() + timedelta(seconds=110)


def test_airtel_not_knowing_a_payment_is_no_proof_of_anything(wire: responses.RequestsMock) -> None:
    attempt = posted(ProviderName.AIRTEL_MONEY, timedelta(minutes=20))
    wire.get(
        f"{AIRTEL}/standard/v1/payments/{attempt.reference}",
        json={
            "status": {
                "code": "200",
                "message": "not found",
                "result_code": "ESB000045",
                "success": False,
            }
        },
    )
    check_attempt(attempt_id=attempt.pk)
    assert reload(attempt)[1].state == State.EXPIRED
    check_attempt(attempt_id=attempt.pk)
    assert reload(attempt)[1].state == State.EXPIRED


def test_not_found_fails_only_where_the_dialect_allows_it_and_time_has_proved_it(
    wire: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    airtel = registry.by_dialect("airtel_money")
    allowing = replace(airtel.description, not_found_grace_seconds=300)
    monkeypatch.setattr(airtel, "description", allowing)
    attempt = posted(ProviderName.AIRTEL_MONEY, timedelta(minutes=20))
    wire.get(
        f"{AIRTEL}/standard/v1/payments/{attempt.reference}",
        json={"status": {"code": "200", "result_code": "ESB000045", "success": False}},
    )
    for _ in range(2):  # twice, but not a quarter of an hour apart
        check_attempt(attempt_id=attempt.pk)
        assert reload(attempt)[1].state == State.EXPIRED
    MobileMoneyTransaction.objects.update(not_found_since=timezone.now() - timedelta(minutes=15))
    check_attempt(attempt_id=attempt.pk)
    payment = reload(attempt)[1]
    assert (payment.state, payment.reason) == (State.FAILED, "not_found")


@pytest.mark.parametrize(
    ("grace_seconds", "expires_in"), [(3_600, timedelta(minutes=-10)), (300, timedelta(minutes=10))]
)
def test_not_found_twice_proves_nothing_within_the_grace_or_while_the_pin_may_be_entered(
    wire: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
    grace_seconds: int,
    expires_in: timedelta,
) -> None:
    airtel = registry.by_dialect("airtel_money")
    allowing = replace(airtel.description, not_found_grace_seconds=grace_seconds)
    monkeypatch.setattr(airtel, "description", allowing)
    attempt = posted(
        ProviderName.AIRTEL_MONEY,
        timedelta(minutes=20),
        not_found_since=timezone.now() - timedelta(minutes=16),
    )
    MobileMoneyTransaction.objects.update(expires_at=timezone.now() + expires_in)
    wire.get(
        f"{AIRTEL}/standard/v1/payments/{attempt.reference}",
        json={"status": {"code": "200", "result_code": "ESB000045", "success": False}},
    )
    check_attempt(attempt_id=attempt.pk)
    assert reload(attempt)[1].state != State.FAILED


def test_an_unasked_attempt_is_sent_by_the_sweep_and_claimed_once() -> None:
    attempt = a_payment()
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(next_check_at=timezone.now())
    assert sweep_attempts() == 1
    assert sweep_attempts() == 0


def test_an_attempt_nobody_sent_in_time_expires_unasked(wire: responses.RequestsMock) -> None:
    attempt = a_payment()
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    push_attempt(attempt_id=attempt.pk)
    attempt, payment = reload(attempt)
    assert payment.state == State.EXPIRED
    assert attempt.posted_at is None
    assert attempt.next_check_at is None
    assert not wire.calls


def test_the_plan_starts_when_asking_is_allowed_and_ends_after_a_week() -> None:
    start = timezone.now()

    def after(**elapsed: float) -> timedelta | None:
        found = next_check(
            posted_at=start, now=start + timedelta(**elapsed), first_query_seconds=180
        )
        return found - start if found else None

    assert after(seconds=0) == timedelta(minutes=3)
    assert after(minutes=3) == timedelta(minutes=5)
    assert after(minutes=16) == timedelta(hours=1)
    assert after(days=6, hours=1) == timedelta(days=7)
    assert after(days=7) is None
