"""Money asked of a customer: the payment, its attempt with a provider, and their history."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Replace, Right
from django.utils import timezone

from common.fields import ReferenceField
from payments.models.names import (
    ProviderName,
    new_callback_token,
    new_payment_id,
    new_reference,
)
from payments.states import State


class Disposition(models.TextChoices):
    """What became of money received. Each payment is claimed once, for one of them."""

    OPEN = "", "Not yet"
    FULFILLED = "fulfilled", "Fulfilled"
    CREDITED = "credited", "Customer credit"
    REFUNDED = "refunded", "Sent back"


GIVEN_UP = (Disposition.CREDITED, Disposition.REFUNDED)


class Payment(models.Model):
    """One attempt of one person to pay for one subject; it shows the state of its attempt.

    `subject` is opaque: whoever starts the payment knows what it means. It is "" where a customer has
    sent money for nothing in particular.
    """

    CREDIT = "credit"
    METHODS = (*ProviderName.choices, (CREDIT, "Customer credit"))

    public_id = ReferenceField(max_length=32, unique=True, default=new_payment_id, editable=False)
    payer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments"
    )
    subject = ReferenceField(max_length=64, db_index=True)
    amount = models.PositiveIntegerField(help_text="TZS, as priced by us")
    currency = models.CharField(max_length=3, default="TZS")
    payment_method = models.CharField(max_length=20, choices=METHODS)
    state = models.CharField(max_length=10, choices=State, default=State.INITIATED)
    reason = models.CharField(max_length=30, blank=True, help_text="Why it failed")
    paid_amount = models.PositiveIntegerField(null=True, blank=True, help_text="TZS received")
    from_credit = models.PositiveIntegerField(
        default=0, help_text="TZS of the amount that the payer's credit covers"
    )
    disposition = models.CharField(
        max_length=10, choices=Disposition, default=Disposition.OPEN, blank=True
    )
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    fulfilled_at = models.DateTimeField(null=True, blank=True)
    reversed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the provider took the money back by itself"
    )
    follow_up_at = models.DateTimeField(
        null=True,
        blank=True,
        db_index=True,
        help_text="When to (try again to) act on the final state; empty once done",
    )
    follow_up_tries = models.PositiveSmallIntegerField(default=0)
    live_subject = models.GeneratedField(
        expression=Case(When(state__in=["initiated", "pending"], then=F("subject"))),
        output_field=ReferenceField(max_length=64, null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["payer", "-id"], name="idx_payment_payer"),
            # The staff's list, the newest first.
            models.Index(fields=["state", "created_at"], name="payment_by_state"),
            models.Index(fields=["state", "disposition", "created_at"], name="payment_attention"),
            models.Index(fields=["payment_method", "created_at"], name="payment_method"),
            models.Index(fields=["updated_at"], name="payment_changed"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["live_subject"], name="payment_one_live_per_subject"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(from_credit__lte=F("amount")), name="payment_credit_within_amount"
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="payment_state"),
            models.CheckConstraint(
                condition=Q(disposition="") | Q(state="completed"),
                name="payment_disposed_only_when_completed",
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def asked_amount(self) -> int:
        """What the phone is asked for, TZS."""
        return self.amount - self.from_credit

    @property
    def covered(self) -> int:
        """What has come in for it, from the phone and from credit, TZS."""
        return (self.paid_amount or 0) + self.from_credit

    @property
    def is_given_up(self) -> bool:
        """Whether its money is, or is about to be, credit: less than the price buys nothing."""
        is_underpaid = self.paid_amount is not None and self.covered < self.amount
        return self.disposition in GIVEN_UP or is_underpaid


def default_expiry() -> datetime:
    return timezone.now() + timedelta(minutes=settings.PAYMENT_TIMEOUT_MINUTES)


class MobileMoneyTransaction(models.Model):
    """The attempt: one request to one provider to charge one phone. Evidence, never deleted.

    The design document's table; `dialect` and the columns after it are ours. `api_request`,
    `api_response` and `webhook_data` are redacted.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="attempts")
    provider = models.CharField(max_length=20, choices=ProviderName)
    provider_transaction_id = ReferenceField(
        max_length=255, null=True, blank=True, help_text="The provider's receipt"
    )
    provider_reference = ReferenceField(
        max_length=255, null=True, blank=True, help_text="The provider's handle for our request"
    )
    customer_phone = models.CharField(max_length=20)
    api_request = models.JSONField(null=True, blank=True)
    api_response = models.JSONField(null=True, blank=True)
    webhook_data = models.JSONField(null=True, blank=True)
    provider_status = models.CharField(max_length=50, blank=True, default="")
    status = models.CharField(max_length=10, choices=State, default=State.INITIATED)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    expires_at = models.DateTimeField(default=default_expiry)

    dialect = models.CharField(max_length=20)
    reference = ReferenceField(max_length=20, unique=True, default=new_reference)
    callback_token = ReferenceField(max_length=40, unique=True, default=new_callback_token)
    reason = models.CharField(max_length=30, blank=True, default="")
    posted_at = models.DateTimeField(
        null=True, blank=True, help_text="When the provider was first asked to charge"
    )
    sends = models.PositiveSmallIntegerField(default=0)
    resend_due = models.BooleanField(default=False)
    checks = models.PositiveIntegerField(default=0)
    checked_at = models.DateTimeField(null=True, blank=True)
    not_found_since = models.DateTimeField(null=True, blank=True)
    next_check_at = models.DateTimeField(null=True, blank=True, db_index=True)
    live_payment = models.GeneratedField(
        expression=Case(
            When(status__in=["initiated", "pending"], then=F("payment_id")), default=Value(None)
        ),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )
    reference_key = models.GeneratedField(
        # As it is looked for in a statement's details, where S and 5 are taken for one another.
        expression=Replace(F("reference"), Value("S"), Value("5")),
        output_field=ReferenceField(max_length=20),
        db_persist=True,
    )
    phone_tail = models.GeneratedField(
        # What a statement's masked number shows at least.
        expression=Right("customer_phone", 3),
        output_field=models.CharField(max_length=3),
        db_persist=True,
    )

    class Meta:
        db_table = "mobile_money_transactions"
        indexes = [
            models.Index(fields=["reference_key"], name="attempt_reference_key"),
            models.Index(fields=["phone_tail", "created_at"], name="attempt_phone_tail"),
            models.Index(fields=["provider"], name="idx_provider"),
            models.Index(fields=["provider_transaction_id"], name="idx_provider_transaction_id"),
            models.Index(fields=["customer_phone", "created_at"], name="idx_customer_phone"),
            models.Index(fields=["status"], name="idx_status"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["live_payment"], name="attempt_one_live_per_payment"),
            models.UniqueConstraint(
                fields=["provider", "provider_transaction_id"], name="attempt_receipt_pays_once"
            ),
            models.UniqueConstraint(
                fields=["provider", "provider_reference"], name="attempt_provider_reference"
            ),
            models.CheckConstraint(condition=Q(status__in=State.values), name="attempt_status"),
            models.CheckConstraint(
                condition=Q(provider__in=ProviderName.values), name="attempt_provider"
            ),
        ]

    def __str__(self) -> str:
        return str(self.reference)


class PaymentEvent(models.Model):
    """A move from one state to the next, with who brought the news. Append-only."""

    class Source(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        WORKER = "worker", "Worker"
        ANSWER = "answer", "Provider's answer"
        WEBHOOK = "webhook", "Webhook"
        QUERY = "query", "Status query"
        SWEEP = "sweep", "Sweep"
        STAFF = "staff", "Staff"
        STATEMENT = "statement", "Statement"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10, choices=State)
    source = models.CharField(max_length=10, choices=Source)
    evidence = models.CharField(max_length=255, blank=True)
    delivery = models.ForeignKey(
        "WebhookDelivery", null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.from_state or 'new'} → {self.to_state}"
