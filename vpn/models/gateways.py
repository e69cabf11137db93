"""The machines whose connection is shared, and the addresses within their tunnels."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from bundles.models import Bundle
from common.fields import ReferenceField

FIRST_CUSTOMER_NUMBER = 2  # 0 names the network, 1 is the gateway itself
EMPTY_DIGEST = "0" * 64
SILENT_AFTER = timedelta(seconds=90)  # nine reports have not come

network = lru_cache(ipaddress.ip_network)  # parsed once, not once a peer


class Gateway(models.Model):
    """A machine that serves peers; its WireGuard private key never leaves it.

    Whoever changes what it is to serve, or gives an address out, holds this row locked, the last of
    all rows that a transaction locks.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        DRAINING = "draining", "Draining: serves, takes nobody new"
        OFFLINE = "offline", "Offline"

    name = models.CharField(max_length=50, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="gateways",
        help_text="Empty for the platform's own",
    )
    bundles = models.ManyToManyField(
        Bundle,
        blank=True,
        related_name="gateways",
        help_text="The bundles that it serves; with none it serves those of its owner",
    )
    region = models.CharField(max_length=30, blank=True, db_index=True)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    endpoint_host = models.CharField(max_length=253)
    endpoint_port = models.PositiveIntegerField()
    range4 = models.CharField(max_length=18, help_text="IPv4 network of the tunnel")
    range6 = models.CharField(max_length=43, blank=True, help_text="IPv6 network of the tunnel")
    dns = models.CharField(max_length=100, blank=True, help_text="Resolver for customers")
    capacity = models.PositiveIntegerField(default=10_000, help_text="Devices at most")
    public_key = ReferenceField(
        max_length=44, unique=True, null=True, blank=True, help_text="Empty until its agent enrols"
    )
    next_number = models.PositiveIntegerField(default=FIRST_CUSTOMER_NUMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    # What it is to serve: see docs/agent-protocol.md
    revision = models.PositiveBigIntegerField(default=0)
    digest = ReferenceField(max_length=64, default=EMPTY_DIGEST)
    peers_served = models.PositiveIntegerField(default=0)
    may_shrink_until = models.DateTimeField(null=True, blank=True)

    # How its agent proves itself; only SHA-256 hashes
    token_hash = ReferenceField(max_length=64, blank=True)
    token_expires_at = models.DateTimeField(null=True, blank=True)
    token_key = ReferenceField(
        max_length=44, blank=True, help_text="The public key that has used the token"
    )
    secret_hash = ReferenceField(max_length=64, blank=True)

    # What its agent has told
    seen_at = models.DateTimeField(
        null=True, blank=True, help_text="When it last reported, or enrolled"
    )
    agent_version = models.CharField(max_length=20, blank=True)
    agent_backend = models.CharField(max_length=20, blank=True)
    agent_epoch = ReferenceField(max_length=64, blank=True)
    agent_sequence = models.PositiveBigIntegerField(default=0)
    agent_revision = models.PositiveBigIntegerField(default=0)
    agent_digest = ReferenceField(max_length=64, blank=True)
    reports_differing = models.PositiveSmallIntegerField(
        default=0, help_text="One after the other whose digest is not ours at the same revision"
    )
    agent_repairs = models.PositiveBigIntegerField(default=0)
    refused_revision = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(endpoint_port__gte=1) & Q(endpoint_port__lte=65535),
                name="gateway_port",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["active", "draining", "offline"]), name="gateway_state"
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
        return network(self.range4).num_addresses - 2

    @property
    def never_used(self) -> int:
        """How many numbers no customer's address has had."""
        return max(self.last_number - self.next_number + 1, 0)

    def addresses_of(self, number: int) -> list[str]:
        """The tunnel addresses of a number, IPv4 first, with their prefix lengths."""
        found = [f"{network(self.range4)[number]}/32"]
        if self.range6:
            found.append(f"{network(self.range6)[number]}/128")
        return found

    @property
    def own_addresses(self) -> list[str]:
        """Its own addresses in the tunnel, IPv4 first, with the length of their networks' prefixes."""
        networks = [ipaddress.ip_network(text) for text in (self.range4, self.range6) if text]
        return [f"{network[1]}/{network.prefixlen}" for network in networks]

    def number_of(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int | None:
        """The number of a tunnel address; None for one outside of its ranges."""
        text = self.range4 if address.version == 4 else self.range6
        if not text or address not in (network := ipaddress.ip_network(text)):
            return None
        return int(address) - int(network.network_address)

    @property
    def has_reported(self) -> bool:
        """Whether its agent has since it enrolled; reports are numbered from one."""
        return self.agent_sequence > 0

    def is_heard_at(self, moment: datetime) -> bool:
        """Whether its agent has reported or enrolled lately."""
        return self.seen_at is not None and moment - self.seen_at < SILENT_AFTER

    @property
    def is_heard(self) -> bool:
        return self.is_heard_at(timezone.now())


class Address(models.Model):
    """A number within a gateway's ranges. `free_at` is empty while a peer has it."""

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="addresses")
    number = models.PositiveIntegerField()
    free_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(fields=["gateway", "number"], name="address_once"),
        ]
        indexes = [models.Index(fields=["gateway", "free_at"], name="address_rested")]

    def __str__(self) -> str:
        return f"{self.gateway_id}/{self.number}"
