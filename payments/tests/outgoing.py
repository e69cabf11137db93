"""Outgoing money to test with: a provider that answers as told, and payments in each position."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import Sum

from accounts.models import User
from payments import hooks, ledger
from payments.errors import CannotFulfil
from payments.models import Entry, Payment, Posting, ProviderName, Transfer
from payments.providers import registry
from payments.providers.base import (
    Answer,
    Disbursement,
    Outcome,
    Refund,
    Reversal,
    TransferQuestion,
)
from payments.services.check_transfer import check_transfer
from payments.services.send_transfer import send_transfer
from payments.services.settle import settle
from payments.states import OPEN_TRANSFERS
from payments.tests.factories import a_payment, reload

SENT = Answer(outcome=Outcome.SUCCEEDED, code="0", receipt="SENT1")
TAKEN = Answer(outcome=Outcome.PENDING, code="0", message="accepted", provider_reference="AG_1")
LOST = Answer(outcome=Outcome.UNKNOWN, message="no answer in time")
REFUSED = Answer(outcome=Outcome.FAILED, code="2040", message="no such customer")
NOT_SENT = Answer(outcome=Outcome.NOT_SENT, message="connection refused")
REVERSED = Answer(outcome=Outcome.REVERSED, code="TR", message="reversed")


class FakeProvider:
    """Sends and is asked as told: `answers` are given in their order, the last one for ever."""

    def __init__(self) -> None:
        self._real = registry.by_dialect("mpesa_daraja")
        self.description = replace(
            self._real.description,
            reversal=Reversal.NONE,
            disburses=True,
            can_query_disbursement=True,
            can_query_reversal=True,
            first_transfer_query_seconds=0,
        )
        self.answers: list[Answer] = [SENT]
        self.sent: list[Disbursement | Refund] = []
        self.questions: list[TransferQuestion] = []

    def can(self, **abilities: Any) -> None:
        self.description = replace(self.description, **abilities)

    def disburse(self, request: Disbursement) -> Answer:
        self.sent.append(request)
        return self._next()

    def refund(self, request: Refund) -> Answer:
        self.sent.append(request)
        return self._next()

    def query_disbursement(self, question: TransferQuestion) -> Answer:
        self.questions.append(question)
        return self._next()

    def _next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
def provider(providers: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    """Stands in for every dialect."""
    fake = FakeProvider()
    with monkeypatch.context() as patch:
        patch.setattr(registry, "_client", lambda dialect: fake)
        yield fake


def sell(payment: Payment) -> None:
    """What a seller posts: 15 % tax, 10 % of the rest are commission."""
    tax = payment.amount * 15 // 100
    commission = (payment.amount - tax) * 10 // 100
    ledger.post(
        source=f"sale:{payment.public_id}",
        memo="sold",
        payment=payment,
        lines=[
            (ledger.RECEIPTS, payment.amount),
            ("earnings_held:7", tax + commission - payment.amount),
            (ledger.REVENUE, -commission),
            ("tax", -tax),
        ],
    )


def fail(payment: Payment) -> None:
    raise RuntimeError("the gateway is on fire")


def refuse(payment: Payment) -> None:
    raise CannotFulfil("no seat", case_kind="late_payment")


def paid(seller: Any = sell, *, received: int = 1000, payer: User | None = None) -> Payment:
    """A payment of 1,000 TZS: sold, or with `fail` still open, or with `refuse` credit."""
    attempt = a_payment(ProviderName.VODACOM_MPESA, payer=payer)
    with ExitStack() as stack:
        stack.enter_context(hooks.completed.temporarily(seller))
        settle(
            attempt_id=attempt.pk,
            answer=Answer(
                outcome=Outcome.SUCCEEDED, code="0", receipt=f"PAID{attempt.pk}", amount=received
            ),
            source="webhook",
            evidence="test",
        )
    return reload(attempt)[1]


def hear(payment: Payment, answer: Answer) -> Payment:
    """Apply a provider's word about the collection."""
    settle(
        attempt_id=payment.attempts.get().pk, answer=answer, source="webhook", evidence="the news"
    )
    payment.refresh_from_db()
    return payment


def sent(transfer: Transfer) -> Transfer:
    """The transfer after the worker has had its turn."""
    send_transfer(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    return transfer


def checked(transfer: Transfer) -> Transfer:
    """The transfer after the provider was asked about it."""
    check_transfer(transfer_id=transfer.pk)
    transfer.refresh_from_db()
    return transfer


def books() -> dict[str, int]:
    """What lies on each account that is not empty: credit positive. Every posting must balance."""
    for posting in Posting.objects.annotate(total=Sum("entries__amount")):
        assert posting.total == 0, posting
    rows = Entry.objects.values_list("account").annotate(total=Sum("amount")).order_by("account")
    found = {account: -total for account, total in rows if total}
    waiting = {
        ledger.transfer_account(transfer): transfer.amount
        for transfer in Transfer.objects.filter(state__in=OPEN_TRANSFERS)
    }
    assert {name: held for name, held in found.items() if name.startswith("transfer:")} == waiting
    return found
