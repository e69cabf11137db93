"""Gives a device other keys at its old address: the file that it had stops working."""

from __future__ import annotations

from django.db import IntegrityError
from django.utils import timezone

from common.transactions import retried
from vpn.errors import ConfigNotFound, InvalidPublicKey, PublicKeyInUse
from vpn.keys import is_public_key, new_key_pair, new_preshared_key
from vpn.models import LIVE, ConfigLink, Gateway, Peer
from vpn.selectors import is_key_taken
from vpn.services.publish import publish
from vpn.services.revoke import give_up_kept
from vpn.services.tell import tell_new_file


def rotate_keys(*, peer: Peer, public_key: str = "") -> Peer:
    """New keys for a device, of which the private one is the phone's if it sends its `public_key`.

    A phone that made its pair keeps it, unless it sends another key: only the pre-shared key is new.
    Raises InvalidPublicKey, PublicKeyInUse and ConfigNotFound.
    """
    rotate = retried(_rotate)
    try:
        return rotate(peer, public_key)
    except IntegrityError:  # another phone has brought the key since we looked: now it is seen
        return rotate(peer, public_key)


@retried
def rotate_for_customer(*, peer: Peer) -> Peer:
    """New keys that staff order; the customer of a device that is served is told of the new file."""
    rotated = _rotate(peer, "")
    if rotated.state == Peer.State.ACTIVE:
        occasion = f"vpn_rotated:{rotated.pk}:{rotated.revision}"
        tell_new_file(message_id="vpn_rotated", peer=rotated, key=occasion)
    return rotated


def _rotate(peer: Peer, public_key: str) -> Peer:
    if public_key and not is_public_key(public_key):
        raise InvalidPublicKey("This is no WireGuard public key.")
    if public_key not in ("", peer.public_key):
        give_up_kept(subscription=peer.subscription, public_key=public_key)
    gateway = Gateway.objects.select_for_update().get(pk=peer.gateway_id)
    current = (
        Peer.objects.filter(pk=peer.pk, state__in=LIVE)
        .select_related("subscription__bundle", "gateway", "address")
        .first()
    )
    if current is None:
        raise ConfigNotFound("There is no such configuration.")
    if public_key not in ("", current.public_key) and is_key_taken(public_key):
        raise PublicKeyInUse("This key is used by another device.")
    if public_key:
        current.public_key, current.private_key = public_key, ""
    elif current.private_key:
        pair = new_key_pair()
        current.public_key, current.private_key = pair.public, pair.private
    current.preshared_key = new_preshared_key()
    current.save(update_fields=["public_key", "private_key", "preshared_key"])
    publish(gateway, [current])
    # Whoever has an old link must not get the new keys by it.
    ConfigLink.objects.filter(peer=current, used_at=None).update(expires_at=timezone.now())
    return current
