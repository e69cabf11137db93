"""One run at a time, by compare-and-set on a row: no database's own locks, and none left by a crash."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.db.models import Q
from django.utils import timezone

from payments.models import MatchTurn

HELD_FOR = timedelta(minutes=5)  # without being renewed
RENEWED_AFTER = timedelta(seconds=15)  # by the step that ends then: most take milliseconds


class Turn:
    """A claim, renewed while the run goes on."""

    def __init__(self) -> None:
        self._holder = uuid4().hex
        self._held_since = timezone.now()

    def take(self) -> bool:
        """Returns whether nobody else has it."""
        MatchTurn.objects.get_or_create(pk=1)
        now = timezone.now()
        free = Q(held_until__isnull=True) | Q(held_until__lt=now)
        return self._hold(MatchTurn.objects.filter(free, pk=1))

    def renew(self) -> bool:
        """Returns False when it was lost: somebody else goes on from here."""
        if timezone.now() < self._held_since + RENEWED_AFTER:
            return True
        return self._hold(MatchTurn.objects.filter(pk=1, holder=self._holder))

    def give_back(self) -> None:
        MatchTurn.objects.filter(pk=1, holder=self._holder).update(holder="", held_until=None)

    def _hold(self, rows: object) -> bool:
        self._held_since = timezone.now()
        until = self._held_since + HELD_FOR
        return bool(rows.update(holder=self._holder, held_until=until))  # type: ignore[attr-defined]
