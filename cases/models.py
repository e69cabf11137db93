"""What a person must decide: one open case per kind and subject."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Case as SqlCase
from django.db.models import F, Q, When
from django.utils import timezone

from common.fields import ReferenceField


class CaseKind(models.TextChoices):
    """Why staff are needed."""

    LATE_PAYMENT = "late_payment", "Late payment became credit"
    UNDERPAID = "underpaid", "Paid less than the price"
    PAID_TWICE = "paid_twice", "Paid twice"
    WRONG_DETAILS = "wrong_details", "News that fits another payment"
    CONFLICTING_ANSWERS = "conflicting_answers", "The provider contradicts itself"
    REVERSED = "reversed", "Reversed by the provider"
    UNMATCHED_DELIVERY = "unmatched_delivery", "Callback for no payment of ours"
    UNANSWERABLE_HINT = "unanswerable_hint", "Unproven callback, provider cannot be asked"
    UNRESOLVED_PAYMENT = "unresolved_payment", "No final answer from the provider"
    FULFILMENT_FAILED = "fulfilment_failed", "Paid, but not activated"
    UNLISTED_ANSWER = "unlisted_answer", "The provider says what no list explains"
    TRANSFER_FAILED = "transfer_failed", "Money could not be sent"
    UNRESOLVED_TRANSFER = "unresolved_transfer", "Money may have been sent"
    UNPLACED_MONEY = "unplaced_money", "Money that nobody can place"
    FLOAT_TOO_LOW = "float_too_low", "Too little money to send from"
    COUNTER_FAULT = "counter_fault", "A gateway counts what cannot be"
    GATEWAY_CREDENTIAL = "gateway_credential", "Wrong secret in a gateway's name"
    GATEWAY_TROUBLE = "gateway_trouble", "A gateway is silent or does not do as told"
    MONEY_CHECK_FAILED = "money_check_failed", "The books do not agree"
    PAID_NO_ORDER = "paid_no_order", "Money on a statement for no order"
    ORDER_NO_MONEY = "order_no_money", "Completed here, on no statement"
    TRANSFER_NO_LINE = "transfer_no_line", "Sent here, on no statement"
    AMOUNT_DIFFERS = "amount_differs", "Another amount on the statement"
    DUPLICATE_PAYMENT = "duplicate_payment", "Two receipts for one order"
    DUPLICATE_LINE = "duplicate_line", "One receipt twice on a statement"
    AMBIGUOUS_LINE = "ambiguous_line", "A statement line that fits several"
    SUGGESTED_MATCH = "suggested_match", "A match to confirm"
    STATUS_CONFLICT = "status_conflict", "Paid by the statement, not here"
    LATE_SUCCESS = "late_success", "Paid by the statement, after the time"
    REVERSED_THERE = "reversed_there", "Reversed on the statement"
    FEE_DIFFERENCE = "fee_difference", "A fee without its payment"
    BALANCE_BREAK = "balance_break", "A row is missing on the statement"
    FOREIGN_CURRENCY = "foreign_currency", "A statement line not in shillings"
    MASKED_IDENTITY = "masked_identity", "Named by a masked number only"
    STATEMENT_FAULT = "statement_fault", "Rows that could not be read"
    PAID_NOT_ACTIVATED = "paid_not_activated", "Paid, not activated"
    ACTIVATED_NOT_PAID = "activated_not_paid", "Activated, not paid"
    USED_NOT_PAID = "used_not_paid", "Used, not paid"
    DAY_CHANGED = "day_changed", "The statement of a closed day has changed"
    REFUND_ASKED = "refund_asked", "A customer asks for money back"
    RECEIPT_CLAIMED = "receipt_claimed", "A customer names a receipt"
    FISCAL_BLOCKED = "fiscal_blocked", "A fiscal receipt was refused"


class Case(models.Model):
    """One question for staff. `subject` names what it is about, such as `payment:<id>`."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        RESOLVED = "resolved", "Resolved"

    kind = models.CharField(max_length=30, choices=CaseKind)
    subject = ReferenceField(max_length=100, db_index=True)
    amount = models.PositiveBigIntegerField(default=0, help_text="TZS at stake")
    detail = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="cases",
    )
    customer_waits = models.BooleanField(
        default=False, help_text="Somebody has paid and has nothing for it yet"
    )
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="When the owner's claim ends; empty: assigned for good"
    )
    snoozed_until = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(default=timezone.now, db_index=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.TextField(blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who proposed the resolution that a second person is to confirm",
    )
    proposal = models.TextField(blank=True, help_text="Empty: nothing is proposed")
    open_subject = models.GeneratedField(
        expression=SqlCase(When(state="open", then=F("subject"))),
        output_field=ReferenceField(max_length=100, null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("work_case", "Can claim, snooze and resolve cases"),
            ("assign_case", "Can give cases to somebody"),
            ("confirm_case", "Can confirm resolutions above the limit"),
        ]
        indexes = [models.Index(fields=["state", "opened_at"], name="case_open_by_age")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "open_subject"], name="case_one_open"),
            models.CheckConstraint(condition=Q(state__in=["open", "resolved"]), name="case_state"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.subject})"

    def is_claimed_at(self, now: datetime) -> bool:
        """Whether somebody has it, by a claim that has not run out or because it was assigned."""
        if self.owner_id is None:
            return False
        return self.claimed_until is None or now < self.claimed_until


class Bulk(models.Model):
    """One verb upon many cases, done in one transaction, undone by one button."""

    class Verb(models.TextChoices):
        RESOLVE = "resolve", "Resolved"
        SNOOZE = "snooze", "Snoozed"
        ASSIGN = "assign", "Assigned"

    key = ReferenceField(max_length=32, unique=True, help_text="The page's: sent twice, done once")
    verb = models.CharField(max_length=10, choices=Verb)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    why = models.CharField(max_length=255)
    cases = models.PositiveIntegerField()
    amount = models.PositiveBigIntegerField(help_text="TZS at stake, of all of them")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = "bulk of cases"
        verbose_name_plural = "bulks of cases"

    def __str__(self) -> str:
        return f"{self.get_verb_display()}: {self.cases:,} cases, {self.amount:,} TZS"


class CaseEvent(models.Model):
    """What was done to a case. Rows are only added; `before` is what the case was until then."""

    class Verb(models.TextChoices):
        CLAIMED = "claimed", "Claimed"
        RELEASED = "released", "Released"
        SNOOZED = "snoozed", "Snoozed"
        ASSIGNED = "assigned", "Assigned"
        NOTED = "noted", "Note"
        PROPOSED = "proposed", "Resolution proposed"
        REFUSED = "refused", "Resolution refused"
        RESOLVED = "resolved", "Resolved"
        REOPENED = "reopened", "Opened again"
        UNDONE = "undone", "Undone"

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    verb = models.CharField(max_length=10, choices=Verb)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the system",
    )
    why = models.TextField(blank=True)
    bulk = models.ForeignKey(Bulk, null=True, on_delete=models.PROTECT, related_name="events")
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.get_verb_display()


class CaseRules(models.Model):
    """How cases may be closed: one row, edited by staff."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    four_eyes_above = models.PositiveIntegerField(
        help_text="TZS; to resolve a case with more at stake needs a second person"
    )

    class Meta:
        verbose_name_plural = "case rules"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="case_rules_one_row")]

    def __str__(self) -> str:
        return "Case rules"

    @classmethod
    def current(cls) -> CaseRules:
        """The rules in force, seeded from the settings the first time."""
        rules, _ = cls.objects.get_or_create(
            pk=1, defaults={"four_eyes_above": settings.FOUR_EYES_ABOVE}
        )
        return rules
