"""What staff write down, and the sums that the dashboard is drawn from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from backoffice.rollups.tables import OwnerDay as OwnerDay
from backoffice.rollups.tables import RollupMark as RollupMark
from backoffice.rollups.tables import Sales as Sales
from backoffice.rollups.tables import Tally as Tally
from common.fields import ReferenceField


class Note(models.Model):
    """What somebody wants the next one to know. `subject` is as in cases: `payment:<id>`, or
    `customer:<primary key>`. Append-only.
    """

    subject = ReferenceField(max_length=100, db_index=True)
    text = models.TextField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notes"
    )
    at = models.DateTimeField(default=timezone.now)
    key = ReferenceField(max_length=32, unique=True, help_text="A page sent twice is one note")

    class Meta:
        ordering = ["id"]
        default_permissions = ("add", "view")

    def __str__(self) -> str:
        return f"Note of {self.author}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("a note is never changed")
        super().save(*args, **kwargs)
