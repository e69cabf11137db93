"""The outbox: messages written together with what they tell of, and sent afterwards."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.fields import ReferenceField


class Message(models.Model):
    """One SMS. `key` is unique: an event tells once."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Perhaps sent"

    key = ReferenceField(max_length=120, unique=True)
    message_id = models.CharField(max_length=40, help_text="Which text of the registry")
    to = models.CharField(max_length=20, db_index=True)
    language = models.CharField(max_length=2)
    context = models.JSONField(default=dict)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    channel = models.CharField(max_length=20, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=255, blank=True)
    next_attempt_at = models.DateTimeField(
        null=True, blank=True, db_index=True, default=timezone.now
    )
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending", "sent", "failed", "unknown"]),
                name="message_state",
            ),
        ]

    def __str__(self) -> str:
        return str(self.key)

    @property
    def told(self) -> str:
        """The text, without the link that would reveal the customer's key to staff."""
        link = self.context.get("link")
        return self.text.replace(link, "[one-time link]") if link else self.text
