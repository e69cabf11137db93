"""What keeps prompts and requests within bounds."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.fields import ReferenceField
from payments.models.names import ProviderName
from payments.models.payments import Payment


class PhoneLock(models.Model):
    """One row per phone ever prompted: locking it makes the limits per phone exact."""

    phone = models.CharField(max_length=20, unique=True)

    def __str__(self) -> str:
        return str(self.phone)


class PromptLimits(models.Model):
    """How often phones are prompted and accounts may pay: one row, edited by staff."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    phone_per_10_minutes = models.PositiveSmallIntegerField(default=3)
    phone_per_hour = models.PositiveSmallIntegerField(default=5)
    phone_per_day = models.PositiveSmallIntegerField(default=8)
    no_answers_before_pause = models.PositiveSmallIntegerField(default=2)
    pause_minutes = models.PositiveSmallIntegerField(
        default=10, help_text="After that many prompts without an answer, or one declined"
    )
    unverified_phone_per_day = models.PositiveSmallIntegerField(default=1)
    unverified_phones_per_account = models.PositiveSmallIntegerField(default=2)
    account_per_10_minutes = models.PositiveSmallIntegerField(default=5)
    account_per_day = models.PositiveSmallIntegerField(default=20)
    account_phones_per_day = models.PositiveSmallIntegerField(default=3)
    amount_first_day = models.PositiveIntegerField(default=20_000, help_text="TZS a day")
    amount_first_week = models.PositiveIntegerField(default=100_000, help_text="TZS a day")

    class Meta:
        verbose_name_plural = "prompt limits"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="prompt_limits_one_row")]

    def __str__(self) -> str:
        return "Prompt limits"

    @classmethod
    def current(cls) -> PromptLimits:
        limits, _ = cls.objects.get_or_create(pk=1)
        return limits


class ProviderSwitch(models.Model):
    """What staff let a provider be used for at the moment; one row for each."""

    provider = models.CharField(max_length=20, choices=ProviderName, unique=True)
    takes_payments = models.BooleanField(
        default=True, help_text="Off: customers are not offered it. Payments under way go on."
    )
    sends_money = models.BooleanField(
        default=True, help_text="Off: refunds and payouts wait until it is on again."
    )
    notice = models.CharField(
        max_length=160, blank=True, help_text="What customers read while it takes no payments"
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["provider"]
        verbose_name_plural = "provider switches"
        constraints = [
            models.CheckConstraint(
                condition=Q(provider__in=ProviderName.values), name="switch_provider"
            ),
        ]

    def __str__(self) -> str:
        return self.get_provider_display()


class IdempotentRequest(models.Model):
    """A request that carried an Idempotency-Key, and the payment that repeats of it get."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    key = ReferenceField(max_length=64)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the canonical body")
    started_at = models.DateTimeField(default=timezone.now)
    payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once"),
        ]

    def __str__(self) -> str:
        return str(self.key)
