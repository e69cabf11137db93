"""A provider's statement to close a day against: lines whose balance follows, and their file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.models import User
from common.clock import business_day, day_bounds
from payments import ledger
from payments.days.tills import Till, till_of
from payments.models import (
    Bucket,
    Match,
    MobileMoneyTransaction,
    Payment,
    ProviderName,
    StatementFile,
    StatementLine,
)
from payments.tests.factories import a_payment

TIGO = ProviderName.TIGO_PESA
DAY = date(2026, 3, 2)
TILL = "255710000000"
FLOAT = "255710000001"

_numbers = count(1)


def collection_till() -> Till:
    return till_of(TIGO, "collection")


def noon(day: date = DAY) -> datetime:
    return day_bounds(day)[0] + timedelta(hours=12)


@dataclass
class Statement:
    """An account's statement; each line is later than the one before."""

    account: str = TILL
    provider: str = TIGO
    balance: int = 0
    at: datetime = field(default_factory=lambda: noon() - timedelta(hours=1))

    def file(self, day: date = DAY, *, taken_at: datetime | None = None) -> StatementFile:
        """Taken an hour after the day; the lines that it gets make its period, as in the import."""
        return StatementFile.objects.create(
            provider=self.provider,
            account=self.account,
            name=f"{day}.csv",
            sha256=f"{next(_numbers):064}",
            state=StatementFile.State.READ,
            created_at=taken_at or day_bounds(day)[1] + timedelta(hours=1),
            finished_at=timezone.now(),
        )

    def line(
        self,
        amount: int,
        *,
        kind: str = "collection",
        bucket: str = Bucket.MATCHED,
        day: date | None = None,
        **changes: object,
    ) -> StatementLine:
        """A line that has moved `amount`, signed."""
        self.at = noon(day) if day else self.at + timedelta(minutes=1)
        self.balance += amount
        values: dict[str, Any] = {
            "provider": self.provider,
            "account": self.account,
            "receipt": f"R{next(_numbers):08}",
            "kind": kind,
            "is_incoming": amount > 0,
            "amount": amount,
            "completed_at": self.at,
            "balance": self.balance,
            "row": next(_numbers),
            "row_hash": "",
            "bucket": bucket,
            "file": self._file(business_day(self.at)),
            **changes,
        }
        line = StatementLine.objects.create(**values)
        _widen(line.file, line)
        return line

    def goes_on_after(self, day: date) -> None:
        """The next file begins the day after, with the balance that there was."""
        self.file(day + timedelta(days=1))
        self.line(1, day=day + timedelta(days=1))

    def _file(self, day: date) -> StatementFile:
        """The day's, or the last there is."""
        own = StatementFile.objects.filter(provider=self.provider, account=self.account)
        of_day = own.filter(name=f"{day}.csv").order_by("pk").last()
        return of_day or own.order_by("pk").last() or self.file(day)


def _widen(file: StatementFile, line: StatementLine) -> None:
    """Each line is the last of its file."""
    if file.begins_at is None:
        file.begins_at = line.completed_at
        file.opening_balance = None if line.balance is None else line.balance - line.amount
    file.ends_at, file.closing_balance = line.completed_at, line.balance
    file.save()


def booked(
    amount: int,
    at: datetime,
    *,
    source: str = "",
    account: str = "",
    payment: Payment | None = None,
) -> str:
    """A posting of so much more, or less, on the collection account; its source."""
    source = source or f"test:{next(_numbers)}"
    name = account or ledger.collection_account(TIGO)
    ledger.post(
        source=source,
        memo="test",
        lines=[(name, amount), (ledger.RECEIPTS, -amount)],
        value_at=at,
        payment=payment,
    )
    return source


def paid(
    statement: Statement, amount: int, *, at: datetime | None = None, day: date | None = None
) -> Payment:
    """A completed payment, booked and on the statement, and matched."""
    attempt = a_payment(TIGO, amount=amount)
    payment = attempt.payment
    line = statement.line(amount, day=day)
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(
        provider_transaction_id=line.receipt, status="completed"
    )
    Payment.objects.filter(pk=payment.pk).update(state="completed", paid_amount=amount)
    booked(amount, at or line.completed_at, payment=payment)
    match(line, attempt)
    return payment


def match(line: StatementLine, attempt: MobileMoneyTransaction, rule: str = "R1") -> Match:
    return Match.objects.create(
        line=line, attempt=attempt, rule=rule, state=Match.State.CONFIRMED, why="test"
    )


def a_person(*permissions: str) -> User:
    """Staff who may do what the permissions say."""
    person = User.objects.create_user(f"staff{next(_numbers)}@example.test", "x", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return person
