"""The outbox: messages written together with what they tell of, sent afterwards, and their reports."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.fields import ReferenceField
from notifications.messages import SECRETS
from notifications.segments import segments


class Message(models.Model):
    """One SMS or e-mail. `key` is unique: an event tells once."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Perhaps sent"

    class Delivery(models.TextChoices):
        PENDING = "pending", "On its way"
        DELIVERED = "delivered", "Delivered"
        UNDELIVERED = "undelivered", "Not delivered"

    key = ReferenceField(max_length=120, unique=True)
    message_id = models.CharField(max_length=40, help_text="Which text of the registry")
    to = models.CharField(max_length=254, db_index=True, help_text="E.164, or an e-mail address")
    language = models.CharField(max_length=2)
    context = models.JSONField(default=dict)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    channel = models.CharField(max_length=20, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    doubts = models.PositiveSmallIntegerField(
        default=0, help_text="How often nobody knew whether it went out"
    )
    error = models.CharField(max_length=255, blank=True)
    reference = models.CharField(
        max_length=100, blank=True, db_index=True, help_text="The channel's own"
    )
    delivery = models.CharField(
        max_length=12, choices=Delivery, blank=True, help_text="As the channel reported it"
    )
    ask_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When the channel is asked of its delivery"
    )
    again_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="again",
        help_text="Staff had this message sent again",
    )
    next_attempt_at = models.DateTimeField(
        null=True, blank=True, db_index=True, default=timezone.now
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Not sent after this")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("send_again", "Can have a message sent again")]
        indexes = [models.Index(fields=["state"], name="message_state_shown")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending", "sent", "failed", "unknown"]),
                name="message_state",
            ),
            models.CheckConstraint(
                condition=Q(delivery__in=["", "pending", "delivered", "undelivered"]),
                name="message_delivery",
            ),
        ]

    def __str__(self) -> str:
        return str(self.key)

    @property
    def told(self) -> str:
        """The text, without the link or the code that would let staff act as the customer."""
        shown = self.text
        for name, instead in SECRETS.items():
            if secret := self.context.get(name):
                shown = shown.replace(str(secret), instead)
        return shown

    @property
    def parts(self) -> int:
        """As how many SMS it is charged."""
        return segments(self.text).parts


class OptOut(models.Model):
    """A phone whose holder wants no messages, told by the holder or by the channel's own list."""

    phone = models.CharField(max_length=20, unique=True, help_text="E.164")
    channel = models.CharField(max_length=20, help_text="Which told us")
    why = models.CharField(max_length=255, help_text="The channel's own words")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "opt-outs"

    def __str__(self) -> str:
        return f"Opt-out {self.pk}"


class DeliveryReport(models.Model):
    """One report as it came, but for the phone; also one of no message that we know (yet)."""

    channel = models.CharField(max_length=20)
    reference = models.CharField(max_length=100)
    word = models.CharField(max_length=40, help_text="The channel's own word for the state")
    facts = models.JSONField(default=dict)
    received_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["channel", "reference"], name="delivery_report_reference")]

    def __str__(self) -> str:
        return f"{self.reference}: {self.word}"
