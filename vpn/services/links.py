"""Links that reveal a configuration once, for the SMS: a key itself is never sent."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from common.transactions import retried
from vpn.models import ConfigLink, Peer

GOOD_FOR = timedelta(hours=24)


def new_link(*, peer: Peer) -> str:
    """A URL that is good once and for a day, made inside the caller's transaction."""
    token = secrets.token_urlsafe(18)
    ConfigLink.objects.create(
        peer=peer, token_hash=_hash(token), expires_at=timezone.now() + GOOD_FOR
    )
    return f"{settings.PUBLIC_URL}/vpn/c/{token}"


def find_link(*, token: str) -> ConfigLink | None:
    """A link that can still be used."""
    return ConfigLink.objects.filter(
        token_hash=_hash(token),
        used_at=None,
        expires_at__gt=timezone.now(),
        peer__state=Peer.State.ACTIVE,
    ).first()


@retried
def use_link(*, token: str) -> Peer | None:
    """The peer behind a link, once; None for a link that is unknown, old or used."""
    link = find_link(token=token)
    if link is None:
        return None
    is_ours = ConfigLink.objects.filter(pk=link.pk, used_at=None).update(used_at=timezone.now())
    if not is_ours:
        return None
    return Peer.objects.select_related("subscription__bundle", "gateway", "address").get(
        pk=link.peer_id
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
