"""The money itself: every movement between a customer's wallet and a merchant's account, once."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.behaviour import Behaviour
from simulator.store import Store
from simulator.store.bills import Bill
from simulator.store.money import Account, Move, Movement, Type
from simulator.store.prompts import Prompt
from simulator.store.transfers import Instruction


class NoSuchReceipt(Exception):
    """No money came in with that receipt."""


class AlreadyReversed(Exception):
    """The money of that receipt was given back."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Of one account of the merchant."""

    opened_with: int
    now: int


class Bank:
    """Keeps wallets and accounts. Wallets and floats are opened with what the settings say."""

    def __init__(self, store: Store, behaviour: Behaviour) -> None:
        self._store = store
        self._behaviour = behaviour

    def wallet(self, msisdn: str) -> int:
        """A customer's balance."""
        at_first = int(self._behaviour.settings["wallet_balance"])
        return self._store.money.wallet(msisdn, at_first=at_first)

    def account(self, provider: str, account: Account) -> Balance:
        """A merchant's account with a provider."""
        at_first = 0
        if account is Account.DISBURSEMENT:
            at_first = int(self._behaviour.settings["merchant_float"])
        return Balance(*self._store.money.account(provider, account, at_first=at_first))

    def collect(self, prompt: Prompt, amount: int, receipt: str) -> None:
        """Take what a customer approved; the wallet must hold it."""
        self._change(
            Move(
                type=Type.COLLECTION,
                provider=prompt.provider,
                account=Account.COLLECTION,
                reference=prompt.reference,
                our_reference=prompt.our_reference,
                names=prompt.names,
                receipt=receipt,
                msisdn=prompt.msisdn,
                amount=amount,
            )
        )

    def hold(self, msisdn: str, amount: int) -> bool:
        """Take an amount out of a wallet before it is known whose it becomes; False if too empty."""
        if self.wallet(msisdn) < amount:
            return False
        self._store.money.change_wallet(msisdn, -amount)
        return True

    def give_back(self, msisdn: str, amount: int) -> None:
        """What was held."""
        self._store.money.change_wallet(msisdn, amount)

    def take_held(self, bill: Bill) -> None:
        """What was held becomes the merchant's."""
        with self._store.transaction():
            self.give_back(bill.msisdn, bill.amount)
            self._change(
                Move(
                    type=Type.BILL,
                    provider=bill.provider,
                    account=Account.COLLECTION,
                    reference=bill.reference,
                    our_reference=bill.reference,
                    receipt=bill.receipt,
                    msisdn=bill.msisdn,
                    amount=bill.amount,
                )
            )

    def send(self, instruction: Instruction, account: Account, receipt: str) -> None:
        """From a merchant's account, which must hold it, into a wallet."""
        self._change(
            Move(
                type=instruction.type,
                provider=instruction.provider,
                account=account,
                reference=instruction.reference,
                our_reference=instruction.our_reference,
                names=instruction.names,
                receipt=receipt,
                original_receipt=instruction.original_receipt,
                msisdn=instruction.msisdn,
                amount=-instruction.amount,
            )
        )

    def incoming(self, provider: str, receipt: str) -> Movement | None:
        """The collection or bill with that receipt."""
        for movement in self._store.money.with_receipt(receipt):
            if movement.provider == provider and movement.amount > 0:
                return movement
        return None

    def taken_back(self, movement: Movement) -> int:
        """How much of a collection or bill was given back."""
        return self._store.money.taken_back(movement.provider, movement.receipt)

    def reverse(self, receipt: str) -> Movement:
        """Give a collection or bill back by the provider's own decision.

        Raises NoSuchReceipt, AlreadyReversed.
        """
        found = [each for each in self._store.money.with_receipt(receipt) if each.amount > 0]
        if not found:
            raise NoSuchReceipt(f"No money came in with the receipt {receipt}.")
        original = found[0]
        left = original.amount - self.taken_back(original)
        if not left:
            raise AlreadyReversed(f"The money of {receipt} was given back before.")
        self._change(
            Move(
                type=Type.REVERSAL,
                provider=original.provider,
                account=Account.COLLECTION,
                reference=original.reference,
                our_reference=original.our_reference,
                names=original.names,
                receipt=f"R{original.id:04d}{receipt}",
                original_receipt=receipt,
                msisdn=original.msisdn,
                amount=-left,
            )
        )
        return self._store.money.movements_of(original.provider)[-1]

    def _change(self, move: Move) -> None:
        with self._store.transaction():
            self.wallet(move.msisdn)
            self.account(move.provider, move.account)
            self._store.money.change_wallet(move.msisdn, -move.amount)
            self._store.money.move(move)
