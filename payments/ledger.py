"""Double entry, append-only. The one way to post; balances are sums of entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from payments.models import Entry, Payment, Transfer

Line = tuple[str, int]  # account, TZS: debit positive, credit negative

RECEIPTS = "receipts"
REVENUE = "revenue"
TAX = "tax"
BANK = "bank"
MONEY_OUTSIDE = ("provider:", "transfer:")  # accounts of money that is not there to be given back

# Written out: whoever has paid waits for two postings, and to compose the statements anew takes the
# ORM longer than the database takes to keep the rows.
INSERT_POSTING = """
INSERT INTO payments_posting (source, payment_id, transfer_id, memo, posted_at, value_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
INSERT_ENTRY = "INSERT INTO payments_entry (posting_id, account, amount) VALUES (%s, %s, %s)"


def post(
    *,
    source: str,
    memo: str,
    lines: Sequence[Line],
    payment: Payment | None = None,
    transfer: Transfer | None = None,
    value_at: datetime | None = None,
) -> None:
    """Post lines that sum to zero, inside the caller's transaction; lines of zero are left out.

    The caller holds the lock under which it is decided that the source is to be posted, and has seen
    under it that it was not. Should that ever be wrong, the unique source fails the transaction:
    nothing is posted twice. `value_at` is when the money moved, for what is posted days after.
    Raises ValueError for lines that do not balance.
    """
    kept = [(account, amount) for account, amount in lines if amount]
    if not kept or sum(amount for _, amount in kept) != 0:
        raise ValueError(f"posting {source} does not balance: {list(lines)}")
    posting = (
        source,
        payment.pk if payment else None,
        transfer.pk if transfer else None,
        memo,
        connection.ops.adapt_datetimefield_value(timezone.now()),
        connection.ops.adapt_datetimefield_value(value_at),
    )
    with connection.cursor() as cursor:
        cursor.execute(INSERT_POSTING, posting)
        cursor.executemany(INSERT_ENTRY, [(cursor.lastrowid, *line) for line in kept])


def balance(account: str) -> int:
    """The account's balance in TZS: debits less credits."""
    total: int | None = Entry.objects.filter(account=account).aggregate(total=Sum("amount"))[
        "total"
    ]
    return total or 0


def held(prefix: str) -> dict[str, int]:
    """What lies on each account whose name begins so, TZS: credits less debits, zeros left out."""
    sums = Entry.objects.filter(account__startswith=prefix).values_list("account")
    rows = sums.annotate(total=Sum("amount")).order_by("account")
    return {account: -total for account, total in rows if total}


def is_kept(account: str) -> bool:
    """Whether money was ever recorded as put on the account: one that only pays out is not kept."""
    return Entry.objects.filter(account=account, amount__gt=0).exists()


def lies_on(payment: Payment) -> dict[str, int]:
    """Where a payment's money lies now: account → TZS, as its own postings have left it."""
    sums = (
        Entry.objects.filter(posting__payment=payment)
        .values_list("account")
        .annotate(total=Sum("amount"))
        .order_by("account")
    )
    return {
        account: -total
        for account, total in sums
        if total < 0 and not account.startswith(MONEY_OUTSIDE)
    }


def in_proportion(lies: Mapping[str, int], amount: int) -> list[Line]:
    """Debits that take `amount` from where money lies, each account by its part.

    What does not divide falls on the platform's revenue, and then on the largest part: nothing gives
    more than it holds, else what is left would look like more than there is.
    """
    total = sum(lies.values())
    parts = {account: amount * held // total for account, held in lies.items()}
    rest = amount - sum(parts.values())
    for account in sorted(lies, key=lambda name: (name != REVENUE, -lies[name])):
        borne = min(rest, lies[account] - parts[account])
        parts[account] += borne
        rest -= borne
    return list(parts.items())


def collection_account(provider: str) -> str:
    return f"provider:{provider}:collection"


def disbursement_account(provider: str) -> str:
    return f"provider:{provider}:disbursement"


def suspense_account(provider: str) -> str:
    """Money of a provider that nobody can place."""
    return f"suspense:{provider}"


def fees_account(provider: str) -> str:
    """What a provider charges us: the platform's expense."""
    return f"fees:{provider}"


def transfer_account(transfer: Transfer) -> str:
    return f"transfer:{transfer.reference}"


def credit_account(user_id: int) -> str:
    return f"credit:{user_id}"


def credit_of(user_id: int) -> int:
    """What a customer has in credit, TZS; below zero after a reversal of what was spent."""
    return -balance(credit_account(user_id))
