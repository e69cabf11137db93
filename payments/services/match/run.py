"""The waterfall over all open lines: rule by rule, each over ranges of lines. Safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from payments.models import Bucket, MatchingRules, StatementFile, StatementLine
from payments.services.match.aside import match_fees, match_movements, set_aside
from payments.services.match.candidates import find_alike, find_named
from payments.services.match.confirm import STRONG, match_by_receipt, match_candidates
from payments.services.match.exceptions import open_and_resolve
from payments.services.match.sort import sort_lines
from payments.services.match.sql import OPEN, RANGE, Range, open_ranges, refresh_statistics
from payments.services.match.turn import Turn

LEFT_OVER = 5_000  # lines of one transaction, of those that each rule looks at
Step = Callable[[Range, MatchingRules], object]
Plan = tuple[tuple[tuple[Bucket, ...], int, Step], ...]
OF_ALL: Plan = (((Bucket.NEW,), RANGE, set_aside), (OPEN, RANGE, match_by_receipt))
OF_WHAT_IS_LEFT: Plan = (
    (OPEN, LEFT_OVER, find_named),
    *((OPEN, LEFT_OVER, partial(match_candidates, rule)) for rule in STRONG),
    *((OPEN, LEFT_OVER, step) for step in (match_movements, match_fees, find_alike, sort_lines)),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to. `is_whole` is False where another run was or came in its way."""

    matched: int
    left: int
    is_whole: bool = True


def match_statements() -> Result:
    """Match whatever can be matched, give each other line its bucket, and staff their cases.

    Two at once: the second leaves it to the first. A run that dies is gone on with by the next.
    """
    if not StatementFile.objects.filter(state=StatementFile.State.READ).exists():
        return Result(matched=0, left=0)
    turn = Turn()
    if not turn.take():
        return Result(matched=0, left=0, is_whole=False)
    try:
        open_before = _open_lines()
        is_whole = all(turn.renew() for _ in _steps(MatchingRules.current()))
        left = _open_lines()
        return Result(matched=max(open_before - left, 0), left=left, is_whole=is_whole)
    finally:
        turn.give_back()


def look_again(line_id: int) -> None:
    """Give one line its bucket after staff have changed what it was matched with."""
    rules, lines = MatchingRules.current(), Range(line_id, line_id)
    for step in (set_aside, find_named, find_alike, sort_lines):
        step(lines, rules)


def _steps(rules: MatchingRules) -> Iterator[None]:
    """One step at a time. All lines go through a rule before the next: no file's order matters."""
    refresh_statistics("payments_statementline")
    yield from _over_all(OF_ALL, rules)
    refresh_statistics("payments_match")
    yield from _over_all(OF_WHAT_IS_LEFT, rules)
    for _ in open_and_resolve(rules):
        yield


def _over_all(plan: Plan, rules: MatchingRules) -> Iterator[None]:
    for buckets, size, step in plan:
        for lines in open_ranges(buckets, size):
            step(lines, rules)
            yield


def _open_lines() -> int:
    return StatementLine.objects.filter(bucket__in=OPEN).count()
