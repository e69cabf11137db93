"""Bills that customers pay from their own menus: the provider asks the merchant, then decides."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Protocol

from simulator.bank import Bank
from simulator.callbacks import CallbackSender
from simulator.store import Store
from simulator.store.bills import PAID, RETURNED, Bill
from simulator.store.calls import CallbackRequest

Json = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the merchant takes the bill, what the phone shows, and what was asked and answered."""

    is_accepted: bool
    words: str
    questions: list[Json]


class Biller(Protocol):
    """How a dialect asks about a bill."""

    def new_receipt(self) -> str:
        """A receipt as the provider writes them, never the same twice."""

    async def ask_about(self, bill: Bill, *, times: int) -> Verdict:
        """The provider's questions; the last one is asked so many times."""

    def paid_bill(self, bill: Bill) -> list[CallbackRequest]:
        """What the merchant hears once the money has moved."""


class NoPaybill(Exception):
    """The provider has no bills, or the merchant no account for them."""


class Bills:
    """Takes the customer's money, asks, and hands it to the merchant or back."""

    def __init__(self, store: Store, bank: Bank, sender: CallbackSender) -> None:
        self._store = store
        self._bank = bank
        self._sender = sender
        self._billers: dict[str, Biller] = {}

    def register(self, provider: str, biller: Biller) -> None:
        """Tell who asks for a provider."""
        self._billers[provider] = biller

    @property
    def providers(self) -> list[str]:
        """Those whose customers can pay bills."""
        return list(self._billers)

    async def pay(
        self, provider: str, *, msisdn: str, reference: str, amount: int, times: int = 1
    ) -> Bill:
        """What a customer does. Raises NoPaybill."""
        biller = self._billers.get(provider)
        if biller is None:
            known = ", ".join(self._billers) or "none"
            raise NoPaybill(f"Customers of {provider} cannot pay bills here; of {known} they can.")
        with self._store.transaction():
            bill = self._store.bills.open(
                provider=provider,
                msisdn=msisdn,
                reference=reference,
                amount=amount,
                receipt=biller.new_receipt(),
            )
            is_held = self._bank.hold(msisdn, amount)
        if not is_held:
            return self._store.bills.end(
                bill.id, state=RETURNED, words="Too little money", questions=[]
            )
        verdict = await biller.ask_about(bill, times=times)
        with self._store.transaction():
            if verdict.is_accepted:
                self._bank.take_held(bill)
                self._sender.queue(bill.about, biller.paid_bill(bill) * times, seconds=0)
            else:
                self._bank.give_back(msisdn, amount)
            ended = self._store.bills.end(
                bill.id,
                state=PAID if verdict.is_accepted else RETURNED,
                words=verdict.words,
                questions=verdict.questions,
            )
        logger.info("%s: %s", bill.about, ended.state)
        return ended

    def return_abandoned(self) -> None:
        """What an earlier process held and did not decide goes back to the customer."""
        for bill in self._store.bills.asking():
            with self._store.transaction():
                self._bank.give_back(bill.msisdn, bill.amount)
                self._store.bills.end(
                    bill.id, state=RETURNED, words="Interrupted", questions=bill.questions
                )
