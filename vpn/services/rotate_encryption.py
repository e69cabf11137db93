"""Encrypts the stored keys anew, so that an old one of FIELD_ENCRYPTION_KEYS can be retired."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from common.transactions import retried
from vpn.models import Peer

BATCH = 500


def rotate_encryption() -> Iterator[int]:
    """Encrypt every stored key with the first of FIELD_ENCRYPTION_KEYS, in batches.

    Yields after each how many peers are done; safe to repeat. Raises cryptography's InvalidToken where
    none of the keys decrypts.
    """
    done, after = 0, 0
    while batch := _rotate_batch(after):
        done += len(batch)
        after = batch[-1]
        yield done


@retried
def _rotate_batch(after: int) -> list[int]:
    """The next peers that have keys; locked, so that none that is revoked meanwhile comes back."""
    with_keys = ~Q(private_key="") | ~Q(preshared_key="")
    peers = list(
        Peer.objects.select_for_update().filter(with_keys, pk__gt=after).order_by("pk")[:BATCH]
    )
    Peer.objects.bulk_update(peers, ["private_key", "preshared_key"])
    return [peer.pk for peer in peers]
