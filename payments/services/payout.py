"""Pays somebody out of an account of theirs. What the account is for, payments need not know."""

from __future__ import annotations

from accounts.models import User
from common.transactions import retried
from payments import ledger
from payments.errors import NothingToPayOut
from payments.models import Transfer, TransferEvent
from payments.networks import provider_for
from payments.services.open_transfer import open_transfer
from payments.services.refund import disbursement_route


@retried
def pay_out(
    *, payee_id: int, account: str, amount: int, request_key: str, why: str, by: User
) -> Transfer:
    """Start sending `amount` TZS of a ledger account to its owner's own phone.

    The same `request_key` gives the same transfer. Raises NothingToPayOut and ProviderUnavailable.
    """
    payee = User.objects.select_for_update().get(pk=payee_id)
    if earlier := Transfer.objects.filter(request_key=request_key).first():
        return earlier
    held = -ledger.balance(account)
    if not 0 < amount <= held:
        raise NothingToPayOut(f"{max(held, 0):,} shillings can be paid out.")
    if not payee.phone:
        raise NothingToPayOut("The payee has no phone to pay to.")
    provider = provider_for(requested="auto", phone=payee.phone)
    return open_transfer(
        kind=Transfer.Kind.PAYOUT,
        route=disbursement_route(provider, payee.phone),
        payee=payee,
        amount=amount,
        taken_from=[(account, amount)],
        request_key=request_key,
        why=why,
        source=TransferEvent.Source.STAFF,
        by=by,
    )
