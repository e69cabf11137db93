"""Business days closed against the providers' statements, with their certificates."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from common.fields import ReferenceField
from payments.models.names import ProviderName


class DayLock(models.Model):
    """A row for each provider, locked by whoever closes or opens its days, or books for them."""

    provider = models.CharField(
        max_length=20, choices=ProviderName, primary_key=True, editable=False
    )

    def __str__(self) -> str:
        return str(self.provider)


class DayClose(models.Model):
    """One business day of one kind of account with one provider."""

    class Kind(models.TextChoices):
        """A provider without an account of its own to disburse from has the first alone."""

        COLLECTION = "collection", "Collection"
        DISBURSEMENT = "disbursement", "Disbursement"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    provider = models.CharField(max_length=20, choices=ProviderName)
    kind = models.CharField(max_length=12, choices=Kind)
    day = models.DateField(help_text="In Dar es Salaam")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    changed_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When lines were first seen that its certificate does not know",
    )

    class Meta:
        ordering = ["-day", "provider", "kind"]
        permissions = [
            ("close_day", "Can close business days"),
            ("reopen_day", "Can ask for and decide on the reopening of closed days"),
            ("export_transactions", "Can export the transactions report"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["provider", "kind", "day"], name="day_once"),
            models.CheckConstraint(condition=Q(state__in=["open", "closed"]), name="day_state"),
        ]

    def __str__(self) -> str:
        kind = self.get_kind_display().lower()
        return f"{self.get_provider_display()}, {kind}, {self.day:%d.%m.%Y}"

    @property
    def subject(self) -> str:
        """How cases name it."""
        return f"day:{self.provider}:{self.kind}:{self.day}"


class Certificate(models.Model):
    """What a day was closed with. Append-only: closed again, a day has one version more.

    `hash` is the SHA-256 of what the certificate says and of the certificate before it, so that none
    can be changed or left out unseen.
    """

    day_close = models.ForeignKey(DayClose, on_delete=models.PROTECT, related_name="certificates")
    version = models.PositiveIntegerField()
    figures = models.JSONField(help_text="Counts, sums, balances and differences, TZS")
    note = models.CharField(max_length=255, blank=True, help_text="How breaks are explained")
    lines_hash = ReferenceField(max_length=64, help_text="SHA-256 of the day's lines")
    previous_hash = ReferenceField(max_length=64, blank=True)
    hash = ReferenceField(max_length=64, unique=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    closed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["day_close", "version"], name="certificate_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day_close}, version {self.version}"


class Reopening(models.Model):
    """That somebody wants a closed day open again, and what a second person decided."""

    class State(models.TextChoices):
        ASKED = "asked", "Waits for a second person"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    day_close = models.ForeignKey(DayClose, on_delete=models.PROTECT, related_name="reopenings")
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
        expression=Case(When(state="asked", then=F("day_close_id")), default=Value(None)),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["asked_of"], name="reopening_one_open_per_day"),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "approved", "rejected"]), name="reopening_state"
            ),
            models.CheckConstraint(
                condition=Q(state="asked", decided_by__isnull=True)
                | (~Q(state="asked") & Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
                name="reopening_four_eyes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day_close}: {self.get_state_display().lower()}"
