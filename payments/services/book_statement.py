"""Books what only a provider's statement tells: its fees, and money between it and the bank."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db.models import Q, Sum

from common.clock import business_day, day_bounds
from payments import ledger
from payments.days.calendar import is_closed_since
from payments.days.keys import bank_source, fees_source
from payments.days.siblings import BANK_KINDS, siblings_of
from payments.days.tills import COLLECTION, DISBURSEMENT, Till, tills_of
from payments.models import Entry, Match, Posting, ProviderName, StatementLine
from payments.services.record_bank import Movement, movement_lines

TWIN_BEFORE = timedelta(days=3)  # the bank may tell of it first
Kind = StatementLine.Kind


def book_statement(till: Till, day: date, *, version: int) -> None:
    """Post a day's fees and bank movements that are not booked, inside the caller's transaction.

    Safe to repeat: fees are booked once for a day, and what they are later told to have been more or
    less, with the version of the certificate that tells it.
    """
    _book_fees(till, day, version)
    lines = till.lines_of(day).filter(kind__in=BANK_KINDS, moves_money=True, currency="TZS")
    siblings = siblings_of(till, lines)
    for line in lines.order_by("completed_at", "pk"):
        _book_bank(till, line, siblings.get(line.pk))


def _book_fees(till: Till, day: date, version: int) -> None:
    fees = till.lines_of(day).filter(kind=Kind.FEE, moves_money=True, currency="TZS")
    taken = -(fees.aggregate(total=Sum("amount"))["total"] or 0)
    source, account = fees_source(till, day.isoformat()), ledger.fees_account(till.provider)
    own = Q(posting__source=source) | Q(posting__source__startswith=f"{source}:")
    booked = Entry.objects.filter(own, account=account).aggregate(total=Sum("amount"))["total"] or 0
    if taken == booked:
        return
    is_first = not Posting.objects.filter(source=source).exists()
    amount = taken - booked
    ledger.post(
        source=source if is_first else f"{source}:{version}",
        memo=f"Fees of {till.name} on {day:%d.%m.%Y}",
        lines=[(account, amount), (till.ledger_accounts[0], -amount)],
        value_at=day_bounds(day)[1] - timedelta(microseconds=1),
    )


def _book_bank(till: Till, line: StatementLine, sibling: str | None) -> None:
    """Post as `record_bank` does, unless it is booked, or may be by another reference.

    What stands on both kinds of accounts goes by the collection's receipt, and is posted once.
    """
    movement = _movement(till, line, has_sibling=sibling is not None)
    sources = [bank_source(line.provider, name) for name in (line.receipt, sibling) if name]
    is_matched = line.matches.filter(is_live=True, state=Match.State.CONFIRMED).exists()
    if movement is None or is_matched or Posting.objects.filter(source__in=sources).exists():
        return
    lines = movement_lines(movement, ProviderName(line.provider), abs(line.amount))
    if _has_twin(line, lines):
        return
    ledger.post(
        source=sources[-1] if till.kind == DISBURSEMENT else sources[0],
        memo=f"{line.get_kind_display()} {line.receipt}",
        lines=lines,
        value_at=_value_of(line, lines),
    )


def _movement(till: Till, line: StatementLine, *, has_sibling: bool) -> Movement | None:
    """None for what goes the other way, such as a settlement that came back: staff record it."""
    if has_sibling:
        is_usual = (line.amount < 0) == (till.kind == COLLECTION)
        return Movement.FROM_COLLECTION if is_usual else None
    if line.kind == Kind.SETTLEMENT:
        is_usual = line.amount < 0 and till.kind == COLLECTION
        return Movement.SETTLEMENT if is_usual else None
    if line.amount < 0:
        return Movement.FROM_COLLECTION if till.kind == COLLECTION else None
    if till.kind == DISBURSEMENT:
        return Movement.TOP_UP
    return None if till.disbursing else Movement.TOP_UP


def _has_twin(line: StatementLine, lines: list[ledger.Line]) -> bool:
    """Whether staff may have recorded this very movement by the bank's own reference.

    Nothing is booked on a guess: both are shown as differences, and staff decide. They may have
    recorded it long after it moved.
    """
    postings = Posting.objects.filter(
        source__startswith=bank_source(line.provider, ""),
        posted_at__gte=line.completed_at - TWIN_BEFORE,
        entries__amount=abs(line.amount),
    ).prefetch_related("entries")
    for posting in postings:
        entries = sorted((entry.account, entry.amount) for entry in posting.entries.all())
        reference = posting.source.split(":", 2)[2]
        if entries == sorted(lines) and not _is_receipt(line.provider, reference):
            return True
    return False


def _is_receipt(provider: str, reference: str) -> bool:
    return StatementLine.objects.filter(provider=provider, receipt=reference).exists()


def _value_of(line: StatementLine, lines: list[ledger.Line]) -> datetime | None:
    """When the provider moved it; now, where that would change what another till is certified with."""
    day, accounts = business_day(line.completed_at), {account for account, _ in lines}
    is_certified = any(
        accounts & set(till.ledger_accounts) and is_closed_since(till, day)
        for till in tills_of(line.provider)
    )
    return None if is_certified else line.completed_at
