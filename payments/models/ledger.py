"""The books: postings and their lines. Written by `payments.ledger` alone, never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.fields import ReferenceField
from payments.models.payments import Payment
from payments.models.transfers import Transfer


class Posting(models.Model):
    """A set of ledger lines that sum to zero. `source` is unique: posting twice posts once."""

    source = ReferenceField(max_length=100, unique=True)
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="postings"
    )
    transfer = models.ForeignKey(
        Transfer, null=True, blank=True, on_delete=models.PROTECT, related_name="postings"
    )
    memo = models.CharField(max_length=255)
    posted_at = models.DateTimeField(default=timezone.now)
    value_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the provider moved the money, where that was on a day before; else empty",
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["posted_at"], name="posting_of_a_time")]
        permissions = [("record_bank", "Can record float top-ups and settlements")]

    def __str__(self) -> str:
        return str(self.source)


class Entry(models.Model):
    """One line of a posting: debit positive, credit negative, in whole shillings."""

    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="entries")
    account = ReferenceField(max_length=100, db_index=True)
    amount = models.BigIntegerField(help_text="TZS; debit positive, credit negative")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "entries"
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="entry_not_zero")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount:+}"
