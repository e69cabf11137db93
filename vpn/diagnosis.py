""" "I paid and have no internet": what is wrong with one customer, and what helps. Reads only.

Who says so to whom has sentences of its own: `backoffice/diagnosis.py` and `storefront/sentences.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.db.models import Exists, OuterRef, Q

from bundles.models import Activation, Gift, Purchase, Subscription
from payments.models import Disposition, Payment, Transfer
from payments.selectors import latest_attempt
from payments.states import LIVE, State, TransferState
from vpn.models import ONLINE_FOR, ConfigLink, Peer


class Finding(StrEnum):
    """The first thing that keeps the customer offline; the money's before the service's."""

    NOTHING_BOUGHT = "nothing_bought"
    WAITING_FOR_PIN = "waiting_for_pin"
    NO_ANSWER = "no_answer"
    NOT_PAID = "not_paid"
    NOT_ACTIVATED = "not_activated"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REVERSED = "reversed"
    UNDERPAID = "underpaid"
    BECAME_CREDIT = "became_credit"
    WITHDRAWN = "withdrawn"
    GIFT_OFFERED = "gift_offered"
    GIFT_CLAIMED = "gift_claimed"
    GIFT_RETURNED = "gift_returned"
    TIME_OVER = "time_over"
    USED_UP = "used_up"
    NO_DEVICE = "no_device"
    DEVICE_REVOKED = "device_revoked"
    GATEWAY_SILENT = "gateway_silent"
    GATEWAY_BEHIND = "gateway_behind"
    NOT_FETCHED = "not_fetched"
    NEVER_CONNECTED = "never_connected"
    OFFLINE = "offline"
    ONLINE = "online"


class Verb(StrEnum):
    """What to do about it next."""

    NOTHING = ""
    ASK_THE_PROVIDER = "ask_the_provider"
    ACTIVATE_AGAIN = "activate_again"
    SEND_CONFIGURATION = "send_configuration"
    LOOK_AT_GATEWAY = "look_at_gateway"
    BUY_AGAIN = "buy_again"
    SPEND_CREDIT = "spend_credit"
    OPEN_THE_APP = "open_the_app"
    SWITCH_TUNNEL_ON = "switch_tunnel_on"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, and the rows that show it."""

    finding: Finding
    payment: Payment | None = None
    subscription: Subscription | None = None
    peer: Peer | None = None

    @property
    def verb(self) -> Verb:
        return VERBS.get(self.finding, Verb.NOTHING)

    @property
    def is_fine(self) -> bool:
        return self.finding == Finding.ONLINE


VERBS = {
    Finding.NOTHING_BOUGHT: Verb.BUY_AGAIN,
    Finding.WAITING_FOR_PIN: Verb.ASK_THE_PROVIDER,
    Finding.NO_ANSWER: Verb.ASK_THE_PROVIDER,
    Finding.NOT_PAID: Verb.BUY_AGAIN,
    Finding.NOT_ACTIVATED: Verb.ACTIVATE_AGAIN,
    Finding.UNDERPAID: Verb.SPEND_CREDIT,
    Finding.BECAME_CREDIT: Verb.SPEND_CREDIT,
    Finding.REFUNDED: Verb.BUY_AGAIN,
    Finding.WITHDRAWN: Verb.BUY_AGAIN,
    Finding.GIFT_RETURNED: Verb.SPEND_CREDIT,
    Finding.TIME_OVER: Verb.BUY_AGAIN,
    Finding.USED_UP: Verb.BUY_AGAIN,
    Finding.NO_DEVICE: Verb.OPEN_THE_APP,
    Finding.DEVICE_REVOKED: Verb.OPEN_THE_APP,
    Finding.GATEWAY_SILENT: Verb.LOOK_AT_GATEWAY,
    Finding.GATEWAY_BEHIND: Verb.LOOK_AT_GATEWAY,
    Finding.NOT_FETCHED: Verb.SEND_CONFIGURATION,
    Finding.NEVER_CONNECTED: Verb.SWITCH_TUNNEL_ON,
    Finding.OFFLINE: Verb.SWITCH_TUNNEL_ON,
}

# The latest payment serves nobody, or not any more: what else the customer has may.
NOTHING_FOR_ONESELF = (
    Finding.NOT_PAID,
    Finding.NO_ANSWER,
    Finding.REFUNDED,
    Finding.WITHDRAWN,
    Finding.GIFT_OFFERED,
    Finding.GIFT_CLAIMED,
    Finding.GIFT_RETURNED,
    Finding.TIME_OVER,
    Finding.USED_UP,
)


def diagnose(customer_id: int, now: datetime) -> Diagnosis:
    """What the latest payment came to; where that serves nobody, what the customer has besides."""
    payment = Payment.objects.filter(payer_id=customer_id).order_by("-id").first()
    running = _running(customer_id, now)
    if payment is None:
        nothing = Diagnosis(Finding.NOTHING_BOUGHT)
        return nothing if running is None else diagnose_service(running, now)
    found = diagnose_payment(payment, now)
    if running is None or found.finding not in NOTHING_FOR_ONESELF:
        return found
    return replace(diagnose_service(running, now), payment=payment)


def diagnose_payment(payment: Payment, now: datetime) -> Diagnosis:
    """What one payment came to, down to the device that uses it."""
    finding = _money(payment)
    if finding is not None:
        return Diagnosis(finding, payment=payment)
    activation, gift = _activation(payment), _gift(payment)
    if gift is not None:
        return Diagnosis(_given(payment, gift, activation), payment=payment)
    if activation is None:
        return Diagnosis(Finding.NOT_ACTIVATED, payment=payment)
    if activation.withdrawn_at is not None:
        return Diagnosis(Finding.WITHDRAWN, payment=payment, subscription=activation.subscription)
    return replace(diagnose_service(activation.subscription, now), payment=payment)


def _money(payment: Payment) -> Finding | None:
    """What keeps the money from having bought something; None when it has."""
    if payment.reversed_at is not None:
        return Finding.REVERSED
    if payment.state in LIVE:
        return Finding.WAITING_FOR_PIN
    if payment.state == State.EXPIRED:
        attempt = latest_attempt(payment)
        is_asked = attempt is not None and attempt.next_check_at is not None
        return Finding.NO_ANSWER if is_asked else Finding.NOT_PAID
    if payment.state == State.FAILED:
        return Finding.NOT_PAID
    if payment.disposition == Disposition.REFUNDED:
        return Finding.REFUNDED if _is_sent_back(payment) else Finding.REFUNDING
    if payment.disposition == Disposition.CREDITED:
        is_underpaid = payment.covered < payment.amount
        return Finding.UNDERPAID if is_underpaid else Finding.BECAME_CREDIT
    return None if payment.disposition == Disposition.FULFILLED else Finding.NOT_ACTIVATED


def _is_sent_back(payment: Payment) -> bool:
    return Transfer.objects.filter(payment=payment, state=TransferState.SUCCEEDED).exists()


def _activation(payment: Payment) -> Activation | None:
    if not payment.subject:
        return None
    bought = Activation.objects.filter(purchase=Purchase.id_from(payment.subject))
    return bought.select_related("subscription__bundle").first()


def _gift(payment: Payment) -> Gift | None:
    if not payment.subject:
        return None
    return Gift.objects.filter(purchase=Purchase.id_from(payment.subject)).first()


def _given(payment: Payment, gift: Gift, activation: Activation | None) -> Finding:
    """How the receiver uses it is not the giver's business."""
    if gift.state == Gift.State.OFFERED:
        return Finding.GIFT_OFFERED
    if gift.state == Gift.State.RETURNED and not Transfer.objects.filter(payment=payment).exists():
        return Finding.GIFT_RETURNED
    is_withdrawn = activation is None or activation.withdrawn_at is not None
    return Finding.WITHDRAWN if is_withdrawn else Finding.GIFT_CLAIMED


def _running(customer_id: int, now: datetime) -> Subscription | None:
    running = Subscription.objects.filter(
        customer_id=customer_id, state=Subscription.State.ACTIVE, ends_at__gt=now
    )
    return running.select_related("bundle").order_by("used_up_at", "-id").first()


def diagnose_service(subscription: Subscription, now: datetime) -> Diagnosis:
    """What keeps a subscription's customer offline."""
    found = Diagnosis(Finding.ONLINE, subscription=subscription)
    if not subscription.is_active_at(now):
        return replace(found, finding=Finding.TIME_OVER)
    if subscription.is_spent:
        return replace(found, finding=Finding.USED_UP)
    peer = _device(subscription)
    if peer is None:
        return replace(found, finding=Finding.NO_DEVICE)
    return replace(found, finding=_connection(peer, now), peer=peer)


def _device(subscription: Subscription) -> Peer | None:
    """The device that was connected last, else the newest; one that may connect before others."""
    opened = ConfigLink.objects.filter(peer=OuterRef("pk"), used_at__isnull=False)
    peers = list(
        Peer.objects.filter(subscription=subscription)
        .select_related("gateway", "address", "subscription")
        .defer("private_key", "preshared_key")
        .annotate(is_opened=Exists(opened) | Q(private_key=""))
        .order_by("-id")[:50]
    )
    ranked = sorted(
        peers,
        key=lambda peer: (
            peer.state == Peer.State.ACTIVE,
            peer.handshake_at.timestamp() if peer.handshake_at else 0,
            peer.pk,
        ),
    )
    return ranked[-1] if ranked else None


def _connection(peer: Peer, now: datetime) -> Finding:
    if peer.state != Peer.State.ACTIVE:
        return Finding.DEVICE_REVOKED
    if peer.handshake_at is not None and now - peer.handshake_at < ONLINE_FOR:
        return Finding.ONLINE
    if not peer.gateway.is_heard_at(now):
        return Finding.GATEWAY_SILENT
    if peer.gateway.agent_revision < peer.revision:
        return Finding.GATEWAY_BEHIND
    if peer.handshake_at is not None:
        return Finding.OFFLINE
    # A phone that made its own keys has its configuration; who read it in the app leaves no trace.
    is_opened = peer.is_opened  # type: ignore[attr-defined]  # annotated
    return Finding.NEVER_CONNECTED if is_opened else Finding.NOT_FETCHED
