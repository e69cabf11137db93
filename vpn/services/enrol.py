"""Lets a machine become a gateway's: a token that is good once (docs/agent-protocol.md)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import IntegrityError
from django.utils import timezone

from common.transactions import retried
from vpn.errors import EnrolmentRefused, InvalidPublicKey, KeyDiffers, PublicKeyInUse
from vpn.keys import is_public_key
from vpn.models import Gateway, Peer

GOOD_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an agent proves itself with from now on."""

    gateway_id: int
    secret: str = field(repr=False)


@retried
def issue_token(gateway: Gateway) -> str:
    """A new token for the gateway's machine; an earlier one is good no more."""
    token = secrets.token_urlsafe(24)
    Gateway.objects.filter(pk=gateway.pk).update(
        token_hash=hash_of(token), token_expires_at=timezone.now() + GOOD_FOR, token_key=""
    )
    return token


def enrol(*, token: str, public_key: str, version: str) -> Enrolment:
    """Make the machine that brings the token the gateway's, and give it a new secret.

    The same machine may repeat it while the token is good; its last secret counts. Raises
    EnrolmentRefused, KeyDiffers, InvalidPublicKey and PublicKeyInUse.
    """
    if not is_public_key(public_key):
        raise InvalidPublicKey("This is no WireGuard public key.")
    try:
        return _enrol(token, public_key, version)
    except IntegrityError as error:  # another gateway has it since we looked
        raise PublicKeyInUse("This key is another gateway's.") from error


@retried
def _enrol(token: str, public_key: str, version: str) -> Enrolment:
    good = Gateway.objects.filter(token_hash=hash_of(token), token_expires_at__gt=timezone.now())
    # Found first, then locked: who guesses must not hold up those who pay.
    found = good.values_list("pk", flat=True).first()
    gateway = good.select_for_update().filter(pk=found).first() if found else None
    if gateway is None or gateway.token_key not in ("", public_key):
        raise EnrolmentRefused("This token is unknown, too old, or used by another machine.")
    _check_key(gateway, public_key)
    secret = f"{gateway.pk}.{secrets.token_urlsafe(32)}"
    gateway.public_key = gateway.token_key = public_key
    gateway.secret_hash = hash_of(secret)
    gateway.agent_version = version
    gateway.agent_sequence = 0  # a machine that was set up anew counts its reports anew
    gateway.seen_at = timezone.now()  # silent from then on, if it never reports
    gateway.save(
        update_fields=[
            "public_key",
            "token_key",
            "secret_hash",
            "agent_version",
            "agent_sequence",
            "seen_at",
        ]
    )
    return Enrolment(gateway.pk, secret)


def hash_of(secret: str) -> str:
    """What is kept of a token or a secret: its SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _check_key(gateway: Gateway, public_key: str) -> None:
    """The customers' files name the gateway's key: it stays while there are any."""
    if gateway.public_key not in (None, public_key) and gateway.peers_served:
        raise KeyDiffers(
            f"{gateway.peers_served} devices know this gateway by another key. Bring that key, or "
            "move them to another gateway first."
        )
    others = Gateway.objects.exclude(pk=gateway.pk).filter(public_key=public_key)
    if others.exists() or Peer.objects.filter(live_public_key=public_key).exists():
        raise PublicKeyInUse("This key is used by another gateway or by a customer.")
