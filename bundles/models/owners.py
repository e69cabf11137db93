"""Who sells: owners of an internet connection, once staff have approved them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Owner(models.Model):
    """A person's standing as a seller, and the connection that they share."""

    class State(models.TextChoices):
        APPLIED = "applied", "Applied"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        SUSPENDED = "suspended", "Suspended"

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owner"
    )
    state = models.CharField(max_length=10, choices=State, default=State.APPLIED)
    about = models.TextField(max_length=2000, help_text="The connection: provider, place, line")
    connection_gb = models.PositiveIntegerField(help_text="What it carries in 30 days, GB")
    connection_seats = models.PositiveIntegerField(help_text="Customers it can serve at once")
    is_paid_weekly = models.BooleanField(
        default=False, help_text="What is earned is paid out each Monday"
    )
    applied_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decision = models.CharField(max_length=255, blank=True, help_text="What the owner is told")

    class Meta:
        ordering = ["-id"]
        permissions = [("decide_owner", "Can approve, decline and suspend owners")]
        indexes = [models.Index(fields=["state", "-id"], name="owner_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["applied", "approved", "declined", "suspended"]),
                name="owner_state",
            ),
            models.CheckConstraint(
                condition=Q(connection_gb__gt=0) & Q(connection_seats__gt=0),
                name="owner_shares_something",
            ),
        ]

    def __str__(self) -> str:
        return str(self.person)

    @property
    def may_sell(self) -> bool:
        return self.state == self.State.APPROVED
