"""Receipts that customers name, and what became of looking for them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone

from common.fields import ReferenceField
from payments.models.names import ProviderName, new_callback_token
from payments.models.payments import Payment
from payments.models.wire import WebhookDelivery


class ReceiptClaim(models.Model):
    """A customer says that this receipt is of a payment of theirs. That is a claim and no evidence.

    One that is somebody else's looks to the customer like one that nobody knows.
    """

    class State(models.TextChoices):
        LOOKING = "looking", "Looked for"
        WITH_STAFF = "with_staff", "With staff"
        FOUND = "found", "Found"
        NOT_FOUND = "not_found", "Not found"

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="receipt_claims"
    )
    provider = models.CharField(
        max_length=20, choices=ProviderName, blank=True, help_text="As the customer says"
    )
    receipt = ReferenceField(max_length=40, help_text="As the customer wrote it")
    key = models.GeneratedField(
        expression=Upper(F("receipt")), output_field=ReferenceField(max_length=40), db_persist=True
    )
    state = models.CharField(max_length=10, choices=State, default=State.LOOKING)
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="receipt_claims"
    )
    claimed_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True, db_index=True)
    callback_token = ReferenceField(max_length=40, unique=True, default=new_callback_token)
    asks = models.PositiveSmallIntegerField(
        default=0, help_text="How often the provider was asked by the receipt"
    )
    asked_at = models.DateTimeField(null=True, blank=True)
    delivery = models.ForeignKey(
        WebhookDelivery,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="receipt_claims",
        help_text="What the provider has answered",
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["key"], name="receipt_claim_key"),
            models.Index(fields=["customer", "claimed_at"], name="receipt_claim_of"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["customer", "key"], name="receipt_claim_once"),
            models.CheckConstraint(
                condition=Q(state="found", payment__isnull=False)
                | Q(state__in=["looking", "with_staff", "not_found"], payment__isnull=True),
                name="receipt_claim_state",
            ),
        ]

    def __str__(self) -> str:
        return str(self.receipt)

    @property
    def subject(self) -> str:
        """How cases and notes name it."""
        return f"receipt:{self.pk}"

    @property
    def providers(self) -> list[str]:
        """Whose receipt it may be."""
        return [self.provider] if self.provider else list(ProviderName.values)

    @property
    def spellings(self) -> list[str]:
        """The receipt as rows of ours may have it."""
        return list(dict.fromkeys([self.receipt, self.receipt.upper(), self.receipt.lower()]))
