"""A day's figures: what the statement and the ledger say, and why they differ. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from common.clock import day_bounds
from payments.days.balances import Balances, Link, first_of, last_of
from payments.days.batches import some
from payments.days.differences import Day, Difference, differences_of
from payments.days.hashes import LinesHash
from payments.days.keys import Booked, Line, matches_of_lines
from payments.days.tills import Till
from payments.models import (
    Certificate,
    DayClose,
    Entry,
    Match,
    StatementFile,
)

LINE_COLUMNS = (
    "pk",
    "version",
    "account",
    "receipt",
    "kind",
    "amount",
    "bucket",
    "completed_at",
    "balance",
    "balance_breaks",
    "moves_money",
    "currency",
)


@dataclass(slots=True)
class Tally:
    """How many lines, and their sum in TZS."""

    count: int = 0
    amount: int = 0

    def add(self, amount: int) -> None:
        self.count += 1
        self.amount += amount


@dataclass(frozen=True, slots=True)
class Proof:
    """By what it is seen later that a day's lines have changed: versions only ever grow."""

    lines: int
    versions: int
    amount: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All in TZS. `unexplained` is what the balances differ by beyond the listed differences."""

    accounts: dict[str, Balances]
    ledger: dict[str, tuple[int, int]]
    kinds: dict[str, Tally]
    rules: dict[str, Tally]
    buckets: dict[str, Tally]
    breaks: int
    foreign: int
    differences: list[Difference]
    unexplained: int
    proof: Proof
    lines_hash: str

    @property
    def opening(self) -> int:
        return sum(each.opening for each in self.accounts.values())

    @property
    def closing(self) -> int:
        return sum(each.closing for each in self.accounts.values())

    @property
    def ledger_opening(self) -> int:
        return sum(opening for opening, _ in self.ledger.values())

    @property
    def ledger_closing(self) -> int:
        return sum(closing for _, closing in self.ledger.values())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def kept(cls, told: dict[str, Any]) -> Figures:
        """As they were kept in a certificate."""
        return cls(
            **{
                **told,
                "accounts": {name: Balances(**each) for name, each in told["accounts"].items()},
                "ledger": {name: (a, b) for name, (a, b) in told["ledger"].items()},
                **{
                    group: {name: Tally(**each) for name, each in told[group].items()}
                    for group in ("kinds", "rules", "buckets")
                },
                "differences": [Difference.kept(each) for each in told["differences"]],
                "proof": Proof(**told["proof"]),
            }
        )


@dataclass(slots=True)
class _Read:
    """What one pass over the day's lines gives."""

    sums: dict[str, int] = field(default_factory=dict)
    links: dict[str, list[Link]] = field(default_factory=dict)
    kinds: dict[str, Tally] = field(default_factory=dict)
    buckets: dict[str, Tally] = field(default_factory=dict)
    money: list[Line] = field(default_factory=list)
    count: int = 0
    versions: int = 0
    amount: int = 0
    breaks: int = 0
    foreign: int = 0
    hash: str = ""


def certified_before(till: Till, day: date) -> Certificate | None:
    """The certificate in force of the last closed day before."""
    closed = DayClose.objects.filter(
        provider=till.provider, kind=till.kind, state=DayClose.State.CLOSED, day__lt=day
    ).first()
    return None if closed is None else closed.certificates.first()


def figures_of(till: Till, day: date) -> Figures:
    """The day as the database has it now."""
    begins, ends = day_bounds(day)
    read = _lines(till, begins, ends)
    before = certified_before(till, day)
    kept = Figures.kept(before.figures) if before else None
    ledger = _ledger(till, begins, ends)
    ledger_opening = sum(opening for opening, _ in ledger.values())
    accounts = _balances(till, begins, read, kept, ledger_opening)
    opening = sum(each.opening for each in accounts.values())
    differences = differences_of(
        Day(
            till=till,
            ends_at=ends,
            lines=read.money,
            postings=_booked(till, begins, ends),
            carried=_carried(kept),
        ),
        opening=0 if kept else opening - ledger_opening,
        matches=matches_of_lines(line.id for line in read.money),
    )
    closing = sum(each.closing for each in accounts.values())
    apart = closing - sum(each for _, each in ledger.values())
    return Figures(
        accounts=accounts,
        ledger=ledger,
        kinds=read.kinds,
        rules=_rules(read.money),
        buckets=read.buckets,
        breaks=read.breaks,
        foreign=read.foreign,
        differences=differences,
        unexplained=apart - sum(each.amount for each in differences),
        proof=Proof(read.count, read.versions, read.amount),
        lines_hash=read.hash,
    )


def proof_of(till: Till, day: date) -> Proof:
    """The same as of the figures, by one query."""
    sums = till.lines_of(day).aggregate(
        lines=Count("pk"), versions=Sum("version"), amount=Sum("amount")
    )
    return Proof(sums["lines"], sums["versions"] or 0, sums["amount"] or 0)


def _lines(till: Till, begins: datetime, ends: datetime) -> _Read:
    """One pass; only what moved shillings counts as money."""
    read, told = _Read(), LinesHash()
    rows = till.lines_between(begins, ends).order_by("pk").values_list(*LINE_COLUMNS)
    for (
        pk,
        version,
        account,
        receipt,
        kind,
        amount,
        bucket,
        at,
        balance,
        breaks,
        moves,
        money,
    ) in rows.iterator(chunk_size=5000):
        told.add(pk, version, amount)
        read.count += 1
        read.versions += version
        read.amount += amount
        read.breaks += breaks
        read.buckets.setdefault(bucket, Tally()).add(amount)
        if not moves:
            continue
        if money != "TZS":
            read.foreign += 1
            continue
        read.kinds.setdefault(kind, Tally()).add(amount)
        read.sums[account] = read.sums.get(account, 0) + amount
        read.money.append(Line.at(pk, receipt, kind, amount, at))
        if balance is not None:
            read.links.setdefault(account, []).append(Link(at, amount, balance))
    read.hash = told.hexdigest()
    return read


def _rules(lines: Iterable[Line]) -> dict[str, Tally]:
    """How many lines were matched by which rule; a line that several orders share counts once."""
    amounts = {line.id: line.amount for line in lines}
    found: dict[str, Tally] = {}
    for ids in some(amounts):
        rows = Match.objects.filter(line__in=ids, is_live=True, state=Match.State.CONFIRMED)
        for line, rule in rows.values_list("line", "rule").order_by().distinct():
            found.setdefault(rule, Tally()).add(amounts[line])
    return found


def _balances(
    till: Till, begins: datetime, read: _Read, kept: Figures | None, ledger_opening: int
) -> dict[str, Balances]:
    """Each account's, by the statement. What names no balances goes on from the day before."""
    names = {*read.sums, *(kept.accounts if kept else ())}
    of_provider = StatementFile.objects.filter(provider=till.provider).order_by()
    names |= set(of_provider.values_list("account", flat=True).distinct())
    found: dict[str, Balances] = {}
    unknown = ledger_opening
    for name in sorted(name for name in names if till.has(name)):
        opening, by = _opening(till, name, begins, read, kept)
        if opening is None:  # nobody says what was there: the ledger is believed, once
            opening, by, unknown = unknown, "ledger", 0
        expected = opening + read.sums.get(name, 0)
        links = read.links.get(name)
        closing = last_of(links, expected) if links else expected
        found[name] = Balances(opening, closing, by)
    return found


def _opening(
    till: Till, account: str, begins: datetime, read: _Read, kept: Figures | None
) -> tuple[int | None, str]:
    if kept and account in kept.accounts:
        return kept.accounts[account].closing, "certificate"
    before = (
        till.lines()
        .filter(account=account, completed_at__lt=begins, moves_money=True, currency="TZS")
        .exclude(balance=None)
    )
    latest = before.order_by("-completed_at").values_list("completed_at", flat=True).first()
    if latest is not None:
        rows = before.filter(completed_at=latest).values_list("completed_at", "amount", "balance")
        return last_of([Link(at, amount, after or 0) for at, amount, after in rows], None), "before"
    if links := read.links.get(account):
        return first_of(links), "statement"
    return None, ""


def _ledger(till: Till, begins: datetime, ends: datetime) -> dict[str, tuple[int, int]]:
    """Each ledger account's balance when the day began and when it ended."""
    rows = (
        _valued(till)
        .filter(value__lt=ends)
        .values_list("account")
        .annotate(opening=Sum("amount", filter=Q(value__lt=begins)), closing=Sum("amount"))
    )
    found = {account: (opening or 0, closing) for account, opening, closing in rows}
    return {account: found.get(account, (0, 0)) for account in till.ledger_accounts}


def _booked(till: Till, begins: datetime, ends: datetime) -> list[Booked]:
    rows = (
        _valued(till)
        .filter(value__gte=begins, value__lt=ends)
        .values_list("posting__source", "posting__payment", "posting__transfer")
        .annotate(total=Sum("amount"))
    )
    return [Booked(source, total, *owners) for source, *owners, total in rows if total]


def _valued(till: Till) -> Any:
    """The till's entries with the time that they count for."""
    return (
        Entry.objects.filter(account__in=till.ledger_accounts)
        .annotate(value=Coalesce("posting__value_at", "posting__posted_at"))
        .order_by()
    )


def _carried(kept: Figures | None) -> list[Difference]:
    """What the day before has left open; what it could not explain is one of them."""
    if kept is None:
        return []
    if not kept.unexplained:
        return kept.differences
    unexplained = Difference(
        why="earlier",
        what="",
        subject="",
        amount=kept.unexplained,
        lines=[],
        postings=[],
        fixed=kept.unexplained,
    )
    return [*kept.differences, unexplained]
