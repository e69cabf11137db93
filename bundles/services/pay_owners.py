"""Owners have what they have earned paid out: when they ask, or each Monday by itself."""

from __future__ import annotations

import logging

from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import User
from bundles.models import Owner
from bundles.services.earn import earned, earned_account
from bundles.services.owners import owner_of
from common.clock import business_day
from common.errors import DomainError
from common.transactions import retried
from payments.models import Transfer, TransferEvent
from payments.services.payout import pay_out

logger = logging.getLogger(__name__)

ASKED_FOR = gettext_noop("The owner asked for it")
WEEKLY = gettext_noop("Weekly payout")
MONDAY = 0
WEEKLY_LEAST = 1_000  # TZS; less waits for the next week


def ask_payout(*, person: User, amount: int | None = None, request_key: str = "") -> Transfer:
    """Send `amount` TZS, or all that is earned, to the owner's own proved phone.

    Without a key, a payout that is under way is given instead of a second. Above staff's limit it
    waits for their decision. Raises whatever `pay_out` raises.
    """
    return pay_out(
        payee_id=person.pk,
        account=earned_account(person.pk),
        amount=amount,
        request_key=request_key,
        why=ASKED_FOR,
        by=person,
        source=TransferEvent.Source.CUSTOMER,
    )


@retried
def be_paid_weekly(*, person: User, is_wanted: bool) -> Owner:
    """Say whether what is earned is paid out each Monday. Raises NotAnOwner."""
    owner = owner_of(person)
    owner.is_paid_weekly = is_wanted
    owner.save(update_fields=["is_paid_weekly"])
    return owner


def pay_weekly() -> int:
    """On a Monday in Dar es Salaam: pay out whoever wants it so. Returns how many; safe to repeat."""
    today = business_day(timezone.now())
    if today.weekday() != MONDAY:
        return 0
    due = {owner: amount for owner, amount in earned().items() if amount >= WEEKLY_LEAST}
    wanted = Owner.objects.filter(person__in=due, is_paid_weekly=True).select_related("person")
    return sum(_pay(owner.person, due[owner.person_id], f"{today:%G-%V}") for owner in wanted)


def _pay(person: User, amount: int, week: str) -> int:
    """One who cannot be paid now keeps nobody else waiting."""
    key = f"weekly:{person.pk}:{week}"
    if Transfer.objects.filter(request_key=key).exists():
        return 0
    try:
        pay_out(
            payee_id=person.pk,
            account=earned_account(person.pk),
            amount=amount,
            request_key=key,
            why=WEEKLY,
            by=person,
            source=TransferEvent.Source.CUSTOMER,
        )
    except DomainError as refusal:
        logger.warning("owner %s is not paid this week: %s", person.pk, refusal)
        return 0
    return 1
