"""One customer at one look: who, what they have, what went wrong. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timeuntil

from accounts.models import User
from backoffice.diagnosis import staff_sentence
from backoffice.models import Note
from backoffice.notes import may_note, notes_on
from bundles.models import Subscription
from cases.models import Case
from common.shown_phone import may_be_shown, shown_phone, shown_text
from common.sizes import in_words
from notifications.models import Message
from payments import ledger
from payments.models import MobileMoneyTransaction, Payment, ReceiptClaim, Transfer
from payments.selectors import claims_of, payments_of, transfers_to
from vpn.admin.peer_page import handshake
from vpn.diagnosis import Diagnosis, diagnose
from vpn.gateway_health import GatewayHealth, with_health
from vpn.models import Gateway, Peer

LATEST = 20  # of each list; all by the link to its own page
PHONES = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """A subscription, with what is left of it in words."""

    subscription: Subscription
    state: str
    used: str
    left: str
    percent: int


@dataclass(frozen=True, slots=True)
class Device:
    """A peer, with how it and its gateway do."""

    peer: Peer
    handshake: str
    health: str
    is_well: bool
    may_be_told: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A message, as this reader may have it."""

    message: Message
    text: str


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """What the template shows."""

    customer: User
    sentence: str
    is_fine: bool
    diagnosis: Diagnosis
    phones: list[str]
    may_show: bool
    may_note: bool
    credit: int
    plans: list[Plan] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    messages: list[Told] = field(default_factory=list)
    claims: list[ReceiptClaim] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def page_of(customer: User, request: HttpRequest) -> CustomerPage:
    """The customer's page, in a number of queries that does not grow with what they have."""
    now = timezone.now()
    diagnosis = diagnose(customer.pk, now)
    payments = list(payments_of(customer.pk)[:LATEST])
    transfers = list(transfers_to(customer.pk)[:LATEST])
    devices = _devices(customer, request, now)
    claims = list(claims_of(customer.pk)[:LATEST])
    numbers = _numbers(customer)
    return CustomerPage(
        customer=customer,
        sentence=staff_sentence(diagnosis, now),
        is_fine=diagnosis.is_fine,
        diagnosis=diagnosis,
        phones=[shown_phone(request, number, customer.pk) for number in numbers],
        may_show=bool(numbers) and may_be_shown(request, customer.pk),
        may_note=may_note(request),
        credit=ledger.credit_of(customer.pk),
        plans=[_plan(row, now) for row in _subscriptions(customer)],
        devices=devices,
        payments=payments,
        transfers=transfers,
        messages=_messages(customer, numbers, request),
        claims=claims,
        cases=_cases(payments, transfers, devices, claims),
        notes=notes_on(subjects_of(customer, payments)),
    )


def subject_of(customer: User) -> str:
    """How notes name a customer."""
    return f"customer:{customer.pk}"


def subjects_of(customer: User, payments: list[Payment]) -> list[str]:
    return [subject_of(customer), *(f"payment:{payment.public_id}" for payment in payments)]


def _numbers(customer: User) -> list[str]:
    """The customer's phone, then others that were asked to pay for them."""
    asked = MobileMoneyTransaction.objects.filter(payment__payer=customer)
    latest = asked.order_by("-id").values_list("customer_phone", flat=True)[:LATEST]
    return list(dict.fromkeys(filter(None, [customer.phone, *latest])))[:PHONES]


def _subscriptions(customer: User) -> list[Subscription]:
    rows = Subscription.objects.filter(customer=customer).select_related("bundle")
    return list(rows.order_by("-id")[:LATEST])


def _plan(subscription: Subscription, now: datetime) -> Plan:
    used, limit = subscription.data_used_bytes, subscription.data_limit_bytes
    is_active = subscription.is_active_at(now)
    state = "active" if is_active else "ended"
    left = f"{timeuntil(subscription.ends_at, now)} left" if is_active else ""
    if is_active and subscription.awaits_first_use:
        left = "begins with the first connection"
    if is_active and subscription.is_spent:
        state, left = "used up", f"{left}, without data"
    return Plan(
        subscription=subscription,
        state=state,
        used=f"{in_words(used)} of {in_words(limit)} used",
        left=left,
        percent=min(100 * used // max(limit, 1), 100),
    )


def _devices(customer: User, request: HttpRequest, now: datetime) -> list[Device]:
    peers = list(
        Peer.objects.filter(subscription__customer=customer)
        .select_related("subscription__bundle", "gateway", "address")
        .defer("private_key", "preshared_key")
        .order_by("-id")[:LATEST]
    )
    gateways = Gateway.objects.filter(pk__in={peer.gateway_id for peer in peers})
    health = {row.pk: GatewayHealth(row.health) for row in with_health(gateways, now)}  # type: ignore[attr-defined]  # annotated
    may_send = request.user.has_perm("vpn.change_peer")
    return [
        Device(
            peer=peer,
            handshake=handshake(peer, now),
            health=str(health[peer.gateway_id].label),
            is_well=health[peer.gateway_id] == GatewayHealth.HEARD,
            may_be_told=may_send and peer.is_usable,
        )
        for peer in peers
    ]


def _messages(customer: User, numbers: list[str], request: HttpRequest) -> list[Told]:
    rows = Message.objects.filter(to__in=[*numbers, customer.email]).order_by("-id")[:LATEST]
    return [Told(message, shown_text(request, message.told, customer.pk)) for message in rows]


def _cases(
    payments: list[Payment],
    transfers: list[Transfer],
    devices: list[Device],
    claims: list[ReceiptClaim],
) -> list[Case]:
    subjects = [
        *(f"payment:{payment.public_id}" for payment in payments),
        *(f"transfer:{transfer.reference}" for transfer in transfers),
        *(f"peer:{device.peer.pk}" for device in devices),
        *(claim.subject for claim in claims),
    ]
    return list(Case.objects.filter(subject__in=subjects)[:LATEST])
