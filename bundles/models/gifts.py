"""What one customer gives another."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from bundles.models.sales import Bundle, Purchase, Subscription
from common.fields import ReferenceField


class Gift(models.Model):
    """Something promised to a phone and claimed once: a purchase, or bytes of a subscription.

    Until it is claimed or goes back, a purchase has its place and the bytes are nobody's (ADR 0013).
    """

    class State(models.TextChoices):
        OFFERED = "offered", "Offered"
        CLAIMED = "claimed", "Claimed"
        RETURNED = "returned", "Gone back"

    giver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="gifts_given"
    )
    phone = models.CharField(
        max_length=20,
        blank=True,
        db_index=True,
        help_text="Whom it is promised to, E.164; forgotten some time after the end",
    )
    bundle = models.ForeignKey(Bundle, on_delete=models.PROTECT, related_name="gifts")
    purchase = models.OneToOneField(
        Purchase,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="gift",
        help_text="What was bought; empty for data",
    )
    subscription = models.ForeignKey(
        Subscription,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="gifts_given",
        help_text="Whose data it is; empty for what was bought",
    )
    data_bytes = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.OFFERED)
    token_hash = ReferenceField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    ended_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When it was claimed or went back"
    )
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="gifts_claimed",
    )
    received = models.ForeignKey(
        Subscription,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="gifts_received",
        help_text="What claimed data has become part of",
    )
    lends_time = models.DurationField(
        default=timedelta(), help_text="How long a subscription lasts that claimed data began"
    )

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "expires_at"], name="gift_due")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["offered", "claimed", "returned"]), name="gift_state"
            ),
            models.CheckConstraint(
                condition=Q(purchase=None, subscription__isnull=False)
                | Q(purchase__isnull=False, subscription=None),
                name="gift_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(state="offered", ended_at=None)
                | Q(~Q(state="offered"), ended_at__isnull=False),
                name="gift_offered_or_ended",
            ),
            models.CheckConstraint(
                condition=Q(state="claimed", claimed_by__isnull=False)
                | Q(~Q(state="claimed"), claimed_by=None),
                name="gift_claimed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"Gift {self.pk}"

    @property
    def is_data(self) -> bool:
        return self.purchase_id is None

    def state_at(self, moment: datetime) -> str:
        """Its state; what nobody has claimed by its end has gone back, swept or not."""
        is_over = self.state == self.State.OFFERED and self.expires_at <= moment
        return self.State.RETURNED.value if is_over else self.state
