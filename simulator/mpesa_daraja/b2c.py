"""B2C: money from the merchant to a phone, told by a result. Fact sheet 2.6."""

from __future__ import annotations

import time
from datetime import datetime

from aiohttp import web

from simulator.mpesa_daraja.app import DarajaApp
from simulator.mpesa_daraja.fields import (
    EAST_AFRICA,
    MSISDN,
    SHORT_CODE,
    amount_of,
    are_urls,
    check,
    digits,
    is_text,
)
from simulator.mpesa_daraja.initiator import (
    RESULTS,
    Initiator,
    accepted,
    conversation,
    result,
    timed_out,
)
from simulator.payouts import Reason
from simulator.provider import Json
from simulator.store.calls import CallbackRequest
from simulator.store.database import DuplicateReference
from simulator.store.money import Account, Type
from simulator.store.transfers import Instruction, Transfer

AMOUNT_MIN, AMOUNT_MAX = 10, 5_000_000  # the maximum in shillings of Tanzania is ours

_COMMANDS = ("BusinessPayment", "SalaryPayment", "PromotionPayment")
_CODES = {int(code): code for code in RESULTS if code.isdecimal() and code != "0"}
_REASONS: dict[str, str] = {
    Reason.NOT_REGISTERED: "2040",
    Reason.NO_FLOAT: "1",
    Reason.TIMED_OUT: "17",
    Reason.WRONG_INITIATOR: "2001",
    Reason.TOO_LITTLE: "2",
    Reason.TOO_MUCH: "3",
}


class B2c:
    """The product of payments to customers, in two versions."""

    def __init__(self, app: DarajaApp, initiator: Initiator) -> None:
        self._app = app
        self._initiator = initiator

    def routes(self) -> list[web.RouteDef]:
        return [
            self._app.post("/mpesa/b2c/v1/paymentrequest", "disburse", self.pay_v1),
            self._app.post("/mpesa/b2c/v3/paymentrequest", "disburse", self.pay_v3),
        ]

    async def pay_v1(self, request: web.Request) -> web.Response:
        """Nothing makes two equal requests one."""
        body = await self._app.authorised_body(request)
        return await self._paid(body, originator="")

    async def pay_v3(self, request: web.Request) -> web.Response:
        """The merchant's OriginatorConversationID is unique."""
        body = await self._app.authorised_body(request)
        originator = body.get("OriginatorConversationID")
        check({"OriginatorConversationID": is_text(originator, 1, 60)})
        return await self._paid(body, originator=str(originator))

    async def _paid(self, body: Json, *, originator: str) -> web.Response:
        self._check(body)
        names = conversation(originator)
        instruction = Instruction(
            provider=self._app.name,
            dialect=self._app.dialect,
            type=Type.DISBURSEMENT,
            reference=names["OriginatorConversationID"],
            alias=names["ConversationID"],
            our_reference=names["OriginatorConversationID"],
            names=names,
            msisdn=digits(body["PartyB"]),
            amount=amount_of(body["Amount"]),
        )
        try:
            transfer = self._app.payouts.disburse(
                instruction,
                self._app.new_receipt(),
                codes=_CODES,
                reason=self._against(body, instruction.amount),
            )
        except DuplicateReference:
            return self._app.error(500, "500.002.1001")
        self._app.payouts.tell(transfer, self._call(transfer, body))
        return await self._app.told(transfer, accepted(names))

    def _check(self, body: Json) -> None:
        check(
            {
                "InitiatorName": is_text(body.get("InitiatorName"), 1, 60),
                "SecurityCredential": is_text(body.get("SecurityCredential"), 1, 2000),
                "CommandID": body.get("CommandID") in _COMMANDS,
                "Amount": amount_of(body.get("Amount")) >= 1,
                "PartyA": SHORT_CODE.fullmatch(digits(body.get("PartyA"))),
                "PartyB": MSISDN.fullmatch(digits(body.get("PartyB"))),
                "Remarks": is_text(body.get("Remarks"), 2, 100),
                **are_urls(body, "QueueTimeOutURL", "ResultURL"),
            }
        )

    def _against(self, body: Json, amount: int) -> str:
        if not self._initiator.is_right(body, "InitiatorName"):
            return Reason.WRONG_INITIATOR
        if not self._initiator.is_party(body["PartyA"]):
            return "2028"
        if amount < AMOUNT_MIN:
            return Reason.TOO_LITTLE
        return Reason.TOO_MUCH if amount > AMOUNT_MAX else ""

    def _call(self, transfer: Transfer, body: Json) -> CallbackRequest:
        url = body["QueueTimeOutURL"]
        if transfer.scenario.is_timed_out:
            return timed_out(names=transfer.names, url=url)
        return result(
            names=transfer.names,
            code=_REASONS.get(transfer.reason, transfer.reason) or "0",
            transaction_id=transfer.receipt or self._app.new_receipt(),
            parameters=self._parameters(transfer) if transfer.is_paid else None,
            url=body["ResultURL"],
            timeout_url=url,
        )

    def _parameters(self, transfer: Transfer) -> Json:
        balance = self._app.bank.account(self._app.name, Account.DISBURSEMENT).now
        done_at = datetime.fromtimestamp(time.time(), EAST_AFRICA)
        return {
            "TransactionAmount": transfer.amount,
            "TransactionReceipt": transfer.receipt,
            "ReceiverPartyPublicName": f"{transfer.msisdn} - CUSTOMER",
            "TransactionCompletedDateTime": f"{done_at:%d.%m.%Y %H:%M:%S}",
            "B2CUtilityAccountAvailableFunds": float(balance),
            "B2CWorkingAccountAvailableFunds": 0.0,
            "B2CRecipientIsRegisteredCustomer": "Y",
            "B2CChargesPaidAccountAvailableFunds": 0.0,
        }
