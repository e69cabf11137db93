"""Ledgers and statement lines to match, made as rows: what they were made by is not looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from accounts.models import User
from payments.models import (
    MobileMoneyTransaction,
    Payment,
    ProviderName,
    StatementFile,
    StatementLine,
    Transfer,
)
from payments.states import State, TransferState
from payments.tests.factories import a_customer, a_phone

NOON = datetime(2026, 3, 2, 9, tzinfo=UTC)  # noon in Dar es Salaam
Kind = StatementLine.Kind
_numbers = count(1)


def an_order(
    *,
    receipt: str | None = None,
    amount: int = 1000,
    phone: str | None = None,
    at: datetime = NOON,
    state: State = State.COMPLETED,
    payer: User | None = None,
    subject: str | None = None,
    **attempt: Any,
) -> MobileMoneyTransaction:
    """A payment and its attempt, asked at a time and in a state."""
    phone = phone or a_phone()
    is_done = state == State.COMPLETED
    payment = Payment.objects.create(
        payer=payer or a_customer(phone),
        subject=f"thing:{next(_numbers)}" if subject is None else subject,
        amount=amount,
        payment_method=ProviderName.VODACOM_MPESA,
        state=state,
        paid_amount=amount if is_done else None,
        paid_at=at + timedelta(seconds=30) if is_done else None,
        created_at=at,
    )
    return MobileMoneyTransaction.objects.create(
        payment=payment,
        provider=ProviderName.VODACOM_MPESA,
        dialect="mpesa_daraja",
        provider_transaction_id=receipt,
        customer_phone=phone,
        status=state,
        created_at=at,
        **attempt,
    )


def a_transfer(
    *,
    amount: int = 700,
    receipt: str | None = None,
    state: TransferState = TransferState.SUCCEEDED,
    method: str = Transfer.Method.DISBURSEMENT,
    at: datetime = NOON,
    **columns: Any,
) -> Transfer:
    phone = a_phone()
    return Transfer.objects.create(
        kind=Transfer.Kind.REFUND if "payment" in columns else Transfer.Kind.PAYOUT,
        method=method,
        state=state,
        payee=a_customer(phone),
        provider=ProviderName.VODACOM_MPESA,
        dialect="mpesa_daraja",
        phone=phone,
        amount=amount,
        request_key=f"key:{next(_numbers)}",
        why="a test",
        provider_transaction_id=receipt,
        created_at=at,
        finished_at=at + timedelta(seconds=30),
        **columns,
    )


def a_file(begins: datetime = NOON - timedelta(days=1), **columns: Any) -> StatementFile:
    number = next(_numbers)
    values = {
        "provider": ProviderName.VODACOM_MPESA,
        "account": "600100",
        "name": f"statement{number}.csv",
        "sha256": f"{number:064x}",
        "state": StatementFile.State.READ,
        "begins_at": begins,
        "ends_at": begins + timedelta(days=2),
        "finished_at": timezone.now(),
        **columns,
    }
    return StatementFile.objects.create(**values)


def a_line(
    receipt: str = "",
    amount: int = 1000,
    *,
    kind: StatementLine.Kind | None = None,
    at: datetime = NOON + timedelta(seconds=20),
    file: StatementFile | None = None,
    **columns: Any,
) -> StatementLine:
    number = next(_numbers)
    kind = kind or (Kind.COLLECTION if amount > 0 else Kind.DISBURSEMENT)
    values = {
        "provider": ProviderName.VODACOM_MPESA,
        "account": "600100",
        "receipt": receipt or f"QLINE{number:05d}",
        "kind": kind,
        "is_incoming": amount > 0,
        "amount": amount,
        "status": "Completed",
        "completed_at": at,
        "row_hash": f"{number:064x}",
        "file": file or StatementFile.objects.first() or a_file(),
        "row": number * 10,
        **columns,
    }
    return StatementLine.objects.create(**values)
