"""How lines are matched: the rules' tolerances, whose turn it is, and what each open line may be of."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from payments.models.payments import MobileMoneyTransaction
from payments.models.statements import Bucket, Match, StatementLine
from payments.models.transfers import Transfer


class MatchingRules(models.Model):
    """What matching tolerates: one row, edited by staff. It only ever widens what is suggested."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    suggest_under = models.PositiveIntegerField(
        default=50,
        validators=[MaxValueValidator(1000)],
        help_text="TZS that may be missing for a match to be suggested; never made by itself",
    )
    early_minutes = models.PositiveSmallIntegerField(
        default=2,
        validators=[MaxValueValidator(60)],
        help_text="How long before we asked the provider's clock may say that it was paid",
    )
    window_hours = models.PositiveSmallIntegerField(
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
        help_text="How long after we asked a payment may still be completed",
    )
    wait_hours = models.PositiveSmallIntegerField(
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(168)],
        help_text="How old a payment must be to be missed on a statement (T+1)",
    )

    class Meta:
        verbose_name_plural = "matching rules"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="matching_rules_one_row"),
            models.CheckConstraint(
                condition=Q(suggest_under__lte=1000)
                & Q(early_minutes__lte=60)
                & Q(window_hours__gte=1, window_hours__lte=240)
                & Q(wait_hours__gte=1, wait_hours__lte=168),
                name="matching_rules_sane",
            ),
        ]

    def __str__(self) -> str:
        return "Matching rules"

    @classmethod
    def current(cls) -> MatchingRules:
        """The rules in force; their defaults the first time."""
        rules, _ = cls.objects.get_or_create(pk=1)
        return rules


class MatchTurn(models.Model):
    """Whose turn it is to match: one row, claimed by compare-and-set for as long as it is renewed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    holder = models.CharField(max_length=32, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="match_turn_one_row")]

    def __str__(self) -> str:
        return self.holder or "nobody's"


class Candidate(models.Model):
    """What an open line may be of, made anew by each run: why, and the bucket that it speaks for.

    `bucket` is "matched" only while the run that made it has not decided.
    """

    line = models.ForeignKey(StatementLine, on_delete=models.CASCADE, related_name="candidates")
    attempt = models.ForeignKey(
        MobileMoneyTransaction,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="candidates",
    )
    transfer = models.ForeignKey(
        Transfer, null=True, blank=True, on_delete=models.CASCADE, related_name="candidates"
    )
    rule = models.CharField(max_length=5, choices=Match.Rule)
    bucket = models.CharField(max_length=20, choices=Bucket)
    why = models.CharField(max_length=255, help_text="The fields that agree")

    class Meta:
        ordering = ["line", "rule", "id"]

    def __str__(self) -> str:
        return f"{self.line} by {self.rule}"
