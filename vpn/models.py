"""What is delivered: gateways, their addresses, and the peers that customers are."""

from __future__ import annotations

import ipaddress

from django.db import models
from django.db.models import Case, F, Q, When
from django.utils import timezone

from bundles.models import Subscription
from common.fields import ReferenceField
from vpn.encryption import EncryptedTextField

FIRST_CUSTOMER_NUMBER = 2  # 0 names the network, 1 is the gateway itself


class Gateway(models.Model):
    """A machine whose connection is shared. `private_key` is for that machine only."""

    name = models.CharField(max_length=50, unique=True)
    endpoint_host = models.CharField(max_length=253)
    endpoint_port = models.PositiveIntegerField()
    range4 = models.CharField(max_length=18, help_text="IPv4 network of the tunnel")
    range6 = models.CharField(max_length=43, blank=True, help_text="IPv6 network of the tunnel")
    dns = models.CharField(max_length=100, blank=True, help_text="Resolver for customers")
    public_key = ReferenceField(max_length=44, unique=True)
    private_key = EncryptedTextField()
    is_active = models.BooleanField(default=True)
    next_number = models.PositiveIntegerField(default=FIRST_CUSTOMER_NUMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(endpoint_port__gte=1) & Q(endpoint_port__lte=65535),
                name="gateway_port",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def endpoint(self) -> str:
        host = self.endpoint_host
        return f"[{host}]:{self.endpoint_port}" if ":" in host else f"{host}:{self.endpoint_port}"

    @property
    def last_number(self) -> int:
        """The highest number that a customer's address may have."""
        return ipaddress.ip_network(self.range4).num_addresses - 2

    def addresses_of(self, number: int) -> list[str]:
        """The tunnel addresses of a number, IPv4 first, with their prefix lengths."""
        found = [f"{ipaddress.ip_network(self.range4)[number]}/32"]
        if self.range6:
            found.append(f"{ipaddress.ip_network(self.range6)[number]}/128")
        return found


class Address(models.Model):
    """A number within a gateway's ranges. `free_at` is empty while a peer has it."""

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="addresses")
    number = models.PositiveIntegerField()
    free_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(fields=["gateway", "number"], name="address_once"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway_id}/{self.number}"


class Peer(models.Model):
    """One device of one subscription. Revoked peers stay as the record of who had an address."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
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
    live_device = models.GeneratedField(
        expression=Case(When(state="active", then=F("device_name"))),
        output_field=models.CharField(max_length=50, null=True),
        db_persist=True,
    )
    live_address = models.GeneratedField(
        expression=Case(When(state="active", then=F("address_id"))),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )
    live_public_key = models.GeneratedField(
        expression=Case(When(state="active", then=F("public_key"))),
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
            models.CheckConstraint(condition=Q(state__in=["active", "revoked"]), name="peer_state"),
        ]

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
