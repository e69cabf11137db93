"""Each thing that can keep a customer offline, done to the one who has paid and is served."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from bundles.models import Subscription
from payments.models import Disposition, MobileMoneyTransaction, Payment, Transfer
from payments.states import State
from vpn.diagnosis import Finding
from vpn.models import ConfigLink, Gateway, Peer

Change = Callable[[Payment], object]


def peers(**values: Any) -> Change:
    return lambda payment: Peer.objects.update(**values)


def gateways(**values: Any) -> Change:
    return lambda payment: Gateway.objects.update(**values)


def payments(**values: Any) -> Change:
    return lambda payment: Payment.objects.update(**values)


def subscriptions(**values: Any) -> Change:
    return lambda payment: Subscription.objects.update(**values)


def opened(payment: Payment) -> None:
    ConfigLink.objects.update(used_at=timezone.now())


def connected(payment: Payment) -> None:
    Peer.objects.update(handshake_at=timezone.now())


def no_devices(payment: Payment) -> None:
    ConfigLink.objects.all().delete()
    Peer.objects.all().delete()


def asked(payment: Payment) -> None:
    Payment.objects.update(state=State.EXPIRED, disposition="")
    MobileMoneyTransaction.objects.update(status=State.EXPIRED, next_check_at=timezone.now())


def given_up(payment: Payment) -> None:
    Payment.objects.update(state=State.EXPIRED, disposition="")
    MobileMoneyTransaction.objects.update(status=State.EXPIRED, next_check_at=None)


def sent_back(payment: Payment) -> None:
    Payment.objects.update(disposition=Disposition.REFUNDED)
    attempt = payment.attempts.get()
    Transfer.objects.create(
        kind="refund",
        method="disbursement",
        state="succeeded",
        payment=payment,
        payee=payment.payer,
        provider=attempt.provider,
        dialect=attempt.dialect,
        phone=attempt.customer_phone,
        amount=1000,
        request_key="x",
    )


LONG_AGO = timezone.now() - timedelta(days=3)
WRONG: dict[Finding, tuple[Change, ...]] = {
    Finding.WAITING_FOR_PIN: (payments(state=State.PENDING, disposition=""),),
    Finding.REVERSED: (payments(reversed_at=LONG_AGO),),
    Finding.NOT_ACTIVATED: (payments(disposition=""),),
    Finding.UNDERPAID: (payments(disposition=Disposition.CREDITED, paid_amount=400),),
    Finding.BECAME_CREDIT: (payments(disposition=Disposition.CREDITED),),
    Finding.REFUNDING: (payments(disposition=Disposition.REFUNDED),),
    Finding.TIME_OVER: (subscriptions(starts_at=LONG_AGO - timedelta(days=1), ends_at=LONG_AGO),),
    Finding.USED_UP: (subscriptions(data_used_bytes=5 * 10**9),),
    Finding.NO_DEVICE: (no_devices,),
    Finding.DEVICE_REVOKED: (peers(state="revoked"),),
    Finding.GATEWAY_SILENT: (gateways(seen_at=LONG_AGO),),
    Finding.GATEWAY_BEHIND: (gateways(agent_revision=0), peers(revision=1)),
    Finding.NOT_FETCHED: (),
    Finding.NEVER_CONNECTED: (opened,),
    Finding.OFFLINE: (peers(handshake_at=LONG_AGO),),
    Finding.ONLINE: (connected,),
}


def befall(payment: Payment, finding: Finding) -> None:
    """Bring it about."""
    Gateway.objects.update(seen_at=timezone.now(), agent_revision=1_000)
    for change in WRONG[finding]:
        change(payment)
