"""Money that the merchant sends: decided and moved at once, told as the payee's number has it."""

from __future__ import annotations

import logging
from enum import StrEnum

from simulator.bank import Bank
from simulator.behaviour import Behaviour
from simulator.callbacks import CallbackSender
from simulator.phones import Payout
from simulator.store import Store
from simulator.store.calls import CallbackRequest
from simulator.store.money import Account
from simulator.store.transfers import Instruction, Transfer

logger = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why nothing was sent, where it is not a code of the provider's own."""

    NOT_REGISTERED = "not_registered"
    NO_FLOAT = "no_float"
    TIMED_OUT = "timed_out"
    WRONG_INITIATOR = "wrong_initiator"
    UNKNOWN_ORIGINAL = "unknown_original"
    ALREADY_TAKEN_BACK = "already_taken_back"
    TOO_MUCH = "too_much"
    TOO_LITTLE = "too_little"


class Payouts:
    """Sends money from the merchant's accounts."""

    def __init__(
        self, store: Store, behaviour: Behaviour, bank: Bank, sender: CallbackSender
    ) -> None:
        self._store = store
        self._behaviour = behaviour
        self._bank = bank
        self._sender = sender

    def disburse(
        self, instruction: Instruction, receipt: str, *, codes: dict[int, str], reason: str = ""
    ) -> Transfer:
        """Send money to a phone, unless there is a reason against it or the number has one.

        `codes` are the refusals that the dialect knows, by number. Raises DuplicateReference.
        """
        payout, code = self._behaviour.payout_of(instruction.msisdn, codes)
        if not reason and not payout.is_paid:
            reason = code or payout
        return self._done(instruction, payout, receipt, Account.DISBURSEMENT, reason)

    def take_back(self, instruction: Instruction, receipt: str, *, reason: str = "") -> Transfer:
        """Send a collection's money back to its payer; what came in at most. Once per original.

        Raises DuplicateReference.
        """
        reason = reason or self._against_taking_back(instruction)
        payout, code = Payout.PAID, ""
        if not reason:
            payout, code = self._behaviour.payout_of(instruction.msisdn, {})
        if payout is Payout.NOT_REGISTERED:
            payout = Payout.PAID  # whoever paid has a wallet
        if not payout.is_paid:
            reason = code or payout
        return self._done(instruction, payout, receipt, Account.COLLECTION, reason)

    def tell(self, transfer: Transfer, request: CallbackRequest) -> None:
        """Call the merchant about the result, as often as the payee's number has it."""
        latency = self._behaviour.callback_latency(transfer.provider)
        self._sender.queue(
            transfer.about,
            [request] * transfer.scenario.callbacks,
            seconds=self._behaviour.seconds("payout_seconds") + latency,
        )

    def _against_taking_back(self, instruction: Instruction) -> str:
        original = self._bank.incoming(instruction.provider, instruction.original_receipt)
        if original is None:
            return Reason.UNKNOWN_ORIGINAL
        if self._bank.taken_back(original):
            return Reason.ALREADY_TAKEN_BACK
        return Reason.TOO_MUCH if instruction.amount > original.amount else ""

    def _done(
        self,
        instruction: Instruction,
        payout: Payout,
        receipt: str,
        account: Account,
        reason: str,
    ) -> Transfer:
        balance = self._bank.account(instruction.provider, account).now
        if not reason and balance < instruction.amount:
            reason = Reason.NO_FLOAT
        with self._store.transaction():
            transfer = self._store.transfers.add(
                instruction, scenario=payout, reason=reason, receipt=None if reason else receipt
            )
            if not reason:
                self._bank.send(instruction, account, receipt)
        logger.info("%s: %s %s", transfer.about, transfer.type, reason or receipt)
        return transfer
