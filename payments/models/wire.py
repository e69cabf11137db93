"""What went over the wire: our calls to providers and their deliveries to us. Evidence."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.fields import ReferenceField
from payments.models.payments import MobileMoneyTransaction
from payments.models.transfers import Transfer


class ProviderCall(models.Model):
    """One call to a provider: written before it is made, completed by its answer. Redacted."""

    class Kind(models.TextChoices):
        COLLECT = "collect", "Collect"
        QUERY = "query", "Query"
        SEND = "send", "Send money"
        QUERY_TRANSFER = "ask", "Ask about money sent"
        QUERY_RECEIPT = "receipt", "Ask about a receipt"

    attempt = models.ForeignKey(
        MobileMoneyTransaction,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="calls",
    )
    transfer = models.ForeignKey(
        Transfer, null=True, blank=True, on_delete=models.PROTECT, related_name="calls"
    )
    claim = models.ForeignKey(
        "ReceiptClaim", null=True, blank=True, on_delete=models.PROTECT, related_name="calls"
    )
    kind = models.CharField(max_length=10, choices=Kind)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, blank=True)
    code = models.CharField(max_length=50, blank=True)
    message = models.CharField(max_length=255, blank=True)
    request = models.JSONField(null=True, blank=True)
    response = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(attempt__isnull=False, transfer__isnull=True, claim__isnull=True)
                | Q(attempt__isnull=True, transfer__isnull=False, claim__isnull=True)
                | Q(attempt__isnull=True, transfer__isnull=True, claim__isnull=False),
                name="call_is_about_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.outcome or 'unanswered'}"


class WebhookDelivery(models.Model):
    """One request to a webhook, stored raw before anything else happens to it."""

    class Trust(models.TextChoices):
        """What the way in says about the sender."""

        SECRET_PATH = "secret_path", "Secret path"
        ALLOWED_SOURCE = "allowed_source", "Source in the allow-list"
        OPEN = "open", "Open path"
        QUARANTINED = "quarantined", "Source outside the allow-list"

    class Channel(models.TextChoices):
        """What kind of path it came by."""

        CALLBACK = "callback", "Callback"
        TIMEOUT = "timeout", "Queue time-out"
        QUESTION = "question", "Question that waits for its answer"

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        APPLIED = "applied", "Applied"
        REPEATED = "repeated", "Told us nothing new"
        HINT = "hint", "Hint: the provider was asked"
        UNMATCHED = "unmatched", "Matches nothing"
        MALFORMED = "malformed", "Malformed"
        REFUSED = "refused", "Refused"

    dialect = models.CharField(max_length=20)
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.CALLBACK)
    received_at = models.DateTimeField(default=timezone.now, db_index=True)
    source = models.GenericIPAddressField(null=True)
    trust = models.CharField(max_length=15, choices=Trust)
    attempt_token = ReferenceField(max_length=64, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    body_forgotten_at = models.DateTimeField(
        null=True, blank=True, help_text="When the raw body was too old to be kept"
    )
    body_bytes = models.PositiveIntegerField(help_text="The size it arrived with")
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    note = models.CharField(max_length=255, blank=True)
    attempt = models.ForeignKey(
        MobileMoneyTransaction,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deliveries",
    )
    transfer = models.ForeignKey(
        Transfer,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deliveries",
    )
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True, db_index=True)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        indexes = [models.Index(fields=["state"], name="delivery_state")]

    def __str__(self) -> str:
        return f"Delivery {self.pk}"
