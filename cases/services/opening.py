"""Opens cases, and closes those whose question was answered by other means."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from cases.models import Case, CaseEvent
from cases.ranking import KINDS_THAT_HURT

BATCH = 1_000


def open_case(
    *, kind: str, subject: str, amount: int = 0, detail: str = "", customer_waits: bool = False
) -> Case:
    """The open case of this kind about this subject, made if there is none; safe to repeat and race.

    `amount` is the cash at stake in TZS. May run inside the caller's transaction.
    """
    same = Case.objects.filter(kind=kind, subject=subject, state=Case.State.OPEN)
    if found := same.first():
        return found
    try:
        with transaction.atomic():  # a savepoint: the race's loser must not spoil the caller's work
            return Case.objects.create(
                kind=kind,
                subject=subject,
                amount=amount,
                detail=detail,
                customer_waits=customer_waits or kind in KINDS_THAT_HURT,
            )
    except IntegrityError:
        return same.get()


def open_cases(cases: Iterable[Case]) -> None:
    """Open many at once; one that is open already stays as it is."""
    rest = iter(cases)
    while batch := list(islice(rest, BATCH)):
        for case in batch:
            case.customer_waits |= case.kind in KINDS_THAT_HURT
        Case.objects.bulk_create(batch, ignore_conflicts=True)


def resolve_by_itself(*, kind: str, subject: str, resolution: str) -> None:
    """Close the open case, if there is one, whose question has answered itself."""
    case = Case.objects.filter(kind=kind, subject=subject, state=Case.State.OPEN).first()
    if case is not None:
        resolve_case(case=case, resolution=resolution)


def resolve_cases(cases: QuerySet[Case], *, resolution: str) -> None:
    """The same for many that were chosen by a query, a batch at a time."""
    keys = list(cases.values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        with transaction.atomic():
            open_ones = Case.objects.select_for_update().filter(
                pk__in=keys[start : start + BATCH], state=Case.State.OPEN
            )
            closed = list(open_ones.order_by("pk").values_list("pk", flat=True))
            Case.objects.filter(pk__in=closed).update(
                state=Case.State.RESOLVED, resolution=resolution, resolved_at=timezone.now()
            )
            CaseEvent.objects.bulk_create(
                CaseEvent(case_id=key, verb=CaseEvent.Verb.RESOLVED, why=resolution)
                for key in closed
            )


def resolve_case(*, case: Case, resolution: str, owner_id: int | None = None) -> bool:
    """Close an open case because what it asked for is done. Returns False when somebody was faster.

    Nobody's claim and no limit stands in the way: the deed itself had its own rules.
    """
    with transaction.atomic():
        closed = Case.objects.filter(pk=case.pk, state=Case.State.OPEN).update(
            state=Case.State.RESOLVED,
            resolution=resolution,
            owner_id=owner_id or case.owner_id,
            resolved_at=timezone.now(),
        )
        if closed:
            CaseEvent.objects.create(
                case_id=case.pk, verb=CaseEvent.Verb.RESOLVED, by_id=owner_id, why=resolution
            )
    return closed == 1
