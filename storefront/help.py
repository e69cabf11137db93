""" "I paid, but have no internet": looks, mends what can be mended, and looks again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from bundles.models import Subscription
from common.errors import DomainError
from common.transactions import retried
from payments.models import Payment
from payments.services.ask_now import ask_now
from payments.services.follow_up import follow_up
from vpn.diagnosis import Diagnosis, Finding, diagnose, diagnose_payment
from vpn.models import Peer
from vpn.services.generate import generate_config
from vpn.services.publish import publish_subscription
from vpn.services.tell import tell_again


@dataclass(frozen=True, slots=True)
class Help:
    """What is wrong now, what was wrong before, and whether something was done about it."""

    before: Diagnosis
    now: Diagnosis
    did: str  # a stable word, "" for nothing


def help_customer(customer: User) -> Help:
    """Diagnose, do what helps without a person, and diagnose again. Safe to repeat."""
    before = diagnose(customer.pk, timezone.now())
    did = _mend(customer, before)
    return Help(before, diagnose(customer.pk, timezone.now()) if did else before, did)


def help_with_payment(customer: User, payment: Payment) -> Help:
    """The same for one payment of the customer's own."""
    before = diagnose_payment(payment, timezone.now())
    did = _mend(customer, before)
    payment.refresh_from_db()
    return Help(before, diagnose_payment(payment, timezone.now()) if did else before, did)


def _mend(customer: User, found: Diagnosis) -> str:
    """Whatever was done; a service that refuses leaves things as they are."""
    with suppress(DomainError):
        if found.payment and found.finding in (Finding.WAITING_FOR_PIN, Finding.NO_ANSWER):
            return _ask_provider(found.payment)
        if found.payment and found.finding == Finding.NOT_ACTIVATED:
            follow_up(payment_id=found.payment.pk)
            return "activated_again"
        if found.subscription and found.finding == Finding.NO_DEVICE:
            generate_config(customer=customer, bundle_id=found.subscription.bundle_id)
            return "made_device"
        if found.subscription and found.finding == Finding.GATEWAY_BEHIND:
            _publish(found.subscription.pk)
            return "told_gateway"
        if found.peer and found.finding == Finding.NOT_FETCHED:
            return _send_link(found.peer)
    return ""


def _ask_provider(payment: Payment) -> str:
    return "asked_provider" if ask_now(payment=payment) else ""


@retried
def _publish(subscription_id: int) -> None:
    publish_subscription(Subscription.objects.select_for_update().get(pk=subscription_id))


def _send_link(peer: Peer) -> str:
    """At most one SMS an hour, however often it is pressed."""
    tell_again(peer=peer, request_key=f"help:{peer.pk}:{timezone.now():%Y%m%d%H}")
    return "sent_link"
