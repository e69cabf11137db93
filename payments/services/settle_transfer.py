"""The one door to a transfer's final state, whoever brings the news."""

from __future__ import annotations

import logging
from functools import partial

from django.db import IntegrityError

from accounts.models import User
from accounts.services.write_to import write_to
from cases.models import CaseKind
from cases.services import open_case, resolve_by_itself
from common import phone as phones
from common.transactions import retried
from notifications.services import queue_message
from payments import hooks, ledger
from payments.models import Transfer, TransferEvent
from payments.providers.base import Answer, Outcome, Reason
from payments.selectors import transfer_for_update
from payments.services.give_back import give_money_back
from payments.services.transfer_record import record_transfer_move
from payments.states import TransferState

logger = logging.getLogger(__name__)

Method = Transfer.Method
FINAL = (TransferState.SUCCEEDED, TransferState.FAILED, TransferState.REJECTED)


def settle_transfer(
    *,
    transfer_id: int,
    answer: Answer,
    source: TransferEvent.Source,
    evidence: str,
    by: User | None = None,
) -> bool:
    """Apply a provider's answer to a transfer; two bringers of the same news give one result.

    Returns whether anything final changed. What is not final stays pending: no new sending, and the
    provider is asked by plan. The caller has decided that the answer is evidence.
    """
    apply = partial(_apply, transfer_id, answer, source, evidence, by)
    try:
        return apply()
    except IntegrityError:
        return apply(is_refused=True)


@retried
def _apply(
    transfer_id: int,
    answer: Answer,
    source: TransferEvent.Source,
    evidence: str,
    by: User | None,
    *,
    is_refused: bool = False,
) -> bool:
    transfer = transfer_for_update(transfer_id)
    if is_refused and _receipt_is_taken(transfer, answer):
        _open(transfer, CaseKind.WRONG_DETAILS, f"receipt {answer.receipt} is another transfer's")
        return False
    return settle_locked_transfer(transfer, answer, source, evidence, by)


def settle_locked_transfer(
    transfer: Transfer,
    answer: Answer,
    source: TransferEvent.Source,
    evidence: str,
    by: User | None = None,
) -> bool:
    """The same for a transfer that the caller's transaction has locked."""
    if transfer.state in FINAL:
        return _compare(transfer, answer)
    if not _was_sent(transfer, answer):
        _open(transfer, CaseKind.CONFLICTING_ANSWERS, "there is news of it before it was sent")
        return False
    if trouble := _contradiction(transfer, answer):
        _open(transfer, CaseKind.WRONG_DETAILS, trouble)
        return False
    _learn(transfer, answer)
    if _says_sent(transfer, answer):
        _succeed(transfer, answer, source, evidence, by)
        return True
    if answer.outcome in (Outcome.FAILED, Outcome.REVERSED):
        _fail(transfer, answer, source, evidence, by)
        return True
    if answer.is_unlisted:
        _open(transfer, CaseKind.UNLISTED_ANSWER, f"the provider says {answer.code}")
    transfer.save()
    return False


def _was_sent(transfer: Transfer, answer: Answer) -> bool:
    """Also what a provider had said not to have processed, and sent all the same."""
    was_put_back = transfer.state == TransferState.QUEUED and transfer.sends > 0
    return transfer.state == TransferState.PENDING or (
        was_put_back and _says_sent(transfer, answer)
    )


def _says_sent(transfer: Transfer, answer: Answer) -> bool:
    """A disbursement that was reversed has come back to us: nothing is sent."""
    is_taken_back = answer.outcome == Outcome.REVERSED and transfer.method == Method.REVERSAL
    return answer.outcome == Outcome.SUCCEEDED or is_taken_back


def _succeed(
    transfer: Transfer,
    answer: Answer,
    source: TransferEvent.Source,
    evidence: str,
    by: User | None,
) -> None:
    transfer.provider_transaction_id = answer.receipt or transfer.provider_transaction_id
    record_transfer_move(transfer, TransferState.SUCCEEDED, source=source, evidence=evidence, by=by)
    account = (
        ledger.collection_account(transfer.provider)
        if transfer.method == Transfer.Method.REVERSAL
        else ledger.disbursement_account(transfer.provider)
    )
    ledger.post(
        source=f"transfer-sent:{transfer.reference}",
        memo=f"{transfer.get_kind_display()} {answer.receipt}".strip(),
        payment=transfer.payment,
        transfer=transfer,
        lines=[(ledger.transfer_account(transfer), transfer.amount), (account, -transfer.amount)],
    )
    if transfer.kind == Transfer.Kind.REFUND:
        hooks.sent_back.notify(transfer)
    for kind in (CaseKind.TRANSFER_FAILED, CaseKind.UNRESOLVED_TRANSFER):
        resolve_by_itself(kind=kind, subject=_subject(transfer), resolution="it was sent")
    _tell(transfer)


def _tell(transfer: Transfer) -> None:
    """The phone that got the money; of earnings also the owner's address, for their books."""
    message_id = f"{transfer.kind}_sent"
    key = f"{message_id}:{transfer.reference}"
    context = {
        "amount": transfer.amount,
        "receipt": transfer.provider_transaction_id or transfer.reference,
    }
    queue_message(
        message_id=message_id,
        to=transfer.phone,
        language=transfer.payee.language,
        context=context,
        key=key,
    )
    if transfer.kind == Transfer.Kind.PAYOUT:
        write_to(user=transfer.payee, message_id=message_id, context=context, key=key)


def _fail(
    transfer: Transfer,
    answer: Answer,
    source: TransferEvent.Source,
    evidence: str,
    by: User | None,
) -> None:
    """The provider has refused it: the money is ours to give again, and a person must see to it."""
    record_transfer_move(
        transfer,
        TransferState.FAILED,
        source=source,
        evidence=evidence,
        reason=answer.reason or Reason.DECLINED,
        by=by,
    )
    give_money_back(transfer, f"refused: {answer.code} {answer.message}".strip())
    resolve_by_itself(
        kind=CaseKind.UNRESOLVED_TRANSFER,
        subject=_subject(transfer),
        resolution="the provider has refused it",
    )
    _open(transfer, CaseKind.TRANSFER_FAILED, f"refused: {answer.code} {answer.message}".strip())


def _compare(transfer: Transfer, answer: Answer) -> bool:
    """News of a finished transfer: the same again, a receipt not known yet, or a contradiction."""
    says_sent = _says_sent(transfer, answer)
    if not says_sent and answer.outcome not in (Outcome.FAILED, Outcome.REVERSED):
        return False
    known = transfer.provider_transaction_id
    if says_sent != (transfer.state == TransferState.SUCCEEDED):
        _open(
            transfer,
            CaseKind.CONFLICTING_ANSWERS,
            f"{transfer.state}, but the provider says {answer.outcome} {answer.code}",
        )
    elif says_sent and answer.receipt and known and answer.receipt != known:
        _open(
            transfer,
            CaseKind.CONFLICTING_ANSWERS,
            f"receipt {known} is recorded, the provider also names {answer.receipt}",
        )
    elif says_sent and answer.receipt and not known:
        transfer.provider_transaction_id = answer.receipt
        transfer.save(update_fields=["provider_transaction_id", "updated_at"])
    return False


def _contradiction(transfer: Transfer, answer: Answer) -> str:
    """What says that the news is of another transfer; "" when it can be this one."""
    if answer.outcome not in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.REVERSED):
        return ""
    if answer.amount is not None and answer.amount != transfer.amount:
        return f"{transfer.amount} TZS were to be sent, the provider says {answer.amount}"
    if answer.msisdn and answer.msisdn != phones.msisdn(transfer.phone):
        return "sent to another phone than the one asked for"
    handle = transfer.provider_reference
    if answer.provider_reference and handle not in (None, answer.provider_reference):
        return f"the provider's handle is {answer.provider_reference}, not ours"
    return ""


def _learn(transfer: Transfer, answer: Answer) -> None:
    """A question that was not answered teaches nothing: it takes back no earlier answer."""
    is_answer = answer.outcome not in (Outcome.NOT_SENT, Outcome.UNKNOWN)
    if is_answer or not transfer.outcome:
        transfer.outcome = answer.outcome if is_answer else Outcome.UNKNOWN
    transfer.provider_status = answer.code[:50] or transfer.provider_status
    if answer.provider_reference and not transfer.provider_reference:
        transfer.provider_reference = answer.provider_reference


def _receipt_is_taken(transfer: Transfer, answer: Answer) -> bool:
    others = Transfer.objects.filter(provider=transfer.provider).exclude(pk=transfer.pk)
    return bool(answer.receipt) and (others.filter(provider_transaction_id=answer.receipt).exists())


def _open(transfer: Transfer, kind: CaseKind, detail: str) -> None:
    logger.warning("transfer %s: %s", transfer.reference, detail)
    open_case(kind=kind, subject=_subject(transfer), amount=transfer.amount, detail=detail)


def _subject(transfer: Transfer) -> str:
    return f"transfer:{transfer.reference}"
