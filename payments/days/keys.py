"""What belongs together: a statement line and a posting with the same key are the same money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from common.clock import business_day
from payments.days.batches import some
from payments.days.siblings import BANK_KINDS, movement_names
from payments.days.tills import Till
from payments.models import Bill, Match, MobileMoneyTransaction, StatementLine, Transfer

Key = tuple[str, str]  # such as ("payment", "17")
Name = TypeVar("Name", int, str)  # of a line, its id; of a posting, its source


class Line(NamedTuple):
    """A statement line that has moved shillings; `amount` is signed, TZS."""

    id: int
    receipt: str
    kind: str
    amount: int
    day: str  # ISO

    @classmethod
    def at(cls, key: int, receipt: str, kind: str, amount: int, at: datetime) -> Line:
        return cls(key, receipt, kind, amount, business_day(at).isoformat())


class Booked(NamedTuple):
    """A posting's part on the till's ledger accounts, TZS: debit positive."""

    source: str
    amount: int
    payment: int | None
    transfer: int | None


def fees_source(till: Till, day: str) -> str:
    return f"fees:{till.provider}:{till.kind}:{day}"


def bank_source(provider: str, reference: str) -> str:
    """How `record_bank` names a movement too, so that it is posted once by whichever way."""
    return f"bank:{provider}:{reference}"


def key_lines(till: Till, lines: Sequence[Line], matches: dict[int, Key]) -> dict[int, Key]:
    """Each line's key: what it is matched with; else what has its receipt; else itself."""
    keys = dict(matches)
    left = [line for line in lines if line.id not in keys]
    for line in left:
        if line.kind == StatementLine.Kind.FEE:
            keys[line.id] = ("fees", line.day)
        elif line.kind in BANK_KINDS:
            keys[line.id] = ("bank", line.receipt)
    left = [line for line in left if line.id not in keys]
    owners = _owners(till.provider, {line.receipt for line in left})
    for line in left:
        keys[line.id] = owners.get(line.receipt, ("line", str(line.id)))
    return _by_one_name(till, keys)


def matches_of_lines(lines: Iterable[int]) -> dict[int, Key]:
    """The keys of confirmed matches; one receipt that pays several orders is a key by itself.

    A fee is the platform's and booked by the day, whatever payment it was taken for.
    """
    found: dict[int, Key] = {}
    for ids in some(lines):
        rows = Match.objects.filter(
            line__in=ids, is_live=True, state=Match.State.CONFIRMED
        ).exclude(line__kind=StatementLine.Kind.FEE)
        for line, rule, payment, transfer, transfer_payment, posting in rows.values_list(
            "line",
            "rule",
            "attempt__payment",
            "transfer",
            "transfer__payment",
            "posting__source",
        ).order_by():
            if rule == Match.Rule.R7:
                found[line] = ("line", str(line))
            elif payment or transfer_payment or transfer:
                found[line] = _money_of(payment or transfer_payment, transfer)
            elif posting:
                found[line] = ("bank", posting.partition(":")[2].partition(":")[2])
    return found


def key_postings(till: Till, postings: Sequence[Booked]) -> dict[str, Key]:
    """Each posting's key, by its source."""
    shared = _shared_receipts({each.payment for each in postings if each.payment})
    bills = _bills(till.provider, [each.source for each in postings])
    keys: dict[str, Key] = {}
    for each in postings:
        kind, _, name = each.source.partition(":")
        if kind == "suspense":
            keys[each.source] = bills.get(name, ("posting", each.source))
        elif each.payment in shared:
            keys[each.source] = shared[each.payment]
        elif each.payment or each.transfer:
            keys[each.source] = _money_of(each.payment, each.transfer)
        elif kind == "bank":
            keys[each.source] = ("bank", name.partition(":")[2])
        elif kind == "fees":
            keys[each.source] = ("fees", name.split(":")[2])
        else:
            keys[each.source] = ("posting", each.source)
    return _by_one_name(till, keys)


def _by_one_name(till: Till, keys: dict[Name, Key]) -> dict[Name, Key]:
    """Money between two of our accounts has the same key, by whichever receipt it is told."""
    names = movement_names(till, {name for kind, name in keys.values() if kind == "bank"})
    return {
        each: (kind, names.get(name, name)) if kind == "bank" else (kind, name)
        for each, (kind, name) in keys.items()
    }


def _money_of(payment: int | None, transfer: int | None) -> Key:
    """A refund belongs to its payment; only a payout and credit sent back stand by themselves."""
    return ("payment", str(payment)) if payment else ("transfer", str(transfer))


def _owners(provider: str, receipts: set[str]) -> dict[str, Key]:
    """What has a receipt of its own: attempts, transfers and bills."""
    found: dict[str, Key] = {}
    for names in some(receipts):
        bills = Bill.objects.filter(provider=provider, receipt__in=names)
        for name, payment in bills.values_list("receipt", "payment").order_by():
            found[name] = ("payment", str(payment)) if payment else ("receipt", name)
        transfers = Transfer.objects.filter(provider=provider, provider_transaction_id__in=names)
        for receipt, transfer, payment in transfers.values_list(
            "provider_transaction_id", "pk", "payment"
        ).order_by():
            found[str(receipt)] = _money_of(payment, transfer)
        attempts = MobileMoneyTransaction.objects.filter(
            provider=provider, provider_transaction_id__in=names
        )
        for receipt, payment in attempts.values_list(
            "provider_transaction_id", "payment"
        ).order_by():
            found[str(receipt)] = ("payment", str(payment))
    return found


def _shared_receipts(payments: set[int]) -> dict[int, Key]:
    """Payments that one receipt pays together (rule R7)."""
    found: dict[int, Key] = {}
    for ids in some(payments):
        rows = Match.objects.filter(
            attempt__payment__in=ids,
            rule=Match.Rule.R7,
            is_live=True,
            state=Match.State.CONFIRMED,
        )
        for payment, line in rows.values_list("attempt__payment", "line").order_by():
            found[payment] = ("line", str(line))
    return found


def _bills(provider: str, sources: Iterable[str]) -> dict[str, Key]:
    """The key of money in suspense, by the bill's id."""
    names = [
        name for kind, _, name in (each.partition(":") for each in sources) if kind == "suspense"
    ]
    receipts: dict[str, str] = {}
    for ids in some(names):
        bills = Bill.objects.filter(our_id__in=ids)
        receipts.update(bills.values_list("our_id", "receipt"))
    owners = _owners(provider, set(receipts.values()))
    return {name: owners[receipt] for name, receipt in receipts.items()}
