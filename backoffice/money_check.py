"""Proves the books: runs the invariants, and nightly tells the monitor and staff."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.cache import cache
from django.utils import timezone

from backoffice.invariants import INVARIANTS
from cases.models import CaseKind
from cases.services import open_case, resolve_by_itself
from common.invariants import Invariant, Offender

logger = logging.getLogger(__name__)

KEY = "money_check"
SHOWN = 20  # offenders that a case names


@dataclass(frozen=True, slots=True)
class Finding:
    """What one invariant's query found: `count` offenders with `amount` TZS at stake, some `shown`."""

    invariant: Invariant
    count: int
    amount: int
    shown: tuple[Offender, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The latest nightly result."""

    is_ok: bool
    age_seconds: float


def prove(invariants: Iterable[Invariant], *, limit: int) -> Iterator[Finding]:
    """Run one invariant after another; at most `limit` offenders of each are kept."""
    for invariant in invariants:
        started = time.monotonic()
        count = amount = 0
        shown: list[Offender] = []
        for offender in invariant.find():
            count += 1
            amount += offender.amount
            if len(shown) < limit:
                shown.append(offender)
        yield Finding(invariant, count, amount, tuple(shown), time.monotonic() - started)


def check_money() -> int:
    """The nightly check: a case for each invariant that fails, until it holds again.

    Returns how many fail.
    """
    failing = 0
    for finding in prove(INVARIANTS, limit=SHOWN):
        failing += finding.count > 0
        _tell(finding)
    cache.set(KEY, (failing == 0, timezone.now().timestamp()), timeout=None)
    return failing


def last_check() -> LastCheck | None:
    """The latest nightly result; None when there was none that anybody remembers."""
    last: tuple[bool, float] | None = cache.get(KEY)
    if last is None:
        return None
    is_ok, at = last
    return LastCheck(is_ok, max(timezone.now().timestamp() - at, 0.0))


def _tell(finding: Finding) -> None:
    kind, subject = CaseKind.MONEY_CHECK_FAILED, f"invariant:{finding.invariant.id}"
    if not finding.count:
        resolve_by_itself(kind=kind, subject=subject, resolution="it holds again")
        return
    detail = "\n".join(lines(finding))
    logger.error("the books do not agree: %s", detail)
    open_case(kind=kind, subject=subject, amount=finding.amount, detail=detail)


def lines(finding: Finding) -> Iterator[str]:
    """The finding in words: the invariant, then what breaks it."""
    invariant = finding.invariant
    yield f"{invariant.id} {invariant.name}: {finding.count:,} do not"
    for offender in finding.shown:
        yield f"{offender.subject}: {offender.trouble}"
    if finding.count > len(finding.shown):
        yield f"and {finding.count - len(finding.shown):,} more"
