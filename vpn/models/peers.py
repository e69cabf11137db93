"""The peers that customers' devices are, and the links that reveal their configurations."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Case, F, Q, When
from django.utils import timezone

from bundles.models import Subscription
from common.fields import ReferenceField
from vpn.encryption import EncryptedTextField
from vpn.models.gateways import Address, Gateway

ONLINE_FOR = timedelta(seconds=180)  # after a handshake; WireGuard ends its session then
LIVE = ("active", "suspended")  # it has its address and its key


class Peer(models.Model):
    """One device of one subscription. Revoked peers stay as the record of who had an address.

    A suspended peer keeps its keys and its address, for a customer who renews.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        REVOKED = "revoked", "Revoked"

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="peers")
    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="peers")
    address = models.ForeignKey(Address, on_delete=models.PROTECT, related_name="peers")
    device_name = models.CharField(max_length=50)
    public_key = ReferenceField(max_length=44)
    private_key = EncryptedTextField(
        blank=True, help_text="Empty when the phone made the pair, and after revocation"
    )
    preshared_key = EncryptedTextField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True, db_index=True)
    handshake_at = models.DateTimeField(null=True, blank=True, help_text="The last one reported")
    revision = models.PositiveBigIntegerField(
        default=0, help_text="The gateway's revision that changed it last"
    )
    digest = ReferenceField(
        max_length=64, blank=True, help_text="Of what its gateway is to serve; empty for nothing"
    )
    live_device = models.GeneratedField(
        expression=Case(When(state__in=LIVE, then=F("device_name"))),
        output_field=models.CharField(max_length=50, null=True),
        db_persist=True,
    )
    live_address = models.GeneratedField(
        expression=Case(When(state__in=LIVE, then=F("address_id"))),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )
    live_public_key = models.GeneratedField(
        expression=Case(When(state__in=LIVE, then=F("public_key"))),
        output_field=ReferenceField(max_length=44, null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "live_device"], name="peer_one_per_device"
            ),
            models.UniqueConstraint(fields=["live_address"], name="peer_address_used_once"),
            models.UniqueConstraint(fields=["live_public_key"], name="peer_key_used_once"),
            models.CheckConstraint(
                condition=Q(state__in=["active", "suspended", "revoked"]), name="peer_state"
            ),
        ]
        indexes = [models.Index(fields=["gateway", "revision"], name="peer_changes")]

    def __str__(self) -> str:
        return f"{self.device_name} at {self.tunnel_addresses[0]}"

    @property
    def tunnel_addresses(self) -> list[str]:
        return self.gateway.addresses_of(self.address.number)

    @property
    def is_usable(self) -> bool:
        return self.state == self.State.ACTIVE and self.subscription.is_active


class ConfigLink(models.Model):
    """A link to one configuration that reveals it once; only the token's hash is kept."""

    peer = models.ForeignKey(Peer, on_delete=models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Link to peer {self.peer_id}"
