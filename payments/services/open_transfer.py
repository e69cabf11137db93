"""What refunds, credit sent back and payouts have in common: how money begins to leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from accounts.models import User
from common.queue import hurry_on_commit
from payments import ledger
from payments.models import Payment, Transfer, TransferEvent, TransferRules
from payments.services.transfer_record import record_transfer_start
from payments.states import TransferState

HURRY_LOST_AFTER = timedelta(seconds=3)
UNDONE = (TransferState.FAILED, TransferState.REJECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """By which dialect and way, and to which phone (E.164), money goes out."""

    method: str
    provider: str
    dialect: str
    phone: str


def open_transfer(
    *,
    kind: Transfer.Kind,
    route: Route,
    payee: User,
    amount: int,
    taken_from: Sequence[ledger.Line],
    request_key: str,
    why: str,
    source: TransferEvent.Source,
    by: User | None = None,
    payment: Payment | None = None,
    needs_review: bool = False,
    ends_service: bool = False,
) -> Transfer:
    """Write a transfer and take its money (TZS) from the given accounts, in the caller's transaction.

    The caller holds the row that the money hangs on, and has seen that `request_key` is new. Above
    the rules' amount, which all refunds of one payment count to, or with `needs_review`, it waits for
    a second person; else it is sent at once.
    """
    limit = TransferRules.current().four_eyes_above
    waits = needs_review or amount + _sent_back_before(payment) > limit
    transfer = Transfer.objects.create(
        kind=kind,
        method=route.method,
        state=TransferState.REQUESTED if waits else TransferState.QUEUED,
        payment=payment,
        payee=payee,
        provider=route.provider,
        dialect=route.dialect,
        phone=route.phone,
        amount=amount,
        ends_service=ends_service,
        request_key=request_key,
        why=why[:255],
        requested_by=by,
        next_check_at=None if waits else timezone.now() + HURRY_LOST_AFTER,
    )
    record_transfer_start(transfer, source=source, by=by)
    ledger.post(
        source=f"transfer-started:{transfer.reference}",
        memo=why[:255],
        payment=payment,
        transfer=transfer,
        lines=[*taken_from, (ledger.transfer_account(transfer), -amount)],
    )
    if not waits:
        hurry_transfer(transfer)
    return transfer


def _sent_back_before(payment: Payment | None) -> int:
    """What has left of this payment already, TZS, or may yet."""
    if payment is None:
        return 0
    earlier = Transfer.objects.filter(payment=payment).exclude(state__in=UNDONE)
    return earlier.aggregate(total=Sum("amount"))["total"] or 0


def hurry_transfer(transfer: Transfer) -> None:
    """Queue its sending once the transaction is committed."""
    from payments.tasks import send_transfer

    hurry_on_commit(send_transfer, transfer.pk)
