"""Begins a payment: its rows and the message that hurries the prompt to the phone."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from common import phone as phones
from common.queue import hurry_on_commit
from payments.errors import AmountOutOfRange, ProviderUnavailable
from payments.models import MobileMoneyTransaction, Payment, ProviderName
from payments.providers import registry
from payments.selectors import switch_of
from payments.services.limits import check_prompt_allowed
from payments.services.record import record_start
from payments.services.spend_credit import credit_towards, pay_from_credit, spend_credit

HURRY_LOST_AFTER = timedelta(seconds=3)


def start_payment(
    *,
    payer: User,
    subject: str,
    amount: int,
    phone: str,
    provider: str,
    daily_amount_floor: int,
    use_credit: bool = False,
) -> Payment:
    """Write a payment of `amount` TZS for `subject` and its attempt; the provider is asked later.

    With `use_credit` the payer's credit pays first; where it covers all, no phone is asked. Runs inside the caller's transaction, which holds the payer's row locked. The database allows one
    live payment per subject. Raises ProviderUnavailable, AmountOutOfRange, PaymentInProgress and
    PromptLimitReached.
    """
    dialect = registry.enabled_provider(provider).description
    if (switch := switch_of(provider)) and not switch.takes_payments:
        raise ProviderUnavailable(switch.notice or registry.unavailable(ProviderName(provider)))
    from_credit = (
        credit_towards(payer=payer, amount=amount, least_left=dialect.amount_min)
        if use_credit
        else 0
    )
    if from_credit == amount:
        return pay_from_credit(payer=payer, subject=subject, amount=amount)
    asked = amount - from_credit
    if not dialect.amount_min <= asked <= dialect.amount_max:
        raise AmountOutOfRange(
            _("{name} takes payments from {least:,} to {most:,} shillings.").format(
                name=dialect.name, least=dialect.amount_min, most=dialect.amount_max
            )
        )
    check_prompt_allowed(
        payer=payer, phone=phone, amount=asked, daily_amount_floor=daily_amount_floor
    )
    payment = Payment.objects.create(
        payer=payer,
        subject=subject,
        amount=amount,
        from_credit=from_credit,
        payment_method=provider,
    )
    attempt = MobileMoneyTransaction.objects.create(
        payment=payment,
        provider=provider,
        dialect=dialect.dialect,
        customer_phone=phones.parse(phone),
        next_check_at=timezone.now() + HURRY_LOST_AFTER,
    )
    record_start(payment)
    spend_credit(payment)
    from payments.tasks import push

    hurry_on_commit(push, attempt.pk)
    return payment
