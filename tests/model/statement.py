"""What a provider's statement tells, brought as staff would bring it: as evidence."""

from __future__ import annotations

from payments.models import MobileMoneyTransaction, PaymentEvent, Transfer, TransferEvent
from payments.providers.base import Answer, Outcome
from payments.services.settle import settle
from payments.services.settle_transfer import settle_transfer
from payments.states import TransferState
from tests.model.provider import Charge, Fate, Sending


def read_line_of_charge(charge: Charge) -> None:
    """What a statement tells of a collection, as evidence."""
    attempt = MobileMoneyTransaction.objects.get(reference=charge.asked.reference)
    told: list[Answer] = []
    if charge.paid:
        told.append(
            Answer(
                outcome=Outcome.SUCCEEDED,
                receipt=charge.receipt,
                amount=charge.paid,
                msisdn=charge.paid_by,
            )
        )
    elif charge.fate == Fate.REFUSED:
        told.append(Answer(outcome=Outcome.FAILED, reason=charge.reason))
    if charge.is_reversed_alone:
        told.append(Answer(outcome=Outcome.REVERSED, receipt=charge.receipt))
    for answer in told:
        settle(
            attempt_id=attempt.pk,
            answer=answer,
            source=PaymentEvent.Source.STAFF,
            evidence="statement",
        )


def read_line_of_transfer(transfer: Transfer, sending: Sending | None) -> None:
    """What a statement tells of money that we wanted to send; no line: it was not sent."""
    is_sent = sending is not None and sending.fate == Fate.DONE
    if transfer.state == TransferState.QUEUED and not is_sent:
        return  # it is going to be sent
    settle_transfer(
        transfer_id=transfer.pk,
        answer=Answer(
            outcome=Outcome.SUCCEEDED if is_sent else Outcome.FAILED,
            receipt=sending.receipt if sending else "",
        ),
        source=TransferEvent.Source.STAFF,
        evidence="statement",
    )
