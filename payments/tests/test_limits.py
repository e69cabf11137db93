"""Nobody's phone is bombarded, and no account pays more often than a person would."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from payments.errors import PaymentInProgress, PromptLimitReached
from payments.models import MobileMoneyTransaction, Payment
from payments.services.start import start_payment
from payments.states import State
from payments.tests.factories import a_customer, a_phone

pytestmark = pytest.mark.django_db(transaction=True)


def ask(
    payer: User, phone: str | None = None, *, amount: int = 1000, floor: int = 0
) -> MobileMoneyTransaction:
    with transaction.atomic():
        payment = start_payment(
            payer=payer,
            subject=f"thing:{Payment.objects.count()}",
            amount=amount,
            phone=phone or payer.phone or "",
            provider="vodacom_mpesa",
            daily_amount_floor=floor,
        )
    return payment.attempts.get()


def ended(
    attempt: MobileMoneyTransaction, reason: str = "insufficient_funds", *, minutes_ago: float = 0
) -> None:
    """The prompt came to nothing, a while ago."""
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(
        status=State.FAILED,
        reason=reason,
        created_at=timezone.now() - timedelta(minutes=minutes_ago),
    )
    Payment.objects.filter(pk=attempt.payment_id).update(state=State.FAILED)


def test_a_phone_has_one_prompt_at_a_time_whoever_asks() -> None:
    payer = a_customer()
    ask(payer)
    with pytest.raises(PaymentInProgress):
        ask(a_customer(), payer.phone)


def test_a_phone_has_three_prompts_in_ten_minutes() -> None:
    payer = a_customer()
    for minutes in (9, 6, 3):
        ended(ask(payer), minutes_ago=minutes)
    with pytest.raises(PromptLimitReached) as refusal:
        ask(payer)
    assert 0 < refusal.value.retry_after_seconds <= 61


def test_a_phone_has_five_prompts_in_an_hour() -> None:
    payer = a_customer()
    for minutes in (55, 45, 35, 25, 15):
        ended(ask(payer), minutes_ago=minutes)
    with pytest.raises(PromptLimitReached):
        ask(payer)


def test_one_decline_pauses_the_phone() -> None:
    payer = a_customer()
    ended(ask(payer), "cancelled", minutes_ago=1)
    with pytest.raises(PromptLimitReached):
        ask(payer)


def test_two_prompts_without_an_answer_pause_the_phone() -> None:
    payer = a_customer()
    ended(ask(payer), "no_answer", minutes_ago=2)
    ended(ask(payer), "no_answer", minutes_ago=1)
    with pytest.raises(PromptLimitReached):
        ask(payer)


def test_a_prompt_that_never_reached_the_phone_does_not_count() -> None:
    payer = a_customer()
    for _ in range(4):
        ended(ask(payer), "unavailable", minutes_ago=1)
    assert ask(payer).status == State.INITIATED


def test_somebody_elses_phone_is_asked_once_a_day() -> None:
    payer, other = a_customer(), a_phone()
    ended(ask(payer, other), minutes_ago=0.5)
    with pytest.raises(PromptLimitReached):
        ask(payer, other)


def test_an_account_asks_two_other_phones_a_day() -> None:
    payer = a_customer()
    for _ in range(2):
        ended(ask(payer, a_phone()), minutes_ago=0.5)
    with pytest.raises(PromptLimitReached):
        ask(payer, a_phone())


def test_a_new_account_spends_so_much_a_day() -> None:
    payer = a_customer()
    MobileMoneyTransaction.objects.filter(pk=ask(payer, amount=19_000).pk).update(
        status=State.COMPLETED
    )
    with pytest.raises(PromptLimitReached):
        ask(payer, amount=2_000)


def test_the_cap_never_lies_under_the_dearest_bundle() -> None:
    assert ask(a_customer(), amount=45_000, floor=45_000).status == State.INITIATED


def test_an_old_account_has_no_cap() -> None:
    payer = a_customer()
    User.objects.filter(pk=payer.pk).update(created_at=timezone.now() - timedelta(days=8))
    payer.refresh_from_db()
    assert ask(payer, amount=500_000).status == State.INITIATED
