"""Credit that staff want to give, above what one person may: it waits for a second one."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from common.fields import ReferenceField


class CreditRequest(models.Model):
    """That somebody wants money to be a customer's credit, and what a second person decided.

    `subject` is where the money lies meanwhile: `payment:<id>`, `bill:<id>` or `line:<key>`. Nothing
    is posted before it is approved.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Waits for a second person"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    subject = ReferenceField(max_length=100)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="credit_requests"
    )
    amount = models.PositiveIntegerField(help_text="TZS")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    why = models.CharField(max_length=255)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    decided_why = models.CharField(max_length=255, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    asked_of = models.GeneratedField(
        expression=Case(When(state="asked", then=F("subject")), default=Value(None)),
        output_field=ReferenceField(max_length=100, null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "asked_at"], name="credit_request_state")]
        constraints = [
            models.UniqueConstraint(fields=["asked_of"], name="credit_request_one_open"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="credit_request_amount"),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "approved", "rejected"]),
                name="credit_request_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="asked", decided_by__isnull=True)
                | (~Q(state="asked") & Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
                name="credit_request_four_eyes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount:,} TZS to {self.customer}"
