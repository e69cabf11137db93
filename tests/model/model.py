"""What must hold between our books and what really moved: one reading of the truth, no concurrency.

A provider's books say what it took, gave back and sent; ours may know less of it, never more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bundles.models import Activation
from payments import ledger
from payments.models import Disposition, Entry, MobileMoneyTransaction, Payment, Transfer
from payments.providers.base import Disbursement
from payments.states import OPEN_TRANSFERS, State, TransferState
from tests.model.invariants import open_cases
from tests.model.provider import Charge, Fate, ModelProvider
from tests.model.world import FLOAT

SENT = (*OPEN_TRANSFERS, TransferState.SUCCEEDED)


def booked_without_truth(providers: Iterable[ModelProvider]) -> Iterator[str]:
    """What we have booked, or let happen, though it did not: wrong at every moment."""
    booked = _booked()
    sent_back = _reversals_booked(booked)
    for provider in providers:
        yield from provider.wrongs
        for reference, charge in provider.charges.items():
            collected = booked.pop(f"collection:{reference}", 0)
            returned = -booked.pop(f"reversal:{reference}", 0) + sent_back.pop(reference, 0)
            if collected not in (0, charge.paid):
                yield f"{collected} are booked for {charge}, which has paid {charge.paid}"
            if returned > charge.returned:
                yield f"{returned} are booked as sent back for {charge}"
        for reference, sending in provider.sendings.items():
            sent = -booked.pop(f"transfer-sent:{reference}", 0)
            if sent and (sent != sending.asked.amount or sending.fate != Fate.DONE):
                yield f"{sent} are booked for {sending}"
            if f"transfer-undone:{reference}" in booked and sending.fate != Fate.REFUSED:
                yield f"{sending} is booked as never sent"
    untrue = ("collection:", "reversal:", "transfer-sent:")
    yield from (f"{source} never happened" for source in booked if source.startswith(untrue))
    yield from (f"{reference} was never taken back" for reference in sent_back)


def _booked() -> dict[str, int]:
    """Posting's source → TZS that it moved at a provider; 0 where it moved none there."""
    moved: dict[str, int] = {}
    rows = Entry.objects.values_list("posting__source", "account", "amount")
    for source, account, amount in rows:
        at_provider = amount if account.startswith("provider:") else 0
        moved[source] = moved.get(source, 0) + at_provider
    return moved


def _reversals_booked(booked: dict[str, int]) -> dict[str, int]:
    """Collection's reference → TZS booked as taken back at our request.

    A provider that took it back before our request came may say so of ours: it is the same money. What
    it knows nothing of is taken out of `booked`.
    """
    sent_back: dict[str, int] = {}
    reversals = Transfer.objects.filter(method=Transfer.Method.REVERSAL, state="succeeded")
    for ours, collection in reversals.values_list("reference", "payment__attempts__reference"):
        source = f"transfer-sent:{ours}"
        sent_back[collection] = sent_back.get(collection, 0) - booked.pop(source, 0)
    return sent_back


def unexplained_at_rest(providers: Iterable[ModelProvider]) -> Iterator[str]:
    """After the sweeps alone: what we do not know must be somebody's question."""
    booked = _booked()
    for provider in providers:
        for reference, charge in provider.charges.items():
            if charge.paid and f"collection:{reference}" not in booked:
                payment = _payment(reference)
                is_asked = open_cases(f"payment:{payment.public_id}")
                can_tell = provider.description.can_query or not charge.is_misreported
                if can_tell and not (is_asked or charge.is_reversed_alone):
                    yield f"{charge} has paid {payment.state} payment {payment.pk}"
        for reference, sending in provider.sendings.items():
            is_booked = f"transfer-sent:{reference}" in booked
            if (
                sending.fate == Fate.DONE
                and not is_booked
                and not open_cases(f"transfer:{reference}")
            ):
                yield f"{sending} was sent and is not booked"
    yield from _unfinished()


def _unfinished() -> Iterator[str]:
    for attempt in MobileMoneyTransaction.objects.filter(
        status__in=(State.INITIATED, State.PENDING)
    ):
        yield f"attempt {attempt.pk} is {attempt.status} for ever"
    for payment in Payment.objects.filter(state=State.COMPLETED):
        if not _has_what_it_is_for(payment):
            yield f"payment {payment.pk}, {payment.disposition}, has nothing for its money"
    for transfer in Transfer.objects.filter(
        state__in=(TransferState.QUEUED, TransferState.PENDING)
    ):
        float_case = f"float:{transfer.provider}:{transfer.method}"
        if not open_cases(f"transfer:{transfer.reference}", float_case):
            yield f"transfer {transfer} is {transfer.state} for ever"


def _has_what_it_is_for(payment: Payment) -> bool:
    """Served, or credit, or sent (or to be sent) back, or reversed, or a question for staff."""
    if payment.reversed_at is not None or payment.disposition == Disposition.CREDITED:
        return True
    transfers = list(payment.transfers.all())
    subjects = [f"transfer:{transfer.reference}" for transfer in transfers]
    return (
        Activation.objects.filter(
            withdrawn_at=None, purchase=payment.subject.removeprefix("purchase:")
        ).exists()
        or any(transfer.state in SENT for transfer in transfers)
        or payment.postings.filter(source__startswith="credit-again:").exists()
        or bool(open_cases(f"payment:{payment.public_id}", *subjects))
    )


def books_differ_from_truth(providers: Iterable[ModelProvider]) -> Iterator[str]:
    """After the statement was read too: the same to the shilling, or a case that says why."""
    for provider in providers:
        name = provider.description.provider
        taken = sum(_to_be_held(*each) for each in provider.charges.items())
        sent = sum(
            sending.asked.amount
            for sending in provider.sendings.values()
            if sending.fate == Fate.DONE and isinstance(sending.asked, Disbursement)
        )
        for account, truth in (
            (ledger.collection_account(name), taken),
            (ledger.disbursement_account(name), FLOAT - sent),
        ):
            if (books := ledger.balance(account)) != truth:
                yield f"{account} is {books} in our books, and really {truth}"


def _to_be_held(reference: str, charge: Charge) -> int:
    """TZS of a collection that our books should hold: what staff are asked about is not booked yet."""
    payment = _payment(reference)
    asked = open_cases(f"payment:{payment.public_id}")
    is_of_another_phone = charge.paid > 0 and charge.paid_by != charge.asked.msisdn
    if is_of_another_phone and "wrong_details" in asked:
        return 0
    if charge.is_reversed_alone and payment.reversed_at is None and "reversed" in asked:
        return charge.paid - _asked_back(payment)  # is the rest gone too?
    return charge.paid - charge.returned


def _asked_back(payment: Payment) -> int:
    reversals = payment.transfers.filter(
        method=Transfer.Method.REVERSAL, state=TransferState.SUCCEEDED
    )
    return sum(transfer.amount for transfer in reversals)


def _payment(reference: str) -> Payment:
    return Payment.objects.get(attempts__reference=reference)
