"""What a person must decide: one open case per kind and subject."""

from __future__ import annotations

from django.conf import settings
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
    WRONG_ACCOUNT = "wrong_account", "A statement line of another till"
    FOREIGN_CURRENCY = "foreign_currency", "A statement line not in shillings"
    MASKED_IDENTITY = "masked_identity", "Named by a masked number only"
    STATEMENT_FAULT = "statement_fault", "Rows that could not be read"
    PAID_NOT_ACTIVATED = "paid_not_activated", "Paid, not activated"
    ACTIVATED_NOT_PAID = "activated_not_paid", "Activated, not paid"
    USED_NOT_PAID = "used_not_paid", "Used, not paid"
    DAY_CHANGED = "day_changed", "The statement of a closed day has changed"
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
    open_subject = models.GeneratedField(
        expression=SqlCase(When(state="open", then=F("subject"))),
        output_field=ReferenceField(max_length=100, null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "open_subject"], name="case_one_open"),
            models.CheckConstraint(condition=Q(state__in=["open", "resolved"]), name="case_state"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.subject})"
