"""What customers ask of us in so many words."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from payments.models import Payment, Transfer


class RefundRequest(models.Model):
    """A customer wants a payment back; the decision is theirs to read."""

    class State(models.TextChoices):
        ASKED = "asked", "Asked"
        GRANTED = "granted", "Granted"
        DECLINED = "declined", "Declined"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refund_requests")
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="refund_requests"
    )
    why = models.CharField(max_length=500)
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    transfer = models.OneToOneField(
        Transfer, null=True, blank=True, on_delete=models.PROTECT, related_name="asked_by"
    )
    decision = models.CharField(max_length=255, blank=True, help_text="What the customer is told")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty when the rules granted it",
    )
    asked_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, blank=True)
    open_payment = models.GeneratedField(
        expression=Case(When(state="asked", then=F("payment_id")), default=Value(None)),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("decide_refund_request", "Can grant and decline refunds that are asked for")
        ]
        indexes = [models.Index(fields=["customer", "-id"], name="refund_request_of")]
        constraints = [
            models.UniqueConstraint(fields=["open_payment"], name="refund_request_one_open"),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "granted", "declined"]), name="refund_request_state"
            ),
        ]

    def __str__(self) -> str:
        return f"Refund request {self.pk}"
