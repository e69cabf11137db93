"""Payments that customers begin by the provider's own menu, with what we answered."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.fields import ReferenceField
from payments.models.names import ProviderName, new_reference
from payments.models.payments import Payment
from payments.models.wire import WebhookDelivery


class Bill(models.Model):
    """One customer-initiated payment that we took or refused: a repeat of its receipt gets the same
    answer. `bill_reference`, `msisdn` and `payer_name` are as the provider gave them.
    """

    class State(models.TextChoices):
        TAKEN = "taken", "Taken"
        REFUSED = "refused", "Refused"
        SUSPENSE = "suspense", "In suspense"
        PLACED = "placed", "Placed"

    provider = models.CharField(max_length=20, choices=ProviderName)
    dialect = models.CharField(max_length=20)
    receipt = ReferenceField(max_length=100, help_text="The provider's transaction id")
    bill_reference = ReferenceField(max_length=100, blank=True, db_index=True)
    msisdn = models.CharField(max_length=20, blank=True, db_index=True)
    payer_name = models.CharField(max_length=150, blank=True)
    amount = models.PositiveBigIntegerField(help_text="TZS")
    state = models.CharField(max_length=10, choices=State)
    verdict = models.CharField(max_length=20, help_text="What we answered, as dialects are told it")
    why = models.CharField(max_length=255, blank=True, help_text="Why it was refused or suspended")
    our_id = ReferenceField(max_length=20, unique=True, default=new_reference)
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="bills"
    )
    payer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="bills",
    )
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.PROTECT, related_name="bills")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-id"]
        permissions = [("place_bill", "Can place money from suspense")]
        constraints = [
            models.UniqueConstraint(fields=["provider", "receipt"], name="bill_receipt_once"),
            models.CheckConstraint(condition=~Q(receipt=""), name="bill_has_a_receipt"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="bill_amount_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["taken", "placed"], payment__isnull=False)
                | Q(state__in=["refused", "suspense"], payment__isnull=True),
                name="bill_state",
            ),
        ]

    def __str__(self) -> str:
        return str(self.receipt)

    @property
    def subject(self) -> str:
        """How cases name it."""
        return f"bill:{self.our_id}"
