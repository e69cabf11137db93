"""A payment's whole story: what every app knows of it, in the order of time. Reads only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from backoffice.diagnosis import staff_sentence
from backoffice.models import Note
from backoffice.notes import notes_on
from bundles.models import (
    Activation,
    FiscalCorrection,
    FiscalRecord,
    Gift,
    Purchase,
    Subscription,
)
from cases.models import Case
from common.clock import business_day
from common.moments import Line, Moment
from common.sizes import in_words
from notifications.messages import TEXTS
from notifications.models import Message
from payments.admin.deliveries import readable
from payments.models import (
    Disposition,
    Match,
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
from payments.services.replay_delivery import can_be_replayed
from payments.states import State, TransferState
from vpn.diagnosis import diagnose_service
from vpn.models import Peer
from vpn.traffic import Traffic, of_peers

ABOUT_PAYMENTS = [message_id for message_id in TEXTS if message_id.startswith("payment_")]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a story: how texts with phone numbers are shown to them, and what they may do."""

    shown: Callable[[str], str]
    may_process: bool = False


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
    notes: list[Note] = field(default_factory=list)


def story_of(payment: Payment, reader: Reader) -> Story:
    """The story of a payment, in a number of queries that does not grow with it."""
    attempts = list(payment.attempts.prefetch_related("calls", "deliveries"))
    transfers = list(payment.transfers.order_by("id").prefetch_related("calls", "deliveries"))
    attempt = attempts[-1] if attempts else None
    purchase = _purchase(payment)
    activation, gift = _activation(purchase, payment), getattr(purchase, "gift", None)
    cases = list(Case.objects.filter(subject__in=_subjects(payment, transfers)))
    notes = notes_on([f"payment:{payment.public_id}", f"customer:{payment.payer_id}"])
    moments = [
        *_states(payment, reader),
        *(moment for each in attempts for moment in _attempt(each, reader)),
        *(moment for each in transfers for moment in _transfer(each, reader)),
        *_transfer_events(payment, reader),
        *_postings(payment),
        *_gift(gift, reader),
        *_service(activation),
        *_messages(payment, activation, transfers, reader),
        *_matches(attempts, transfers, reader),
        *_claims(payment),
        *_cases(cases, reader),
        *_notes(notes),
        *_fiscal(payment),
    ]
    return Story(
        payment=payment,
        attempt=attempt,
        purchase=purchase,
        activation=activation,
        transfers=transfers,
        moments=sorted(moments, key=lambda moment: moment.at),
        next_step=_next_step(payment, attempt, activation, gift, transfers),
        can_ask=attempt is not None and can_ask_now(attempt, timezone.now()),
        open_cases=[case for case in cases if case.state == Case.State.OPEN],
        notes=notes,
    )


def _subjects(payment: Payment, transfers: list[Transfer]) -> list[str]:
    """What cases about a payment or its transfers are named by."""
    names = [f"transfer:{transfer.reference}" for transfer in transfers]
    return [f"payment:{payment.public_id}", *names]


def _purchase(payment: Payment) -> Purchase | None:
    """None for money that a customer sent for nothing in particular."""
    if not payment.subject:
        return None
    purchases = Purchase.objects.select_related(
        "bundle", "customer", "activation__subscription", "gift__claimed_by"
    )
    return purchases.filter(pk=Purchase.id_from(payment.subject)).first()


def _activation(purchase: Purchase | None, payment: Payment) -> Activation | None:
    """What this payment's money bought; nothing when the money became credit."""
    if purchase is None or payment.disposition != Disposition.FULFILLED:
        return None
    return getattr(purchase, "activation", None)


def _states(payment: Payment, reader: Reader) -> Iterator[Moment]:
    for event in payment.events.all():
        yield Moment(
            at=event.at,
            kind="state",
            title=event.get_to_state_display(),
            detail=reader.shown(
                " · ".join(filter(None, [event.get_source_display(), event.evidence]))
            ),
            tone={State.COMPLETED: "good", State.FAILED: "bad"}.get(State(event.to_state), ""),
        )


def _attempt(attempt: MobileMoneyTransaction, reader: Reader) -> Iterator[Moment]:
    for call in attempt.calls.all():
        yield _call(call, attempt.get_provider_display(), reader)
    for delivery in attempt.deliveries.all():
        yield _delivery(delivery, reader)


def _transfer(transfer: Transfer, reader: Reader) -> Iterator[Moment]:
    for call in transfer.calls.all():
        yield _call(call, transfer.get_provider_display(), reader)
    for delivery in transfer.deliveries.all():
        yield _delivery(delivery, reader)


def _transfer_events(payment: Payment, reader: Reader) -> Iterator[Moment]:
    events = TransferEvent.objects.filter(transfer__payment=payment)
    for event in events.select_related("transfer", "by"):
        transfer = event.transfer
        who = str(event.by) if event.by else event.get_source_display()
        yield Moment(
            at=event.at,
            kind="transfer",
            title=f"{transfer.get_kind_display()} {transfer.reference} of {transfer.amount:,} TZS: "
            f"{event.get_to_state_display().lower()}",
            detail=reader.shown(" · ".join(filter(None, [who, event.evidence]))),
            tone={"succeeded": "good", "failed": "bad", "rejected": "bad"}.get(event.to_state, ""),
        )


def _call(call: ProviderCall, provider: str, reader: Reader) -> Moment:
    told = filter(None, [call.outcome or "no answer recorded", call.code, call.message])
    return Moment(
        at=call.started_at,
        kind="call",
        title=f"{call.get_kind_display()} · {provider}",
        detail=reader.shown(" · ".join(told)),
        raw=reader.shown(_json({"request": call.request, "response": call.response})),
    )


def _delivery(delivery: WebhookDelivery, reader: Reader) -> Moment:
    may_process = reader.may_process and can_be_replayed(delivery)
    return Moment(
        at=delivery.received_at,
        kind="delivery",
        title=f"Webhook delivery {delivery.pk}",
        detail=reader.shown(
            " · ".join(
                filter(
                    None,
                    [
                        delivery.get_state_display(),
                        delivery.get_trust_display(),
                        str(delivery.source or ""),
                        delivery.note,
                    ],
                )
            )
        ),
        raw=reader.shown(readable(bytes(delivery.body))),
        verb="Process it again" if may_process else "",
        url=_process_page(delivery) if may_process else "",
    )


def _process_page(delivery: WebhookDelivery) -> str:
    return reverse("admin:payments_webhookdelivery_process_one", args=[delivery.pk])


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


def _gift(gift: Gift | None, reader: Reader) -> Iterator[Moment]:
    if gift is None:
        return
    until = f"{timezone.localtime(gift.expires_at):%d.%m.%Y %H:%M}"
    yield Moment(
        at=gift.created_at,
        kind="service",
        title="Offered as a gift",
        detail=f"to {reader.shown(gift.phone) or 'a phone that is forgotten'}, until {until}",
    )
    if gift.ended_at is None:
        return
    if gift.state == Gift.State.CLAIMED:
        who = f"by {gift.claimed_by}"
        yield Moment(at=gift.ended_at, kind="service", title="Claimed", detail=who, tone="good")
    else:
        yield Moment(at=gift.ended_at, kind="service", title="Gone back", detail="not claimed")


def _fiscal(payment: Payment) -> Iterator[Moment]:
    """What the tax office was, or is to be, told of the sale."""
    records = FiscalRecord.objects.filter(payment=payment).defer("document")
    for record in records:
        told = [record.shown_state, record.number and f"receipt {record.number}", record.qr_url]
        yield Moment(
            at=record.created_at,
            kind="fiscal",
            title=f"Fiscal record {record.reference}",
            detail=" · ".join(filter(None, told)),
            tone="bad" if record.state == FiscalRecord.State.BLOCKED else "",
            raw=record.answer,
        )
    for correction in FiscalCorrection.objects.filter(payment=payment):
        yield Moment(
            at=correction.created_at,
            kind="fiscal",
            title=f"Fiscal correction of {correction.amount:,} TZS",
            detail=f"{correction.reference} · {correction.why}",
        )


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
    payment: Payment, activation: Activation | None, transfers: list[Transfer], reader: Reader
) -> Iterator[Moment]:
    told = Message.objects.filter(
        key__in=[f"{message_id}:{payment.public_id}" for message_id in ABOUT_PAYMENTS]
    )
    told |= Message.objects.filter(
        key__in=[f"{transfer.kind}_sent:{transfer.reference}" for transfer in transfers]
    )
    if activation is not None:
        told |= Message.objects.filter(key__startswith=f"vpn_ready:{activation.subscription_id}:")
    for message in told:
        yield Moment(
            at=message.created_at,
            kind="message",
            title=f"SMS to {reader.shown(message.to)}",
            detail=f"{message.get_state_display()} · {reader.shown(message.told)}",
        )


def _matches(
    attempts: list[MobileMoneyTransaction], transfers: list[Transfer], reader: Reader
) -> Iterator[Moment]:
    """What the providers' statements say of it, and by which rule."""
    rows = Match.objects.filter(Q(attempt__in=attempts) | Q(transfer__in=transfers))
    for match in rows.select_related("line", "by"):
        line = match.line
        when = f"{timezone.localtime(line.completed_at):%d.%m. %H:%M:%S}"
        what = f"{line.receipt}, {line.amount:+,} TZS at {when}"
        state = match.get_state_display().lower()
        who = f"by {match.by}" if match.by else ""
        yield Moment(
            at=match.at,
            kind="statement",
            title=f"On the statement: {match.get_rule_display().lower()}, {state}",
            detail=reader.shown(" · ".join(filter(None, [what, match.rule, match.why, who]))),
            tone="good" if match.is_live and match.state == Match.State.CONFIRMED else "",
        )


def _claims(payment: Payment) -> Iterator[Moment]:
    """Receipts that the customer has named for it; each was found to be its own."""
    for claim in payment.receipt_claims.all():
        yield Moment(
            at=claim.claimed_at,
            kind="message",
            title=f"The customer named receipt {claim.receipt}",
            detail=claim.get_state_display(),
        )


def _notes(notes: list[Note]) -> Iterator[Moment]:
    for note in notes:
        yield Moment(at=note.at, kind="note", title=f"Note of {note.author}", detail=note.text)


def _cases(cases: list[Case], reader: Reader) -> Iterator[Moment]:
    for case in cases:
        yield Moment(
            at=case.opened_at,
            kind="case",
            title=f"Case: {case.get_kind_display()}",
            detail=reader.shown(case.detail),
            tone="bad",
        )
        if case.resolved_at is not None:
            yield Moment(
                at=case.resolved_at,
                kind="case",
                title="Case resolved",
                detail=reader.shown(case.resolution),
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
    gift: Gift | None,
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
        now = timezone.now()
        return f"Paid and activated. {staff_sentence(diagnose_service(activation.subscription, now), now)}"
    if gift is not None and gift.state == Gift.State.OFFERED:
        return "Paid, and offered as a gift: unclaimed, it becomes the giver's credit by itself."
    if gift is not None:
        return "The gift was not claimed: its money is the giver's credit, or went back."
    if payment.disposition == Disposition.CREDITED and not payment.subject:
        return "It was paid for nothing in particular: the money is the customer's credit."
    if payment.disposition == Disposition.CREDITED:
        return "The money is the customer's credit: see the case for why, and decide there."
    if payment.state == State.COMPLETED:
        return "Paid; the activation is being tried again by itself, or at once by the button."
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
