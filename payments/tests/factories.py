"""Rows to test with, made the way the services make them."""

from __future__ import annotations

from itertools import count

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from payments.models import MobileMoneyTransaction, Payment, ProviderName
from payments.services.start import start_payment

_numbers = count(1)
PREFIXES = {
    ProviderName.VODACOM_MPESA: "75",
    ProviderName.TIGO_PESA: "71",
    ProviderName.AIRTEL_MONEY: "68",
}


def a_phone(provider: str = ProviderName.VODACOM_MPESA) -> str:
    return f"+255{PREFIXES[ProviderName(provider)]}5{next(_numbers):06d}"


def a_customer(phone: str | None = None) -> User:
    number = next(_numbers)
    return User.objects.create_user(
        email=f"customer{number}@example.test",
        password="not-a-secret-1",
        full_name=f"Customer {number}",
        phone=phone or a_phone(),
    )


def an_owner(phone: str | None = None) -> User:
    """Somebody who can be paid: the phone is proved to be theirs."""
    owner = a_customer(phone)
    owner.phone_verified_at = timezone.now()
    owner.save(update_fields=["phone_verified_at"])
    return owner


def a_payment(
    provider: str = ProviderName.VODACOM_MPESA,
    *,
    amount: int = 1000,
    payer: User | None = None,
    subject: str = "",
) -> MobileMoneyTransaction:
    """A payment as `initiate` leaves it; returns its attempt."""
    phone = a_phone(provider)
    payer = payer or a_customer(phone)
    with transaction.atomic():
        payment = start_payment(
            payer=payer,
            subject=subject or f"thing:{next(_numbers)}",
            amount=amount,
            phone=payer.phone or phone,
            provider=provider,
            daily_amount_floor=1_000_000,
        )
    return payment.attempts.get()


def reload(attempt: MobileMoneyTransaction) -> tuple[MobileMoneyTransaction, Payment]:
    """The attempt and its payment as the database has them now."""
    fresh = MobileMoneyTransaction.objects.select_related("payment").get(pk=attempt.pk)
    return fresh, fresh.payment
