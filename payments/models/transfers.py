"""Money that goes out: refunds, credit sent back and payouts, with their history and rules."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Replace, Right
from django.utils import timezone

from common.fields import ReferenceField
from payments.models.names import ProviderName, new_callback_token, new_reference
from payments.models.payments import Payment
from payments.states import OPEN_TRANSFERS, TransferState

UNANSWERED = ("", "unknown")  # outcomes of a sending that left nobody the wiser


class Transfer(models.Model):
    """One amount that leaves us, asked of one provider. Evidence, never deleted.

    Its money lies on the ledger account `transfer:<reference>` from the moment it is asked for until
    the provider has confirmed it, or it goes back to where it came from.
    """

    class Kind(models.TextChoices):
        REFUND = "refund", "Refund"
        CREDIT = "credit", "Credit sent back"
        PAYOUT = "payout", "Payout"

    class Method(models.TextChoices):
        """By what the provider is asked for it."""

        REVERSAL = "reversal", "Reversal"
        DISBURSEMENT = "disbursement", "Disbursement"

    kind = models.CharField(max_length=10, choices=Kind)
    method = models.CharField(max_length=15, choices=Method)
    state = models.CharField(max_length=10, choices=TransferState)
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="transfers"
    )
    payee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="transfers"
    )
    provider = models.CharField(max_length=20, choices=ProviderName)
    dialect = models.CharField(max_length=20)
    phone = models.CharField(max_length=20)
    amount = models.PositiveIntegerField(help_text="TZS")
    reference = ReferenceField(max_length=20, unique=True, default=new_reference)
    callback_token = ReferenceField(max_length=40, unique=True, default=new_callback_token)
    ends_service = models.BooleanField(
        default=False, help_text="What the payment had bought ended when this was asked for"
    )
    request_key = ReferenceField(
        max_length=100, unique=True, help_text="The request that it answers: repeated, it is this"
    )
    why = models.CharField(max_length=255)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="requested_transfers",
        help_text="Empty when the rules asked for it",
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="decided_transfers",
    )
    provider_reference = ReferenceField(max_length=255, null=True, blank=True)
    provider_transaction_id = ReferenceField(
        max_length=255, null=True, blank=True, help_text="The provider's receipt"
    )
    provider_status = models.CharField(max_length=50, blank=True, default="")
    outcome = models.CharField(
        max_length=10, blank=True, default="", help_text="What the provider's last answer meant"
    )
    reason = models.CharField(max_length=30, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    posted_at = models.DateTimeField(
        null=True, blank=True, help_text="When the provider was first asked to send it"
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    sends = models.PositiveSmallIntegerField(default=0)
    checks = models.PositiveIntegerField(default=0)
    next_check_at = models.DateTimeField(null=True, blank=True, db_index=True)
    open_payment = models.GeneratedField(
        expression=Case(
            When(state__in=[state.value for state in OPEN_TRANSFERS], then=F("payment_id")),
            default=Value(None),
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
        expression=Right("phone", 3),
        output_field=models.CharField(max_length=3),
        db_persist=True,
    )

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("request_transfer", "Can ask for refunds and payouts"),
            ("decide_transfer", "Can approve, reject and resolve transfers"),
        ]
        indexes = [
            models.Index(fields=["state", "created_at"], name="transfer_state"),
            models.Index(fields=["phone", "created_at"], name="transfer_phone"),
            models.Index(fields=["updated_at"], name="transfer_changed"),
            models.Index(fields=["reference_key"], name="transfer_reference_key"),
            models.Index(fields=["phone_tail", "created_at"], name="transfer_phone_tail"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["open_payment"], name="transfer_one_open_per_payment"),
            models.UniqueConstraint(
                fields=["provider", "provider_transaction_id"], name="transfer_receipt_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(
                condition=Q(state__in=TransferState.values), name="transfer_state_known"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(requested_by__isnull=True)
                | ~Q(decided_by=F("requested_by")),
                name="transfer_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(method="disbursement") | Q(payment__isnull=False),
                name="transfer_reverses_a_payment",
            ),
        ]

    def __str__(self) -> str:
        return str(self.reference)

    @property
    def is_unknown(self) -> bool:
        """Whether money may have left without our having heard."""
        return self.state == TransferState.PENDING and self.outcome in UNANSWERED


class TransferEvent(models.Model):
    """A move of a transfer from one state to the next, with who brought it. Append-only."""

    class Source(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        RULE = "rule", "Rule"
        STAFF = "staff", "Staff"
        WORKER = "worker", "Worker"
        ANSWER = "answer", "Provider's answer"
        WEBHOOK = "webhook", "Webhook"
        QUERY = "query", "Status query"

    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="events")
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10, choices=TransferState)
    source = models.CharField(max_length=10, choices=Source)
    evidence = models.CharField(max_length=255, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.from_state or 'new'} → {self.to_state}"


class TransferRules(models.Model):
    """When money may leave: one row, edited by staff."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    four_eyes_above = models.PositiveIntegerField(
        help_text="TZS; a larger transfer needs a second person"
    )
    returns_without_review = models.PositiveSmallIntegerField(
        default=2, help_text="Credit a customer may have sent back in 30 days without staff"
    )

    class Meta:
        verbose_name_plural = "transfer rules"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="transfer_rules_one_row")]

    def __str__(self) -> str:
        return "Transfer rules"

    @classmethod
    def current(cls) -> TransferRules:
        """The rules in force, seeded from the settings the first time."""
        rules, _ = cls.objects.get_or_create(
            pk=1, defaults={"four_eyes_above": settings.FOUR_EYES_ABOVE}
        )
        return rules
