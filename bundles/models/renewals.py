"""Customers' wishes that what they have be bought again from their credit."""

from __future__ import annotations

from django.db import models

from bundles.models.sales import Purchase, Subscription


class Renewal(models.Model):
    """Whether a subscription is to be bought again from credit, and what came of it last."""

    class Outcome(models.TextChoices):
        RENEWED = "renewed", "Bought again"
        SHORT = "not_enough_credit", "Not enough credit"
        DEARER = "dearer", "Costs more than when it was switched on"
        PAYING = "payment_under_way", "A payment for it is under way"
        NOT_SOLD = "not_sold", "Switched off: not sold any more"
        TAKEN_BACK = "taken_back", "Switched off: taken back"
        NOT_SERVED = "not_served", "Switched off: paid and could not be activated"
        OVER = "over", "Switched off: over"

    subscription = models.OneToOneField(
        Subscription, on_delete=models.PROTECT, related_name="renewal"
    )
    price_most = models.PositiveIntegerField(
        help_text="TZS, its price when it was switched on: a dearer one is not bought"
    )
    due_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When to look at it; empty for switched off"
    )
    purchase = models.OneToOneField(
        Purchase,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="renewal",
        help_text="The last that it has made",
    )
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    outcome_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    outcome__in=[
                        "",
                        "renewed",
                        "not_enough_credit",
                        "dearer",
                        "payment_under_way",
                        "not_sold",
                        "taken_back",
                        "not_served",
                        "over",
                    ]
                ),
                name="renewal_outcome",
            ),
        ]

    def __str__(self) -> str:
        return f"Renewal of subscription {self.subscription_id}"

    @property
    def is_on(self) -> bool:
        return self.due_at is not None
