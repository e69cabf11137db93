"""Somebody who has one of everything that a path of the API can name."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.models import Session, User
from accounts.services.sign_in import new_token
from bundles.models import Gift, Owner
from bundles.services.give_data import give_data
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from notifications.models import Message
from payments.models import Payment
from payments.providers.base import Answer, Outcome
from payments.services.settle import settle
from payments.tests.factories import a_customer
from tests.mobile_contract.app import initiate, signed_in
from tests.mobile_contract.shapes import assert_success
from vpn.models import Peer
from vpn.tests.factories import first_gateway
from vpn.tests.reports import counted, tell


def with_everything() -> tuple[User, dict[str, Any]]:
    """A customer who was online, and sells too, with what paths call theirs, by parameter name."""
    gateway = first_gateway()
    person, bought = a_customer(), a_bundle()
    app = signed_in(person)
    payment = assert_success(initiate(app, bought.pk, person.phone or ""), 201)
    settle(
        attempt_id=Payment.objects.get().attempts.get().pk,
        answer=Answer(outcome=Outcome.SUCCEEDED, receipt="R1", amount=bought.price),
        source="webhook",
        evidence="test",
    )
    app.post("/api/vpn/generate-config", {"bundle_id": bought.pk}, format="json")
    peer = Peer.objects.get()
    tell(gateway, counted(peer, 10, 90, int(timezone.now().timestamp())))
    named = app.post("/api/help/receipt", {"receipt": "SG632NMUAB"}, format="json").json()
    giver = pay(a_customer(), bought).payer
    given = _gigabyte(person, giver)
    new_token(user=person)
    Owner.objects.create(
        person=person, state="approved", connection_gb=10_000, connection_seats=1_000
    )
    person.role = User.Role.OWNER
    person.save()
    return person, {
        "payment_id": payment["payment_id"],
        "id": peer.pk,
        "bought_id": bought.pk,
        "bundle_id": a_bundle(owner=person).pk,
        "session_id": Session.objects.get(token__user=person).pk,
        "subscription_id": person.subscriptions.get().pk,
        "claim_id": named["data"]["id"],
        "gift_id": given.pk,
        "token": _link_of(_gigabyte(giver, person)).rpartition("/")[2],
    }


def _gigabyte(giver: User, receiver: User) -> Gift:
    """Of what the giver has, offered to the receiver's phone."""
    return give_data(
        giver=giver,
        subscription_id=giver.subscriptions.get().pk,
        phone=receiver.phone or "",
        data_bytes=10**9,
    )


def _link_of(gift: Gift) -> str:
    """As its SMS has it."""
    return str(Message.objects.get(key=f"gift:{gift.pk}").context["link"])
