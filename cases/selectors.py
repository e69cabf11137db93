"""Reads of cases: for queries of other apps' rows, and for the queue of staff."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db.models import Exists, OuterRef, Q, QuerySet

from cases.models import Case, CaseKind
from cases.ranking import ranked
from common.invariants import named


def has_open_case(prefix: str, column: str, *, kind: CaseKind | None = None) -> Exists:
    """Whether a row has an open case, whose subject is the prefix and the row's column."""
    about = Case.objects.filter(subject=named(prefix, OuterRef(column)), state=Case.State.OPEN)
    return Exists(about if kind is None else about.filter(kind=kind))


def ever_had_case(prefix: str, column: str, *, kind: CaseKind) -> Exists:
    """Whether staff were given the row, open or resolved by now."""
    return Exists(Case.objects.filter(subject=named(prefix, OuterRef(column)), kind=kind))


def free_at(now: datetime) -> Q:
    """Nobody has it: not assigned, and not claimed or the claim has run out."""
    return Q(owner__isnull=True) | Q(claimed_until__lte=now)


def awake_at(now: datetime) -> Q:
    """Not snoozed, or not any more."""
    return Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now)


def to_do(now: datetime) -> QuerySet[Case]:
    """What somebody has to work on now; what waits for a second person is decided already."""
    return Case.objects.filter(awake_at(now), state=Case.State.OPEN, proposal="")


def next_up(*, by_id: int, now: datetime, after_id: int | None = None) -> QuerySet[Any]:
    """What "next" may open, the highest rank first: what is free, and what was assigned to them.

    Of their own only what ranks below the case they come from: "next" would open the same for ever.
    """
    theirs = Q(owner_id=by_id, claimed_until__isnull=True)
    if after_id is not None and (own := _rank(after_id, now)) is not None:
        theirs &= _below(own, after_id)
    return ranked(to_do(now), now).filter(free_at(now) | theirs)


def _rank(case_id: int, now: datetime) -> int | None:
    ranks = ranked(Case.objects.filter(pk=case_id), now).values_list("rank", flat=True)
    return ranks.first()


def _below(rank: int, case_id: int) -> Q:
    return Q(rank__lt=rank) | Q(rank=rank, pk__gt=case_id)


def neighbours(case: Case, now: datetime) -> tuple[Case | None, Case | None]:
    """The cases to do that rank just above and just below one."""
    own = _rank(case.pk, now) or 0
    others = ranked(to_do(now).exclude(pk=case.pk), now)
    above = others.filter(Q(rank__gt=own) | Q(rank=own, pk__lt=case.pk)).order_by("rank", "-pk")
    below = others.filter(_below(own, case.pk))
    return above.first(), below.first()


def workers() -> QuerySet[Any]:
    """The members of staff who may work on cases."""
    work = Permission.objects.filter(content_type__app_label="cases", codename="work_case")
    personal, by_group = work.filter(user=OuterRef("pk")), work.filter(group__user=OuterRef("pk"))
    may = Q(is_superuser=True) | Q(Exists(personal)) | Q(Exists(by_group))
    people: QuerySet[Any] = get_user_model()._default_manager.filter(
        may, is_active=True, is_staff=True
    )
    return people.order_by("email")
