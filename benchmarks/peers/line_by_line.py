"""Matches a statement line by line, in the manner of pretix's import of bank transfers.

`python -m benchmarks.peers.line_by_line STATEMENT PAYMENTS LINES`: tells seconds and lines. Each line is
saved; then it finds its order by a query, and its payment by another, and all three are saved in a
transaction of its own, as pretix/plugins/banktransfer/tasks.py does without mails, quotas and logs.
"""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha1
from itertools import islice
from pathlib import Path
from time import perf_counter

import django
from django.conf import settings
from django.db import connection, models, transaction

from benchmarks.peers.project import base_settings

settings.configure(**base_settings())
django.setup()


class Order(models.Model):
    """What somebody owes."""

    code = models.CharField(max_length=16, db_index=True)
    status = models.CharField(max_length=3, default="n")
    total = models.DecimalField(max_digits=13, decimal_places=2)

    class Meta:
        app_label = "lines"

    def __str__(self) -> str:
        return str(self.code)


class OrderPayment(models.Model):
    """A payment that is expected for an order, or has come."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments")
    amount = models.DecimalField(max_digits=13, decimal_places=2)
    state = models.CharField(max_length=190, default="created")
    provider = models.CharField(max_length=255, default="banktransfer")
    info = models.TextField(default="")
    payment_date = models.DateTimeField(null=True)

    class Meta:
        app_label = "lines"

    def __str__(self) -> str:
        return str(self.pk)


class BankTransaction(models.Model):
    """One line of a statement."""

    state = models.CharField(max_length=50, default="imported")
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT)
    payer = models.TextField()
    reference = models.TextField()
    amount = models.DecimalField(max_digits=13, decimal_places=2)
    date = models.CharField(max_length=50)
    checksum = models.CharField(max_length=190, db_index=True)

    class Meta:
        app_label = "lines"

    def __str__(self) -> str:
        return str(self.pk)


def main(statement: Path, payments: Path, count: int) -> None:
    rows = _rows(statement, count)
    _make_orders(payments, {row["A/C No."] for row in rows})
    began = perf_counter()
    for line in _new_lines(rows):
        _match(line)
    seconds = perf_counter() - began
    matched = BankTransaction._default_manager.filter(state="valid").count()
    print(json.dumps({"seconds": seconds, "lines": len(rows), "matched": matched}))


def _rows(statement: Path, count: int) -> list[dict[str, str]]:
    with statement.open(encoding="utf-8", newline="") as file:
        while not next(file).startswith("Receipt No."):
            pass
        names = ["Receipt No.", "Completion Time", "", "Details", "", "Paid In", "", "", "", "",
                 "Other Party Info", "", "A/C No."]  # fmt: skip
        return list(islice(csv.DictReader(file, names), count))


def _make_orders(payments: Path, codes: set[str]) -> None:
    """Orders that wait for the money of these lines, each with its payment."""
    with connection.schema_editor() as editor:
        for model in (Order, OrderPayment, BankTransaction):
            editor.create_model(model)
    with payments.open(encoding="utf-8", newline="") as file:
        wanted = [row for row in csv.DictReader(file) if row["reference"] in codes]
    amounts = [Decimal(row["paid_amount"] or 0) for row in wanted]
    orders = [
        Order(pk=number, code=row["reference"], total=amount)
        for number, (row, amount) in enumerate(zip(wanted, amounts, strict=True), start=1)
    ]
    Order._default_manager.bulk_create(orders, batch_size=1000)
    OrderPayment._default_manager.bulk_create(
        [OrderPayment(order=order, amount=order.total) for order in orders], batch_size=1000
    )


def _new_lines(rows: list[dict[str, str]]) -> list[BankTransaction]:
    """Saved one by one, but for those whose checksum is there."""
    known = set(BankTransaction._default_manager.values_list("checksum", flat=True))
    lines = []
    for row in rows:
        line = BankTransaction(
            payer=row["Other Party Info"],
            reference=row["A/C No."] or row["Details"],
            amount=Decimal(row["Paid In"].replace(",", "") or 0),
            date=row["Completion Time"],
        )
        told = "|".join(row.values())
        line.checksum = sha1(told.encode(), usedforsecurity=False).hexdigest()
        if line.checksum not in known:
            line.save()
            known.add(line.checksum)
            lines.append(line)
    return lines


@transaction.atomic
def _match(line: BankTransaction) -> None:
    order = Order._default_manager.filter(code=line.reference).first()
    if order is None:
        line.state = "nomatch"
    elif order.status == "p":
        line.state = "already"
    else:
        _confirm(line, order)
    line.save()


def _confirm(line: BankTransaction, order: Order) -> None:
    payment, _ = OrderPayment._default_manager.get_or_create(
        order=order, amount=line.amount, provider="banktransfer", state__in=("created", "pending"),
        defaults={"state": "created"},
    )  # fmt: skip
    payment.info = json.dumps({"reference": line.reference, "payer": line.payer, "id": line.pk})
    payment.state, payment.payment_date = "confirmed", datetime.now(UTC)
    payment.save()
    order.status = "p"
    order.save()
    line.order, line.state = order, "valid"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
