"""Finds closed days whose statement lines have changed, and gives them to staff."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Max, Min
from django.utils import timezone

from cases.models import CaseKind
from cases.services import open_case
from common.clock import business_day
from common.transactions import retried
from payments.days.figures import Figures, Proof, proof_of
from payments.days.tills import till_of
from payments.models import DayClose, StatementFile
from payments.services.day_lock import lock_days

logger = logging.getLogger(__name__)

LOOKED_BACK = timedelta(days=1)  # at files; the job runs every few minutes


def watch_closed_days() -> int:
    """Mark the closed days that files read lately have changed; returns how many are new."""
    since = timezone.now() - LOOKED_BACK
    periods = (
        StatementFile.objects.filter(finished_at__gte=since)
        .order_by()
        .values_list("provider")
        .annotate(begins_at=Min("begins_at"), ends_at=Max("ends_at"))
    )
    found = 0
    for provider, begins_at, ends_at in periods:
        if begins_at is None or ends_at is None:
            continue
        days = DayClose.objects.filter(
            provider=provider,
            state=DayClose.State.CLOSED,
            changed_at=None,
            day__gte=business_day(begins_at),
            day__lte=business_day(ends_at),
        )
        found += sum(_mark(row.pk) for row in days if _differs(row))
    return found


def _differs(row: DayClose) -> bool:
    """Without a lock, which nearly all of the days need not; one bad row does not stop the others."""
    try:
        certified, now = _certified_and_now(row)
    except LookupError:
        logger.exception("%s is of an account that the settings do not know any more", row)
        return False
    return now != certified


def _certified_and_now(row: DayClose) -> tuple[Proof, Proof]:
    certificate = row.certificates.latest("version")
    now = proof_of(till_of(row.provider, row.kind), row.day)
    return Figures.kept(certificate.figures).proof, now


@retried
def _mark(day_close_id: int) -> bool:
    lock_days(DayClose.objects.values_list("provider", flat=True).get(pk=day_close_id))
    row = DayClose.objects.get(pk=day_close_id)
    if row.state != DayClose.State.CLOSED or row.changed_at is not None:
        return False
    certified, now = _certified_and_now(row)
    if now == certified:
        return False
    row.changed_at = timezone.now()
    row.save(update_fields=["changed_at"])
    open_case(
        kind=CaseKind.DAY_CHANGED,
        subject=row.subject,
        amount=abs(now.amount - certified.amount),
        detail=f"{row}: {certified.lines:,} lines with {certified.amount:,} TZS were certified, "
        f"{now.lines:,} with {now.amount:,} TZS are there now.",
    )
    return True
