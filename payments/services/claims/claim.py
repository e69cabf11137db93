"""A customer names a receipt: it is looked for at once, and for as long as it takes."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from common.queue import hurry
from common.transactions import retried
from payments.errors import TooManyReceipts, UnknownProvider
from payments.models import ProviderName, ReceiptClaim
from payments.receipts import read_receipt
from payments.services.claims.look import LOOK_EVERY, look

A_DAY = timedelta(days=1)
MOST_A_DAY = 10
MOST_UNFOUND_A_DAY = 3  # whoever has really paid has not so many; whoever guesses would


def claim_receipt(*, customer: User, text: str, provider: str = "") -> ReceiptClaim:
    """The claim of the receipt in `text`: what was typed, or a provider's whole SMS, which is not kept.

    The same receipt again is the earlier claim, looked at anew. Raises ReceiptNotRead, UnknownProvider
    and TooManyReceipts.
    """
    from payments.tasks import look_for_receipt

    if provider and provider not in ProviderName.values:
        raise UnknownProvider("Choose M-Pesa, Tigo Pesa or Airtel Money.")
    claim = _claim_once(customer, read_receipt(text), provider)
    if look(claim_id=claim.pk, tells=False):
        hurry(look_for_receipt, claim.pk)
    return ReceiptClaim.objects.select_related("payment").get(pk=claim.pk)


def _claim_once(customer: User, receipt: str, provider: str) -> ReceiptClaim:
    try:
        return _claim(customer, receipt, provider)
    except IntegrityError:  # pressed twice at once
        return ReceiptClaim.objects.get(customer=customer, key=receipt.upper())


@retried
def _claim(customer: User, receipt: str, provider: str) -> ReceiptClaim:
    claims = ReceiptClaim.objects.filter(customer=customer)
    if earlier := claims.filter(key=receipt.upper()).first():
        return earlier
    _refuse_guessing(customer)
    return ReceiptClaim.objects.create(
        customer=customer,
        receipt=receipt,
        provider=provider,
        next_look_at=timezone.now() + LOOK_EVERY,
    )


def _refuse_guessing(customer: User) -> None:
    lately = ReceiptClaim.objects.filter(
        customer=customer, claimed_at__gt=timezone.now() - A_DAY
    ).values_list("state", flat=True)
    states = list(lately)
    unfound = [state for state in states if state != ReceiptClaim.State.FOUND]
    if len(states) >= MOST_A_DAY or len(unfound) >= MOST_UNFOUND_A_DAY:
        raise TooManyReceipts("You have sent us enough receipts for today. We look for them.")
