"""A payment as its customer may see it: asked, paid, ready, connected. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from bundles.models import Activation, Gift, Purchase
from notifications.messages import REASONS
from payments.models import Disposition, Payment, Transfer
from payments.selectors import latest_attempt
from payments.states import State, TransferState
from vpn.models import Connection


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened; `event` is stable, `text` is for reading."""

    at: datetime
    event: str
    text: str


def timeline_of(payment: Payment) -> list[Step]:
    """What happened to a payment and to what it bought, oldest first, in the reader's language."""
    activation, gift = _activation(payment), _gift(payment)
    steps = [
        *_money(payment),
        *(_given(gift) if gift else _service(activation) if activation else ()),
        *(_ended(activation) if activation else ()),
        *(step for transfer in payment.transfers.all() for step in _money_back(transfer)),
    ]
    return sorted(steps, key=lambda step: step.at)


def _money(payment: Payment) -> Iterator[Step]:
    yield Step(payment.created_at, "started", _("You started the payment."))
    attempt = latest_attempt(payment)
    if attempt is not None and attempt.posted_at is not None:
        name = attempt.get_provider_display()
        yield Step(
            attempt.posted_at, "asked", _("{name} was asked to charge the phone.").format(name=name)
        )
    for event in payment.events.all():
        if event.to_state == State.FAILED:
            reason = attempt.reason if attempt else ""
            words = REASONS.get(reason, REASONS["declined"])[get_language() or "en"]
            yield Step(event.at, "failed", _("The payment failed: {reason}.").format(reason=words))
        if event.to_state == State.EXPIRED:
            yield Step(event.at, "expired", _("Nobody answered in time."))
        if event.to_state == State.COMPLETED:
            yield Step(event.at, "paid", _paid(payment))
    if payment.reversed_at is not None:
        yield Step(payment.reversed_at, "reversed", _("The provider took the payment back."))


def _paid(payment: Payment) -> str:
    if payment.disposition == Disposition.CREDITED:
        return _("TZS {amount:,} arrived and became your credit.").format(amount=payment.covered)
    return _("TZS {amount:,} arrived.").format(amount=payment.covered)


def _service(activation: Activation) -> Iterator[Step]:
    yield Step(activation.created_at, "ready", _("What you bought was ready."))
    connections = Connection.objects.filter(peer__subscription=activation.subscription_id)
    since = connections.filter(started_at__gte=activation.created_at)
    first = since.order_by("started_at").values_list("started_at", flat=True).first()
    if first is not None:
        yield Step(first, "connected", _("Your device connected."))


def _given(gift: Gift) -> Iterator[Step]:
    yield Step(gift.created_at, "gift_offered", _("Your gift waited for whoever you gave it to."))
    if gift.ended_at is None:
        return
    if gift.state == Gift.State.CLAIMED:
        yield Step(gift.ended_at, "gift_claimed", _("Your gift was claimed."))
    else:
        yield Step(gift.ended_at, "gift_returned", _("Your gift went back to you."))


def _ended(activation: Activation) -> Iterator[Step]:
    if activation.withdrawn_at is not None:
        yield Step(activation.withdrawn_at, "ended", _("What you bought has ended with its money."))


def _money_back(transfer: Transfer) -> Iterator[Step]:
    amount = transfer.amount
    started = _("TZS {amount:,} are to go back to the phone.").format(amount=amount)
    yield Step(transfer.created_at, "refund_started", started)
    if transfer.finished_at is None:
        return
    if transfer.state == TransferState.SUCCEEDED:
        text = _("TZS {amount:,} were sent back to the phone.").format(amount=amount)
        yield Step(transfer.finished_at, "refunded", text)
    else:
        text = _("TZS {amount:,} were not sent back.").format(amount=amount)
        yield Step(transfer.finished_at, "refund_stopped", text)


def _gift(payment: Payment) -> Gift | None:
    if not payment.subject:
        return None
    return Gift.objects.filter(purchase=Purchase.id_from(payment.subject)).first()


def _activation(payment: Payment) -> Activation | None:
    if not payment.subject or payment.disposition == Disposition.CREDITED:
        return None
    return Activation.objects.filter(purchase=Purchase.id_from(payment.subject)).first()
