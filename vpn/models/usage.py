"""What peers have used, as their gateways' counters tell it."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from bundles.models import Subscription
from common.fields import ReferenceField
from vpn.models.peers import ONLINE_FOR, Peer


class Usage(models.Model):
    """One peer's absolute counters over one business day of one epoch, for one subscription; bytes.

    The day's usage is `…_to - …_from`; the newest `…_to` of an epoch is the last value believed. So a
    report that is written twice, late or out of order changes nothing.
    """

    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="usage")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="usage")
    epoch = ReferenceField(max_length=64)
    day = models.DateField()
    up_from = models.PositiveBigIntegerField()
    up_to = models.PositiveBigIntegerField()
    down_from = models.PositiveBigIntegerField()
    down_to = models.PositiveBigIntegerField()
    seen_at = models.DateTimeField(default=timezone.now, help_text="When it had counted so far")

    class Meta:
        verbose_name_plural = "usage"
        indexes = [models.Index(fields=["day", "epoch"], name="usage_of_a_day")]
        constraints = [
            models.UniqueConstraint(
                fields=["peer", "subscription", "epoch", "day"], name="usage_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(up_to__gte=F("up_from")) & Q(down_to__gte=F("down_from")),
                name="usage_grows",
            ),
        ]

    def __str__(self) -> str:
        return f"Peer {self.peer_id} on {self.day}"

    @property
    def used(self) -> int:
        return self.up_to - self.up_from + self.down_to - self.down_from


class Connection(models.Model):
    """A time over which a peer kept shaking hands: from the first handshake to the last."""

    peer = models.ForeignKey(Peer, on_delete=models.PROTECT, related_name="connections")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="The last handshake")

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["peer", "started_at"], name="connection_once"),
        ]
        indexes = [models.Index(fields=["peer", "seen_at"], name="connection_newest")]

    def __str__(self) -> str:
        return f"Peer {self.peer_id} from {self.started_at}"

    @property
    def ended_at(self) -> datetime | None:
        """The last handshake, once no other can belong to the connection."""
        return None if timezone.now() - self.seen_at < ONLINE_FOR else self.seen_at
