"""Reads of cases, for queries of other apps' rows."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from cases.models import Case, CaseKind
from common.invariants import named


def has_open_case(prefix: str, column: str, *, kind: CaseKind | None = None) -> Exists:
    """Whether a row has an open case, whose subject is the prefix and the row's column."""
    about = Case.objects.filter(subject=named(prefix, OuterRef(column)), state=Case.State.OPEN)
    return Exists(about if kind is None else about.filter(kind=kind))


def ever_had_case(prefix: str, column: str, *, kind: CaseKind) -> Exists:
    """Whether staff were given the row, open or resolved by now."""
    return Exists(Case.objects.filter(subject=named(prefix, OuterRef(column)), kind=kind))
