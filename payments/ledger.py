"""Double entry, append-only. The one way to post; balances are sums of entries."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Sum

from payments.models import Entry, Payment, Posting

Line = tuple[str, int]  # account, TZS: debit positive, credit negative


def post(*, source: str, memo: str, lines: Sequence[Line], payment: Payment | None = None) -> None:
    """Post lines that sum to zero, inside the caller's transaction; lines of zero are left out.

    The caller holds the lock under which it is decided that the source is to be posted, and has seen
    under it that it was not. Should that ever be wrong, the unique source fails the transaction:
    nothing is posted twice. Raises ValueError for lines that do not balance.
    """
    kept = [(account, amount) for account, amount in lines if amount]
    if not kept or sum(amount for _, amount in kept) != 0:
        raise ValueError(f"posting {source} does not balance: {list(lines)}")
    posting = Posting.objects.create(source=source, memo=memo, payment=payment)
    Entry.objects.bulk_create(
        Entry(posting=posting, account=account, amount=amount) for account, amount in kept
    )


def balance(account: str) -> int:
    """The account's balance in TZS: debits less credits."""
    total: int | None = Entry.objects.filter(account=account).aggregate(total=Sum("amount"))[
        "total"
    ]
    return total or 0


def collection_account(provider: str) -> str:
    return f"provider:{provider}:collection"


RECEIPTS = "receipts"


def credit_account(user_id: int) -> str:
    return f"credit:{user_id}"
