"""Reversal of what customers paid, whole or in part, once. Fact sheet 2.7."""

from __future__ import annotations

import time

from aiohttp import web

from simulator.mpesa_daraja.app import DarajaApp
from simulator.mpesa_daraja.fields import amount_of, are_urls, check, digits, is_text, stamp
from simulator.mpesa_daraja.initiator import (
    Initiator,
    accepted,
    conversation,
    result,
    timed_out,
)
from simulator.payouts import Reason
from simulator.provider import Json
from simulator.store.calls import CallbackRequest
from simulator.store.money import Account, Type
from simulator.store.transfers import Instruction, Transfer

_IDENTIFIER_TYPES = ("4", "11")
_REASONS: dict[str, str] = {
    Reason.UNKNOWN_ORIGINAL: "R000002",
    Reason.ALREADY_TAKEN_BACK: "R000001",
    Reason.TOO_MUCH: "3",
    Reason.NO_FLOAT: "1",
    Reason.WRONG_INITIATOR: "2001",
}


class Reversal:
    """The product that gives a payer the money back."""

    def __init__(self, app: DarajaApp, initiator: Initiator) -> None:
        self._app = app
        self._initiator = initiator

    def routes(self) -> list[web.RouteDef]:
        return [self._app.post("/mpesa/reversal/v1/request", "refund", self.reverse)]

    async def reverse(self, request: web.Request) -> web.Response:
        """What was paid by B2C is no original that it knows."""
        body = await self._app.authorised_body(request)
        self._check(body)
        names = conversation()
        original = self._app.bank.incoming(self._app.name, body["TransactionID"])
        instruction = Instruction(
            provider=self._app.name,
            dialect=self._app.dialect,
            type=Type.REVERSAL,
            reference=names["OriginatorConversationID"],
            alias=names["ConversationID"],
            our_reference=original.our_reference if original else "",
            names=names,
            msisdn=original.msisdn if original else "",
            amount=amount_of(body["Amount"]),
            original_receipt=body["TransactionID"],
        )
        transfer = self._app.payouts.take_back(
            instruction, self._app.new_receipt(), reason=self._against(body)
        )
        self._app.payouts.tell(transfer, self._call(transfer, body))
        return await self._app.told(transfer, accepted(names))

    def _check(self, body: Json) -> None:
        check(
            {
                "Initiator": is_text(body.get("Initiator"), 1, 60),
                "SecurityCredential": is_text(body.get("SecurityCredential"), 1, 2000),
                "CommandID": body.get("CommandID") == "TransactionReversal",
                "TransactionID": is_text(body.get("TransactionID"), 1, 20),
                "Amount": amount_of(body.get("Amount")) >= 1,
                "ReceiverParty": self._initiator.is_party(body.get("ReceiverParty")),
                "RecieverIdentifierType": (
                    digits(body.get("RecieverIdentifierType")) in _IDENTIFIER_TYPES
                ),
                "Remarks": is_text(body.get("Remarks"), 2, 100),
                **are_urls(body, "QueueTimeOutURL", "ResultURL"),
            }
        )

    def _against(self, body: Json) -> str:
        return "" if self._initiator.is_right(body, "Initiator") else Reason.WRONG_INITIATOR

    def _call(self, transfer: Transfer, body: Json) -> CallbackRequest:
        if transfer.scenario.is_timed_out:
            return timed_out(names=transfer.names, url=body["QueueTimeOutURL"])
        return result(
            names=transfer.names,
            code=_REASONS.get(transfer.reason, transfer.reason) or "0",
            transaction_id=transfer.receipt or self._app.new_receipt(),
            parameters=self._parameters(transfer) if transfer.is_paid else None,
            url=body["ResultURL"],
            timeout_url=body["QueueTimeOutURL"],
            as_text=True,  # so mpesakit 2.2.0 has it in its sample of the portal, and reads it
        )

    def _parameters(self, transfer: Transfer) -> Json:
        balance = self._app.bank.account(self._app.name, Account.COLLECTION).now
        return {
            "DebitAccountBalance": f"Utility Account|TZS|{balance}.00|{balance}.00|0.00|0.00",
            "Amount": transfer.amount,
            "TransCompletedTime": int(stamp(time.time())),
            "OriginalTransactionID": transfer.original_receipt,
            "Charge": 0,
            "CreditPartyPublicName": f"{transfer.msisdn} - CUSTOMER",
            "DebitPartyPublicName": f"{self._app.config.short_code} - {self._app.merchant}",
        }
