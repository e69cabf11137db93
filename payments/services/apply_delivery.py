"""Turns a stored webhook delivery into news of an attempt or a transfer: as evidence or a hint."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from common.queue import hurry
from common.transactions import retried
from payments.models import (
    MobileMoneyTransaction,
    PaymentEvent,
    ReceiptClaim,
    Transfer,
    TransferEvent,
    WebhookDelivery,
)
from payments.providers import registry
from payments.providers.base import MalformedCallback, Notice, NoticeKind, Outcome, Provider
from payments.providers.http import redact
from payments.services.check_transfer import can_ask_now as can_ask_about_transfer
from payments.services.claims.ask import hear_of_receipt
from payments.services.proof import proof_of, why_no_proof
from payments.services.query import can_ask_now
from payments.services.receive_bill import receive_bill
from payments.services.settle import settle
from payments.services.settle_transfer import settle_transfer
from payments.states import LIVE, State

logger = logging.getLogger(__name__)

UNMATCHED_RETRY_SECONDS = (1, 2, 4, 8, 15, 30)  # a callback may overtake our own record: a minute
FINAL = (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.REVERSED)


def apply_delivery(*, delivery_id: int) -> None:
    """Read, match and apply one delivery; safe to repeat and to run twice at once."""
    delivery = WebhookDelivery.objects.get(pk=delivery_id)
    if delivery.next_try_at is None:
        return
    if delivery.channel == WebhookDelivery.Channel.TIMEOUT:
        _apply_timeout(delivery)
        return
    provider = registry.by_dialect(delivery.dialect)
    try:
        notice = provider.parse_callback(bytes(delivery.body), delivery.headers)
    except MalformedCallback as error:
        _finish(delivery, WebhookDelivery.State.MALFORMED, str(error))
        return
    if notice.kind == NoticeKind.BILL:
        proof = proof_of(delivery, notice, provider)
        _finish(delivery, *receive_bill(delivery=delivery, notice=notice, proof=proof))
        return
    if notice.kind == NoticeKind.TRANSFER and (claim := _matching_claim(delivery)):
        _finish(delivery, *hear_of_receipt(delivery=delivery, claim=claim))
        return
    matched = _match(delivery, notice)
    if matched is None:
        if transfer := _matching_transfer(delivery, notice):
            _apply_to_transfer(delivery, notice, provider, transfer)
        else:
            _wait_for_match(delivery, notice)
        return
    attempt_id, token = matched
    delivery.attempt_id = attempt_id
    proof = proof_of(delivery, notice, provider, token)
    if proof is None:
        _keep_on_attempt(attempt_id, notice)
        why = why_no_proof(delivery, notice, provider)
        _take_as_hint(delivery, notice, attempt_id, why)
        _finish(delivery, WebhookDelivery.State.HINT, why)
        return
    changed = settle(
        attempt_id=attempt_id,
        answer=notice.answer,
        source=PaymentEvent.Source.WEBHOOK,
        evidence=f"delivery {delivery.pk}, proved by {proof}: {notice.answer.message}",
        delivery_id=delivery.pk,
        webhook_data=notice.answer.response,
    )
    state = WebhookDelivery.State.APPLIED if changed else WebhookDelivery.State.REPEATED
    _finish(delivery, state, notice.answer.message)


def _match(delivery: WebhookDelivery, notice: Notice) -> tuple[int, str] | None:
    """The attempt that the callback names: by our token, our reference or the provider's handle.

    Returns its primary key and its token.
    """
    if notice.kind != NoticeKind.COLLECTION:
        return None
    attempts = MobileMoneyTransaction.objects.filter(dialect=delivery.dialect)
    for name, value in (
        ("callback_token", delivery.attempt_token),
        ("reference", notice.reference),
        ("provider_reference", notice.provider_reference),
    ):
        found = attempts.filter(**{name: value}).values_list("id", "callback_token")
        if value and (rows := list(found)):
            return rows[0]
    return None


def _apply_timeout(delivery: WebhookDelivery) -> None:
    """The provider gave a request up in its queue. What that means for the money is to be asked."""
    token = delivery.attempt_token
    transfer = Transfer.objects.filter(callback_token=token).first() if token else None
    if transfer is None and (claim := _matching_claim(delivery)):
        _finish(delivery, WebhookDelivery.State.HINT, f"{claim.subject}: the queue was too long")
        return
    if transfer is None:
        _finish(delivery, WebhookDelivery.State.UNMATCHED, "names no transfer of ours")
        return
    delivery.transfer = transfer
    _finish(delivery, WebhookDelivery.State.HINT, "the provider's queue was too long")
    _ask_about(transfer)


def _matching_claim(delivery: WebhookDelivery) -> ReceiptClaim | None:
    """The named receipt that the provider was asked about; only our token tells that."""
    token = delivery.attempt_token
    return ReceiptClaim.objects.filter(callback_token=token).first() if token else None


def _matching_transfer(delivery: WebhookDelivery, notice: Notice) -> Transfer | None:
    """The transfer that the callback names, in the same three ways.

    A COLLECTION is looked for too: the Open API's callbacks do not tell incoming from outgoing money.
    """
    if notice.kind == NoticeKind.BILL:
        return None
    transfers = Transfer.objects.filter(dialect=delivery.dialect)
    for name, value in (
        ("callback_token", delivery.attempt_token),
        ("reference", notice.reference),
        ("provider_reference", notice.provider_reference),
    ):
        if value and (found := transfers.filter(**{name: value}).first()):
            return found
    return None


def _apply_to_transfer(
    delivery: WebhookDelivery, notice: Notice, provider: Provider, transfer: Transfer
) -> None:
    delivery.transfer = transfer
    proof = proof_of(delivery, notice, provider, transfer.callback_token)
    if proof is None:
        _finish(delivery, WebhookDelivery.State.HINT, why_no_proof(delivery, notice, provider))
        _ask_about(transfer)
        return
    changed = settle_transfer(
        transfer_id=transfer.pk,
        answer=notice.answer,
        source=TransferEvent.Source.WEBHOOK,
        evidence=f"delivery {delivery.pk}, proved by {proof}: {notice.answer.message}",
    )
    state = WebhookDelivery.State.APPLIED if changed else WebhookDelivery.State.REPEATED
    _finish(delivery, state, notice.answer.message)


def _ask_about(transfer: Transfer) -> None:
    """At once where that is allowed; else its next check is planned already, and leads to a case."""
    from payments.tasks import check_transfer

    if can_ask_about_transfer(transfer, timezone.now()):
        hurry(check_transfer, transfer.pk)


def _take_as_hint(delivery: WebhookDelivery, notice: Notice, attempt_id: int, why: str) -> None:
    """Ask the provider because of it; where it cannot be asked, a person must look."""
    from payments.tasks import check

    attempt = MobileMoneyTransaction.objects.select_related("payment").get(pk=attempt_id)
    says_something_new = notice.answer.outcome in FINAL and attempt.status not in (
        State.COMPLETED,
        State.FAILED,
    )
    if not says_something_new:
        return
    if can_ask_now(attempt, timezone.now()):
        hurry(check, attempt.pk)
        return
    if attempt.status in LIVE and registry.by_dialect(attempt.dialect).description.can_query:
        return  # its next check is planned already
    open_case(
        kind=CaseKind.UNANSWERABLE_HINT,
        subject=f"payment:{attempt.payment.public_id}",
        amount=attempt.payment.amount,
        detail=f"delivery {delivery.pk} says {notice.answer.outcome}, but {why}",
    )


def _wait_for_match(delivery: WebhookDelivery, notice: Notice) -> None:
    if delivery.tries < len(UNMATCHED_RETRY_SECONDS):
        wait = UNMATCHED_RETRY_SECONDS[delivery.tries]
        WebhookDelivery.objects.filter(pk=delivery.pk).update(
            tries=delivery.tries + 1, next_try_at=timezone.now() + timedelta(seconds=wait)
        )
        return
    named = notice.reference or notice.provider_reference or "nothing"
    # The case first: whoever dies in between leaves the delivery to the sweep, not a case unopened.
    open_case(
        kind=CaseKind.UNMATCHED_DELIVERY,
        subject=f"delivery:{delivery.dialect}:{named}"[:100],
        amount=notice.answer.amount or 0,
        detail=f"delivery {delivery.pk} names {named}, which is no attempt of ours",
    )
    _finish(delivery, WebhookDelivery.State.UNMATCHED, note_of_unmatched(named))


def note_of_unmatched(named: str) -> str:
    """What is noted of a delivery that names nothing of ours; it is searched for by that."""
    return f"names {named}"


@retried
def _keep_on_attempt(attempt_id: int, notice: Notice) -> None:
    MobileMoneyTransaction.objects.filter(pk=attempt_id).update(
        webhook_data=redact(dict(notice.answer.response)), updated_at=timezone.now()
    )


@retried
def _finish(delivery: WebhookDelivery, state: str, note: str) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=state,
        note=note[:255],
        attempt_id=delivery.attempt_id,
        transfer_id=delivery.transfer_id,
        next_try_at=None,
        processed_at=timezone.now(),
    )
