"""A payment's whole story: what every app knows of it, in the order of time. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from bundles.models import Activation, Purchase, Subscription
from cases.models import Case
from common import phone as phones
from common.clock import business_day
from common.moments import Line, Moment
from common.sizes import in_words
from notifications.models import Message
from payments.admin.deliveries import readable
from payments.models import (
    Disposition,
    MobileMoneyTransaction,
    Payment,
    Posting,
    ProviderCall,
    Transfer,
    TransferEvent,
    WebhookDelivery,
)
from payments.providers import registry
from payments.services.query import can_ask_now
from payments.states import State, TransferState
from vpn.models import Peer
from vpn.traffic import Traffic, of_peers


@dataclass(frozen=True, slots=True)
class Story:
    payment: Payment
    attempt: MobileMoneyTransaction | None
    purchase: Purchase | None
    activation: Activation | None
    transfers: list[Transfer]
    moments: list[Moment]
    next_step: str
    can_ask: bool
    open_cases: list[Case] = field(default_factory=list)


def story_of(payment: Payment) -> Story:
    """The story of a payment, in a number of queries that does not grow with it."""
    attempts = list(payment.attempts.prefetch_related("calls", "deliveries"))
    transfers = list(payment.transfers.order_by("id").prefetch_related("calls", "deliveries"))
    attempt = attempts[-1] if attempts else None
    purchase = _purchase(payment)
    activation = _activation(purchase, payment)
    cases = list(Case.objects.filter(subject__in=_subjects(payment, transfers)))
    moments = [
        *_states(payment),
        *(moment for each in attempts for moment in _attempt(each)),
        *(moment for each in transfers for moment in _transfer(each)),
        *_transfer_events(payment),
        *_postings(payment),
        *_service(activation),
        *_messages(payment, activation, transfers),
        *_cases(cases),
    ]
    return Story(
        payment=payment,
        attempt=attempt,
        purchase=purchase,
        activation=activation,
        transfers=transfers,
        moments=sorted(moments, key=lambda moment: moment.at),
        next_step=_next_step(payment, attempt, activation, transfers),
        can_ask=attempt is not None and can_ask_now(attempt, timezone.now()),
        open_cases=[case for case in cases if case.state == Case.State.OPEN],
    )


def _subjects(payment: Payment, transfers: list[Transfer]) -> list[str]:
    """What cases about a payment or its transfers are named by."""
    names = [f"transfer:{transfer.reference}" for transfer in transfers]
    return [f"payment:{payment.public_id}", *names]


def _purchase(payment: Payment) -> Purchase | None:
    """None for money that a customer sent for nothing in particular."""
    if not payment.subject:
        return None
    purchases = Purchase.objects.select_related("bundle", "customer", "activation__subscription")
    return purchases.filter(pk=Purchase.id_from(payment.subject)).first()


def _activation(purchase: Purchase | None, payment: Payment) -> Activation | None:
    """What this payment's money bought; nothing when the money became credit."""
    if purchase is None or payment.disposition != Disposition.FULFILLED:
        return None
    return getattr(purchase, "activation", None)


def _states(payment: Payment) -> Iterator[Moment]:
    for event in payment.events.all():
        yield Moment(
            at=event.at,
            kind="state",
            title=event.get_to_state_display(),
            detail=" · ".join(filter(None, [event.get_source_display(), event.evidence])),
            tone={State.COMPLETED: "good", State.FAILED: "bad"}.get(State(event.to_state), ""),
        )


def _attempt(attempt: MobileMoneyTransaction) -> Iterator[Moment]:
    for call in attempt.calls.all():
        yield _call(call, attempt.get_provider_display())
    for delivery in attempt.deliveries.all():
        yield _delivery(delivery)


def _transfer(transfer: Transfer) -> Iterator[Moment]:
    for call in transfer.calls.all():
        yield _call(call, transfer.get_provider_display())
    for delivery in transfer.deliveries.all():
        yield _delivery(delivery)


def _transfer_events(payment: Payment) -> Iterator[Moment]:
    events = TransferEvent.objects.filter(transfer__payment=payment)
    for event in events.select_related("transfer", "by"):
        transfer = event.transfer
        who = str(event.by) if event.by else event.get_source_display()
        yield Moment(
            at=event.at,
            kind="transfer",
            title=f"{transfer.get_kind_display()} {transfer.reference} of {transfer.amount:,} TZS: "
            f"{event.get_to_state_display().lower()}",
            detail=" · ".join(filter(None, [who, event.evidence])),
            tone={"succeeded": "good", "failed": "bad", "rejected": "bad"}.get(event.to_state, ""),
        )


def _call(call: ProviderCall, provider: str) -> Moment:
    return Moment(
        at=call.started_at,
        kind="call",
        title=f"{call.get_kind_display()} · {provider}",
        detail=" · ".join(
            filter(None, [call.outcome or "no answer recorded", call.code, call.message])
        ),
        raw=_json({"request": call.request, "response": call.response}),
    )


def _delivery(delivery: WebhookDelivery) -> Moment:
    return Moment(
        at=delivery.received_at,
        kind="delivery",
        title=f"Webhook delivery {delivery.pk}",
        detail=" · ".join(
            filter(
                None,
                [
                    delivery.get_state_display(),
                    delivery.get_trust_display(),
                    str(delivery.source or ""),
                    delivery.note,
                ],
            )
        ),
        raw=readable(bytes(delivery.body)),
    )


def _postings(payment: Payment) -> Iterator[Moment]:
    for posting in Posting.objects.filter(payment=payment).prefetch_related("entries"):
        yield Moment(
            at=posting.posted_at,
            kind="ledger",
            title="Posted",
            detail=f"{posting.source} · {posting.memo}",
            lines=tuple(
                Line(entry.account, max(entry.amount, 0), max(-entry.amount, 0))
                for entry in posting.entries.all()
            ),
        )


def _service(activation: Activation | None) -> Iterator[Moment]:
    if activation is None:
        return
    subscription = activation.subscription
    yield Moment(
        at=activation.created_at,
        kind="service",
        title="Activated",
        detail=f"{activation.data_bytes / 10**9:g} GB, {activation.days} "
        f"day{'s' if activation.days > 1 else ''} of subscription {subscription.pk}",
        tone="good",
    )
    if activation.withdrawn_at is not None:
        yield Moment(
            at=activation.withdrawn_at,
            kind="service",
            title="Withdrawn",
            detail="its money is gone again",
            tone="bad",
        )
    yield from _devices(subscription)


def _devices(subscription: Subscription) -> Iterator[Moment]:
    now = timezone.now()
    peers = Peer.objects.filter(subscription=subscription).select_related("gateway", "address")
    traffic = of_peers([peer.pk for peer in peers], today=business_day(now))
    for peer in peers:
        where = f"{', '.join(peer.tunnel_addresses)} on gateway {peer.gateway.name}"
        yield Moment(
            at=peer.created_at,
            kind="service",
            title=f"VPN peer for {peer.device_name}",
            detail=" · ".join([where, _use(peer, traffic.get(peer.pk, Traffic()))]),
        )
        if peer.revoked_at is not None:
            yield Moment(
                at=peer.revoked_at,
                kind="service",
                title="VPN peer revoked",
                detail=where,
                tone="bad",
            )


def _use(peer: Peer, traffic: Traffic) -> str:
    if peer.handshake_at is None:
        return "never connected"
    seen = f"{timezone.localtime(peer.handshake_at):%d.%m. %H:%M:%S}"
    return f"last handshake {seen}, {in_words(traffic.ever)} used"


def _messages(
    payment: Payment, activation: Activation | None, transfers: list[Transfer]
) -> Iterator[Moment]:
    told = Message.objects.filter(key__endswith=f":{payment.public_id}")
    told |= Message.objects.filter(
        key__in=[f"{transfer.kind}_sent:{transfer.reference}" for transfer in transfers]
    )
    if activation is not None:
        told |= Message.objects.filter(key__startswith=f"vpn_ready:{activation.subscription_id}:")
    for message in told:
        yield Moment(
            at=message.created_at,
            kind="message",
            title=f"SMS to {phones.mask(message.to)}",
            detail=f"{message.get_state_display()} · {_without_link(message)}",
        )


def _without_link(message: Message) -> str:
    """The text, without the link that would reveal the customer's key to staff."""
    link = message.context.get("link")
    return message.text.replace(link, "[one-time link]") if link else message.text


def _cases(cases: list[Case]) -> Iterator[Moment]:
    for case in cases:
        yield Moment(
            at=case.opened_at,
            kind="case",
            title=f"Case: {case.get_kind_display()}",
            detail=case.detail,
            tone="bad",
        )
        if case.resolved_at is not None:
            yield Moment(
                at=case.resolved_at,
                kind="case",
                title="Case resolved",
                detail=case.resolution,
                tone="good",
            )


REFUND_STEPS = {
    TransferState.REQUESTED: "A refund of {amount:,} TZS waits for a second person's decision.",
    TransferState.QUEUED: "A refund of {amount:,} TZS is about to be sent.",
    TransferState.PENDING: "A refund of {amount:,} TZS was sent and is not confirmed; it must not be "
    "sent by another way.",
    TransferState.FAILED: "A refund of {amount:,} TZS failed: see its case, and start another.",
    TransferState.REJECTED: "A refund of {amount:,} TZS was rejected: see why, and tell the customer.",
}


def _next_step(
    payment: Payment,
    attempt: MobileMoneyTransaction | None,
    activation: Activation | None,
    transfers: list[Transfer],
) -> str:
    """One sentence for whoever has the customer on the phone."""
    if payment.reversed_at is not None:
        return "The provider has taken the payment back: see the case for whether that was right."
    if transfers and (step := REFUND_STEPS.get(TransferState(transfers[-1].state))):
        return step.format(amount=transfers[-1].amount)
    if payment.payment_method == Payment.CREDIT and _is_withdrawn(activation):
        return "The money is the customer's credit again, and what it bought has ended."
    if payment.disposition == Disposition.REFUNDED or _is_withdrawn(activation):
        return "The money was sent back, and what it bought has ended."
    if activation is not None:
        return "Paid and activated. If the customer has no internet, look at the VPN."
    if payment.disposition == Disposition.CREDITED and not payment.subject:
        return "It was paid for nothing in particular: the money is the customer's credit."
    if payment.disposition == Disposition.CREDITED:
        return "The money is the customer's credit: see the case for why, and decide there."
    if payment.state == State.COMPLETED:
        return "Paid; the activation is being tried again every few seconds."
    if payment.state == State.FAILED and attempt is not None and attempt.next_check_at:
        return (
            "The provider says that no money moved, and is asked once more. "
            "The customer may start a new payment."
        )
    if payment.state == State.FAILED:
        return "No money moved. The customer may start a new payment."
    if attempt is None or attempt.next_check_at is None:
        return "The provider cannot be asked: wait for its callback or its statement."
    if payment.state == State.EXPIRED:
        return "The time is over; we go on asking the provider. A late success still counts."
    can_query = registry.by_dialect(attempt.dialect).description.can_query
    asked = "asked again" if can_query else "expired if no callback comes"
    return f"Waiting for the PIN or the callback; to be {asked} at the time of the next check."


def _is_withdrawn(activation: Activation | None) -> bool:
    return activation is not None and activation.withdrawn_at is not None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
