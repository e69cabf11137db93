"""Why a statement's balance and the ledger's differ: each money that only one of them has, or not alike.

A difference is what a line (or some) has moved less what is booked for it. Those of the day before are
carried: one whose other half has come meanwhile is nothing any more. So their sum is always what the
balances differ by, but for what the statement itself does not explain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Q, Sum

from cases.models import Case
from payments.days.batches import some
from payments.days.keys import (
    Booked,
    Key,
    Line,
    bank_source,
    key_lines,
    key_postings,
    matches_of_lines,
)
from payments.days.tills import Till
from payments.models import Entry, Match, Payment, StatementLine, Transfer

OPENING, EARLIER = ("opening", ""), ("earlier", "")
SHOWN_RECEIPTS = 5


@dataclass(slots=True)
class Money:
    """What lines have moved and what is booked under one key. `fixed` is of before the first day."""

    lines: dict[int, int] = field(default_factory=dict)
    postings: dict[str, int] = field(default_factory=dict)
    fixed: int = 0

    @property
    def amount(self) -> int:
        """What the statement has more than the ledger, TZS."""
        return sum(self.lines.values()) - sum(self.postings.values()) + self.fixed


@dataclass(frozen=True, slots=True)
class Difference:
    """One reason why the balances differ, as a certificate keeps it. `amount`: statement less ledger."""

    why: str
    what: str
    subject: str
    amount: int
    lines: list[tuple[int, int]]
    postings: list[tuple[str, int]]
    fixed: int = 0
    case: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def kept(cls, told: dict[str, Any]) -> Difference:
        """As it was kept in a certificate."""
        pairs = {name: [(a, b) for a, b in told[name]] for name in ("lines", "postings")}
        return cls(**{**told, **pairs})


@dataclass(frozen=True, slots=True)
class Day:
    """What is compared: a day's lines and postings, and what the day before has left."""

    till: Till
    ends_at: datetime
    lines: Sequence[Line]
    postings: Sequence[Booked]
    carried: Sequence[Difference]


def differences_of(day: Day, *, opening: int, matches: dict[int, Key]) -> list[Difference]:
    """All differences at the day's end, the largest first. `opening` is one of before the first day.

    `matches` are those of the day's lines.
    """
    found = _netted(day, matches)
    if opening:
        found[OPENING].fixed += opening
    left = {key: money for key, money in found.items() if money.amount}
    names = _names(left)
    later = _booked_later(day, left)
    told = [
        Difference(
            why=_why(key, money, later.get(key, 0)),
            what=names[key][0],
            subject=names[key][1],
            amount=money.amount,
            lines=sorted(money.lines.items()),
            postings=sorted(money.postings.items()),
            fixed=money.fixed,
        )
        for key, money in left.items()
    ]
    return with_cases(sorted(told, key=lambda each: (-abs(each.amount), each.what)))


def _netted(day: Day, matches: dict[int, Key]) -> dict[Key, Money]:
    """The day's money by key, and the carried under the keys that it has by now."""
    found: dict[Key, Money] = defaultdict(Money)
    old_lines, old_postings = _carried(day)
    lines = [*day.lines, *old_lines]
    keys = key_lines(
        day.till, lines, {**matches, **matches_of_lines(line.id for line in old_lines)}
    )
    for line in lines:
        found[keys[line.id]].lines[line.id] = line.amount
    postings = [*day.postings, *old_postings]
    names = key_postings(day.till, postings)
    for each in postings:
        booked = found[names[each.source]].postings
        booked[each.source] = booked.get(each.source, 0) + each.amount
    for before in day.carried:
        if before.fixed:
            found[OPENING if before.why == "opening" else EARLIER].fixed += before.fixed
    return found


def _carried(day: Day) -> tuple[list[Line], list[Booked]]:
    """What carried differences are made of, with the amounts that they were certified with."""
    amounts = dict(pair for each in day.carried for pair in each.lines)
    sums = dict(pair for each in day.carried for pair in each.postings)
    lines: list[Line] = []
    for ids in some(amounts):
        told = StatementLine.objects.filter(pk__in=ids).order_by()
        for key, receipt, kind, at in told.values_list("pk", "receipt", "kind", "completed_at"):
            lines.append(Line.at(key, receipt, kind, amounts[key], at))
    postings: list[Booked] = []
    for sources in some(sums):
        rows = (
            Entry.objects.filter(posting__source__in=sources)
            .order_by()
            .values_list("posting__source", "posting__payment", "posting__transfer")
            .distinct()
        )
        postings += [Booked(source, sums[source], *owners) for source, *owners in rows]
    return lines, postings


def _booked_later(day: Day, left: dict[Key, Money]) -> dict[Key, int]:
    """What the statement less the ledger has of them after the day's end."""
    found: dict[Key, int] = defaultdict(int)
    payments = [int(name) for kind, name in left if kind == "payment"]
    transfers = [int(name) for kind, name in left if kind == "transfer"]
    after = Q(posting__value_at=None, posting__posted_at__gte=day.ends_at)
    after |= Q(posting__value_at__gte=day.ends_at)
    entries = Entry.objects.filter(after, account__in=day.till.ledger_accounts).order_by()
    lines = Match.objects.filter(
        is_live=True,
        state=Match.State.CONFIRMED,
        line__completed_at__gte=day.ends_at,
        line__in=day.till.lines(),
    ).order_by()
    for ids in some(payments):
        of_payments = Q(attempt__payment__in=ids)
        rows = entries.filter(posting__payment__in=ids).values_list("posting__payment")
        for key, amount in rows.annotate(total=Sum("amount")):
            found["payment", str(key)] -= amount
        for key, amount in lines.filter(of_payments).values_list(
            "attempt__payment", "line__amount"
        ):
            found["payment", str(key)] += amount
    sources = [bank_source(day.till.provider, name) for kind, name in left if kind == "bank"]
    for names in some(sources):
        moved = entries.filter(posting__source__in=names).values_list("posting__source")
        for source, amount in moved.annotate(total=Sum("amount")):
            found["bank", source.split(":", 2)[2]] -= amount
    for ids in some(transfers):
        rows = entries.filter(posting__transfer__in=ids).values_list("posting__transfer")
        for key, amount in rows.annotate(total=Sum("amount")):
            found["transfer", str(key)] -= amount
        for key, amount in lines.filter(transfer__in=ids).values_list("transfer", "line__amount"):
            found["transfer", str(key)] += amount
    return found


def _why(key: Key, money: Money, later: int) -> str:
    if key in (OPENING, EARLIER):
        return key[0]
    if later and money.amount + later == 0:
        return "other_day"
    if money.lines and not money.postings:
        return {"fees": "fees", "bank": "bank"}.get(key[0], "not_booked")
    if money.postings and not money.lines:
        return "no_line"
    return "amount"


WORDS = {
    "opening": "Differed before the first closed day",
    "earlier": "Unexplained on a day before",
    "other_day": "Booked on another day than the provider has it",
    "fees": "Fees, booked on closing",
    "bank": "Settlement or float, not booked",
    "not_booked": "On the statement, not booked",
    "no_line": "Booked, on no statement",
    "amount": "Another amount on the statement than booked",
}


def _names(left: dict[Key, Money]) -> dict[Key, tuple[str, str]]:
    """Each in words, and how cases name it."""
    receipts = _receipts(left)
    payments = Payment.objects.in_bulk([int(name) for kind, name in left if kind == "payment"])
    transfers = Transfer.objects.in_bulk([int(name) for kind, name in left if kind == "transfer"])
    found: dict[Key, tuple[str, str]] = {}
    for key, money in left.items():
        kind, name = key
        told = ", ".join(receipts[line] for line in [*money.lines][:SHOWN_RECEIPTS])
        if kind == "payment":
            payment = payments[int(name)]
            found[key] = (f"Payment {payment.public_id} {told}".strip(), f"payment:{payment}")
        elif kind == "transfer":
            transfer = transfers[int(name)]
            found[key] = (f"Transfer {transfer.reference} {told}".strip(), f"transfer:{transfer}")
        elif kind == "fees":
            found[key] = (f"Fees of {name}", "")
        elif key in (OPENING, EARLIER):
            found[key] = (WORDS[kind], "")
        elif money.lines:
            found[key] = (f"Receipt {told}", f"line:{next(iter(money.lines))}")
        else:
            source = next(iter(money.postings))
            found[key] = (f"Posting {source}", f"posting:{source}"[:100])
    return found


def _receipts(left: dict[Key, Money]) -> dict[int, str]:
    found: dict[int, str] = {}
    shown = [line for money in left.values() for line in [*money.lines][:SHOWN_RECEIPTS]]
    for ids in some(shown):
        found.update(StatementLine.objects.filter(pk__in=ids).values_list("pk", "receipt"))
    return found


def with_cases(told: Iterable[Difference]) -> list[Difference]:
    """Each with the kind of the open case that it, or a line of it, is looked into by."""
    about = [(each, _subjects(each)) for each in told]
    cases: dict[str, str] = {}
    for names in some({name for _, subjects in about for name in subjects}):
        rows = Case.objects.filter(subject__in=names, state=Case.State.OPEN).order_by("pk")
        cases.update({case.subject: case.get_kind_display() for case in rows})
    return [
        replace(each, case=next((cases[name] for name in subjects if name in cases), ""))
        for each, subjects in about
    ]


def _subjects(difference: Difference) -> list[str]:
    lines = [f"line:{line}" for line, _ in difference.lines[:SHOWN_RECEIPTS]]
    return [name for name in (difference.subject, *lines) if name]
