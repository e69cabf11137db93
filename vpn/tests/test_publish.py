"""What a gateway is to serve, kept as a revision and a digest."""

from __future__ import annotations

from collections.abc import Callable

from bundles.models import Bundle, Subscription
from bundles.services.end import end_subscription
from bundles.services.withdraw import withdraw_purchase
from bundles.tests.test_buy_and_activate import pay
from common.transactions import retried
from vpn.models import EMPTY_DIGEST, Gateway, Peer
from vpn.services.publish import MODULUS, digest_of, is_served, served
from vpn.services.revoke import revoke_now

Subscribe = Callable[..., Subscription]


def state_of(gateway: Gateway) -> tuple[str, int]:
    """Digest and count, computed anew from the rows."""
    peers = Peer.objects.filter(gateway=gateway).select_related("subscription", "address")
    digests = [digest_of(served(peer)) for peer in peers if is_served(peer)]
    return f"{sum(int(digest, 16) for digest in digests) % MODULUS:064x}", len(digests)


def published() -> tuple[str, int]:
    gateway = Gateway.objects.get()
    return gateway.digest, gateway.peers_served


def test_a_new_peer_is_a_revision_and_in_the_digest(gateway: Gateway, subscribe: Subscribe) -> None:
    assert published() == (EMPTY_DIGEST, 0)
    peer = subscribe().peers.get()
    gateway.refresh_from_db()
    assert peer.revision == gateway.revision == 1
    assert published() == state_of(gateway)
    assert published() != (EMPTY_DIGEST, 0)


def test_more_data_is_a_revision(gateway: Gateway, subscribe: Subscribe) -> None:
    subscription = subscribe()
    before = published()
    pay(subscription.customer, subscription.bundle)
    assert published() == state_of(gateway) != before
    assert Peer.objects.get().revision == 2


def test_less_data_is_a_revision(gateway: Gateway, subscribe: Subscribe) -> None:
    subscription = subscribe()
    before = published()
    second = pay(subscription.customer, subscription.bundle)
    assert published() != before
    retried(withdraw_purchase)(payment=second)
    assert published() == state_of(gateway) == before
    assert Peer.objects.get().revision == 3


def test_revoked_and_ended_peers_leave_the_digest(gateway: Gateway, subscribe: Subscribe) -> None:
    revoke_now(peer=subscribe().peers.get())
    assert published() == (EMPTY_DIGEST, 0)
    _end(subscribe().pk)
    assert published() == state_of(gateway) == (EMPTY_DIGEST, 0)
    assert Gateway.objects.get().revision == 4
    revoke_now(peer=Peer.objects.earliest("id"))
    assert Gateway.objects.get().revision == 4, "what is revoked already changes nothing"


@retried
def _end(subscription_id: int) -> None:
    subscription = Subscription.objects.select_for_update().get(pk=subscription_id)
    Bundle.objects.select_for_update().get(pk=subscription.bundle_id)
    end_subscription(subscription)
