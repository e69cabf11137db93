"""What must hold of cases."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Max

from cases.models import Case
from common.invariants import Invariant, Offender, offenders


def _asked_twice() -> Iterator[Offender]:
    rows = (
        Case.objects.filter(state=Case.State.OPEN)
        .values("kind", "subject")
        .annotate(times=Count("pk"), at_stake=Max("amount"))
        .filter(times__gt=1)
        .order_by("kind", "subject")
    )
    return offenders(
        rows, subject="{subject}", trouble="{times} open cases of kind {kind}", amount="at_stake"
    )


INVARIANTS = (Invariant("M-10", "One open case per kind and subject", _asked_twice),)
