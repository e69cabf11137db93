"""Somebody in finance, as a process: refunds some of what was paid, and pays the owners.

Whom, the run's seed decides. What fails is tried again under the same key, as a person would who saw
an error page.
"""

from __future__ import annotations

import logging
import os
from threading import Event

import django
from django.db import DatabaseError, close_old_connections

from tests.chaos.dice import is_chosen

OWNER = "owner@konektika.test"
PAUSE_SECONDS = 2.0
WHOLE_PERCENT, HALF_PERCENT = 12, 6
PAYOUT_MOST = 20_000  # below the amount that needs a second person

logger = logging.getLogger("finance")


def main() -> None:
    seed, pause = int(os.environ["CHAOS_SEED"]), Event()
    done: set[str] = set()
    payouts = 0
    while not pause.wait(PAUSE_SECONDS):
        close_old_connections()
        try:
            done |= refund_some(seed, done)
            payouts += pay_an_owner(payouts)
        except (DatabaseError, OSError) as error:
            logger.warning("once more: %s", error)


def refund_some(seed: int, done: set[str]) -> set[str]:
    """Refund what was chosen and is not done; returns the payments that are done now."""
    from common.errors import DomainError
    from payments.models import Disposition, Payment
    from payments.services.refund import refund_payment

    finished = set()
    bought = Payment.objects.filter(
        disposition__in=[Disposition.FULFILLED, Disposition.CREDITED]
    ).select_related("payer")
    for payment in bought.exclude(public_id__in=done):
        is_whole = is_chosen(seed, "whole refund", payment.payer.phone or "", WHOLE_PERCENT)
        is_half = is_chosen(seed, "half refund", payment.payer.phone or "", HALF_PERCENT)
        if is_whole or is_half:
            try:
                refund_payment(
                    payment_id=payment.pk,
                    request_key=f"chaos:{payment.public_id}",
                    why="asked for in the run",
                    amount=None if is_whole else payment.covered // 2,
                )
            except DomainError as refusal:
                logger.info("%s stays: %s", payment, refusal)
        finished.add(payment.public_id)
    return finished


def pay_an_owner(payouts: int) -> int:
    """Send what the owner has earned so far, up to one payout's amount; returns how many were begun."""
    from accounts.models import User
    from bundles.services.earn import earned_account, release_earnings
    from payments import ledger
    from payments.services.payout import pay_out

    release_earnings()
    owner = User.objects.get(email=OWNER)
    account = earned_account(owner.pk)
    amount = min(-ledger.balance(account), PAYOUT_MOST)
    if amount <= 0:
        return 0
    staff = User.objects.filter(is_staff=True)[0]
    pay_out(
        payee_id=owner.pk,
        account=account,
        amount=amount,
        request_key=f"chaos payout {payouts}",
        why="earned",
        by=staff,
    )
    return 1


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "konektika.settings")
    django.setup()
    main()
