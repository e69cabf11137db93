"""Pays somebody out of an account of theirs. What the account is for, payments need not know."""

from __future__ import annotations

from uuid import uuid4
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from common.transactions import retried
from payments import ledger
from payments.errors import IdempotencyKeyReused, NothingToPayOut, PayoutFrozen, PhoneNotProved
from payments.models import Transfer, TransferEvent
from payments.networks import provider_for
from payments.selectors import open_payout_to
from payments.services.open_transfer import open_transfer
from payments.services.refund import disbursement_route


@retried
def pay_out(
    *,
    payee_id: int,
    account: str,
    amount: int | None = None,
    request_key: str = "",
    why: str,
    by: User,
    source: TransferEvent.Source = TransferEvent.Source.STAFF,
) -> Transfer:
    """Start sending `amount` TZS of a ledger account, or all of it, to its owner's own phone.

    The same `request_key` gives the same transfer; without one, a payout that is still under way is
    given instead of a second. Raises NothingToPayOut, PhoneNotProved,
    PayoutFrozen, ProviderUnavailable, and IdempotencyKeyReused for a key that named another amount.
    """
    payee = User.objects.select_for_update().get(pk=payee_id)
    if earlier := _earlier(payee, request_key):
        if request_key and (earlier.payee != payee or amount not in (None, earlier.amount)):
            raise IdempotencyKeyReused("This Idempotency-Key was used for a different request.")
        return earlier
    held = -ledger.balance(account)
    asked = held if amount is None else amount
    if not 0 < asked <= held:
        raise NothingToPayOut(
            _("{amount:,} shillings can be paid out.").format(amount=max(held, 0))
        )
    phone = _proved_phone(payee)
    provider = provider_for(requested="auto", phone=phone)
    return open_transfer(
        kind=Transfer.Kind.PAYOUT,
        route=disbursement_route(provider, phone),
        payee=payee,
        amount=asked,
        taken_from=[(account, asked)],
        request_key=request_key or f"payout:{payee.pk}:{uuid4().hex}",
        why=why,
        source=source,
        by=by,
    )


def _earlier(payee: User, request_key: str) -> Transfer | None:
    if request_key:
        return Transfer.objects.filter(request_key=request_key).first()
    return open_payout_to(payee.pk)


def _proved_phone(payee: User) -> str:
    """Where money may go: not to a number that was only typed, nor to one just changed to."""
    if not payee.phone or payee.phone_verified_at is None:
        raise PhoneNotProved("The payee's phone has to be confirmed with a code first.")
    if until := payee.payouts_frozen_until:
        ends = timezone.localtime(until, ZoneInfo(settings.BUSINESS_TIME_ZONE))
        raise PayoutFrozen(
            _("The phone is a new one: nothing is paid out until {until}.").format(
                until=f"{ends:%d.%m. %H:%M}"
            )
        )
    return payee.phone
