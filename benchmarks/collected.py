"""Finished M-Pesa collections in a database, the portal's statement of them, and a dump of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

from benchmarks.finished import ROWS_AT_ONCE
from payments.models import MobileMoneyTransaction
from payments.statements.dates import AHEAD
from payments.tests.statement_files import HEADER, PREAMBLE

PROVIDER = "vodacom_mpesa"
ODD = 1000  # of so many collections ten are not as the others, each in another way
# Two seconds apart, the last two days ago. Receipts rise with time, as the provider's do.
PAYMENTS = """
INSERT INTO payments_payment (
    id, public_id, payer_id, subject, amount, currency, payment_method, state, reason,
    paid_amount, from_credit, disposition, created_at, updated_at, paid_at, fulfilled_at,
    follow_up_tries)
SELECT seq, LPAD(seq, 32, '0'), %(payer)s, CONCAT('finished:', seq), 1000 + seq %% 20 * 500, 'TZS',
    'vodacom_mpesa', IF(seq %% 1000 = 6, 'failed', 'completed'), IF(seq %% 1000 = 6, 'cancelled', ''),
    IF(seq %% 1000 = 6, NULL, 1000 + seq %% 20 * 500), 0, IF(seq %% 1000 = 6, '', 'fulfilled'),
    at, at, IF(seq %% 1000 = 6, NULL, at + INTERVAL 40 SECOND), at + INTERVAL 41 SECOND, 0
FROM (SELECT seq, UTC_DATE() - INTERVAL 2 DAY - INTERVAL 2 * (%(count)s - seq) SECOND AS at
      FROM seq_1_to_1000000 WHERE seq BETWEEN %(first)s AND %(last)s) AS numbered
"""
ATTEMPTS = """
INSERT INTO mobile_money_transactions (
    id, payment_id, provider, provider_transaction_id, provider_reference, customer_phone,
    provider_status, status, created_at, updated_at, expires_at, dialect, reference, callback_token,
    reason, posted_at, sends, resend_due, checks)
SELECT id, id, payment_method,
    IF(id %% 1000 IN (2, 3, 4, 6), NULL, CONCAT('UKQ', LPAD(CONV(id * 1009, 10, 36), 7, '0'))),
    CONCAT('ws_CO_', LPAD(id, 24, '0')), CONCAT('+25575', LPAD(id, 7, '0')), '', state,
    created_at, updated_at, created_at + INTERVAL 10 MINUTE, 'mpesa_daraja',
    CONCAT('0KNK', LPAD(id, 8, '0')), LPAD(id, 32, '0'), reason, created_at, 1, 0, 0
FROM payments_payment WHERE id BETWEEN %(first)s AND %(last)s
"""
TABLES = "payments_payment, mobile_money_transactions"

Row = Sequence[str]


class Collection(NamedTuple):
    """What a statement's rows are made of."""

    id: int
    receipt: str | None
    reference: str
    phone: str
    created_at: Any
    amount: int


def fill(*, payer: int, count: int) -> None:
    """Collections 1 to `count`, at most a million, with the statistics of a server in use."""
    with connection.cursor() as cursor:
        # Checks that these rows pass by their making, and that would take most of the time.
        cursor.execute("SET unique_checks = 0, foreign_key_checks = 0")
        for first in range(1, count + 1, ROWS_AT_ONCE):
            last = min(count, first + ROWS_AT_ONCE - 1)
            for statement in (PAYMENTS, ATTEMPTS):
                values = {"payer": payer, "count": count, "first": first, "last": last}
                used = {name: each for name, each in values.items() if f"%({name})s" in statement}
                cursor.execute(statement, used)
        cursor.execute("SET unique_checks = 1, foreign_key_checks = 1")
        cursor.execute(f"ANALYZE TABLE {TABLES}")
        cursor.fetchall()


def write_statement(path: Path) -> int:
    """The portal's CSV, the newest first as it comes from there; returns how many lines it has."""
    balance = 10**12
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([*PREAMBLE, HEADER])
        lines = 0
        for line in _lines():
            lines += 1
            writer.writerow([*line[:7], f"{balance:,}.00", "true", *line[7:]])
            balance -= _moved(line)
    return lines


def write_payments(path: Path) -> None:
    """What a join needs of them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "receipt", "reference", "status", "paid_amount", "created_at"])
        writer.writerows(
            _rows(
                "id",
                "provider_transaction_id",
                "reference",
                "status",
                "payment__paid_amount",
                "created_at",
            )
        )


def _rows(*columns: str, newest_first: bool = False) -> Iterator[Any]:
    rows = MobileMoneyTransaction.objects.order_by("-pk" if newest_first else "pk")
    return rows.values_list(*columns).iterator(chunk_size=10_000)


def _lines() -> Iterator[Row]:
    columns = (
        "id",
        "provider_transaction_id",
        "reference",
        "customer_phone",
        "created_at",
        "payment__amount",
    )
    for row in _rows(*columns, newest_first=True):
        yield from _told(Collection(*row))


def _told(paid: Collection) -> Iterator[Row]:
    """How the statement tells of a collection: nearly always by the receipt that we know."""
    odd = paid.id % ODD
    receipt = paid.receipt or f"UKN{paid.id:07d}"
    if odd == 1:  # on no statement
        return
    if odd == 2:  # our reference, where it belongs (R2)
        yield _line(paid, receipt)
    elif odd == 3:  # our reference in the details alone, with a blank (R3)
        written = f"{paid.reference[:4]} {paid.reference[4:]}"
        yield _line(paid, receipt, reference="", details=f"Pay Bill Acc. {written}")
    elif odd == 4:  # a masked phone, amount and time (R5)
        masked = f"{paid.phone[1:5]}****{paid.phone[-4:]}"
        yield _line(paid, receipt, reference="", details="Pay Bill", party=f"{masked} - JANE DOE")
    elif odd == 5:  # another amount
        yield _line(paid, receipt, amount=paid.amount + 500)
    elif odd == 6:  # failed here
        yield _line(paid, receipt)
    elif odd == 7:  # and a fee of it (R9)
        yield _line(paid, receipt)
        yield _line(paid, receipt, fee=30, details="Pay Bill Charge", reason="Pay Bill Charge")
    elif odd == 8:  # and a customer's try that failed
        yield _line(paid, f"UKF{paid.id:07d}", status="Failed")
        yield _line(paid, receipt)
    elif odd == 9:  # and somebody's money that no order explains
        yield _line(paid, f"UKX{paid.id:07d}", reference="", details="Pay Bill", party="JOHN DOE")
        yield _line(paid, receipt)
    else:
        yield _line(paid, receipt)


def _line(
    paid: Collection,
    receipt: str,
    *,
    amount: int = 0,
    fee: int = 0,
    status: str = "Completed",
    reference: str | None = None,
    details: str = "",
    reason: str = "Pay Bill Online",
    party: str = "",
) -> Row:
    """A row without its balance."""
    local = paid.created_at + AHEAD
    phone = paid.phone[1:]
    account = paid.reference if reference is None else reference
    return [
        receipt,
        f"{local + timedelta(seconds=40):%Y-%m-%d %H:%M:%S}",
        f"{local + timedelta(seconds=10):%Y-%m-%d %H:%M:%S}",
        details or f"Pay Bill from {phone} - JANE DOE Acc. {account}",
        status,
        "" if fee else f"{amount or paid.amount:,}.00",
        f"-{fee}.00" if fee else "",
        reason,
        party or f"{phone} - JANE DOE",
        "",
        account,
    ]


def _moved(line: Row) -> int:
    if line[4] != "Completed":
        return 0
    return int(float((line[5] or line[6]).replace(",", "")))
