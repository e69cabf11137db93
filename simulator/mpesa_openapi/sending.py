"""B2C and reversal: the merchant's money to a phone. Fact sheet 1.5."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from simulator.mpesa_openapi.app import OpenApiApp
from simulator.mpesa_openapi.codes import BY_NUMBER, NOTHING, new_conversation, outcome, refusal
from simulator.mpesa_openapi.fields import B2C, REVERSAL, whole
from simulator.payouts import Reason
from simulator.phones import Payout
from simulator.provider import Refused
from simulator.store.money import Type
from simulator.store.transfers import Instruction, Transfer

_REASONS: dict[str, str] = {
    Reason.NOT_REGISTERED: "INS-2051",
    Reason.NO_FLOAT: "INS-2006",
    Reason.TIMED_OUT: "INS-9",
    Reason.UNKNOWN_ORIGINAL: "INS-18",
    Reason.ALREADY_TAKEN_BACK: "INS-6",
    Reason.TOO_MUCH: "INS-15",
}


class Sending:
    """Both are done at once; in asynchronous mode a call tells the result."""

    def __init__(self, app: OpenApiApp) -> None:
        self._app = app

    def routes(self) -> list[web.RouteDef]:
        return [
            self._app.route("POST", "b2cPayment", "disburse", self.pay, *B2C),
            # Not in the portal; several SDKs post there all the same.
            self._app.route("POST", "b2cPayment/singleStage", "disburse", self.pay, *B2C),
            self._app.route("PUT", "reversal", "refund", self.reverse, *REVERSAL),
        ]

    async def pay(self, fields: dict[str, str]) -> web.Response:
        self._claim(fields)
        instruction = self._instruction(
            fields,
            Type.DISBURSEMENT,
            msisdn=fields["input_CustomerMSISDN"],
            amount=whole(fields["input_Amount"]),
        )
        transfer = self._app.payouts.disburse(instruction, self._app.new_receipt(), codes=BY_NUMBER)
        return await self._told(transfer)

    async def reverse(self, fields: dict[str, str]) -> web.Response:
        """The whole of what was paid, unless a part is named."""
        self._claim(fields)
        receipt = fields["input_TransactionID"]
        original = self._app.bank.incoming(self._app.name, receipt)
        if original is None:
            return refusal("INS-18", ours=fields["input_ThirdPartyConversationID"])
        part = fields.get("input_ReversalAmount")
        instruction = self._instruction(
            fields,
            Type.REVERSAL,
            msisdn=original.msisdn,
            amount=whole(part) if part else original.amount,
            original_receipt=receipt,
        )
        transfer = self._app.payouts.take_back(
            instruction,
            self._app.new_receipt(),
            reason="" if instruction.amount else Reason.TOO_MUCH,
        )
        return await self._told(transfer)

    def _claim(self, fields: Mapping[str, str]) -> None:
        ours = fields["input_ThirdPartyConversationID"]
        if not self._app.store.memory.claim(self._app.dialect, ours):
            raise Refused(refusal("INS-10", ours=ours))

    def _instruction(
        self,
        fields: Mapping[str, str],
        kind: Type,
        *,
        msisdn: str,
        amount: int,
        original_receipt: str = "",
    ) -> Instruction:
        ours = fields["input_ThirdPartyConversationID"]
        conversation = new_conversation()
        return Instruction(
            provider=self._app.name,
            dialect=self._app.dialect,
            type=kind,
            reference=ours,
            alias=conversation,
            our_reference=ours,
            names={"ThirdPartyConversationID": ours, "ConversationID": conversation},
            msisdn=msisdn,
            amount=amount,
            original_receipt=original_receipt,
        )

    async def _told(self, transfer: Transfer) -> web.Response:
        """Raises HangUp."""
        code = _REASONS.get(transfer.reason, transfer.reason) or "INS-0"
        is_later = not self._app.is_sync or transfer.scenario is Payout.IN_PROGRESS_FIRST
        if transfer.scenario.is_timed_out and not is_later:
            code = "INS-9"
        if is_later:
            self._app.payouts.tell(
                transfer,
                self._app.result(
                    conversation=transfer.alias,
                    ours=transfer.reference,
                    code="INS-9" if transfer.scenario.is_timed_out else code,
                    transaction=transfer.receipt or "",
                ),
            )
            response = outcome("INS-0", conversation=transfer.alias, ours=transfer.reference)
        else:
            response = outcome(
                code,
                conversation=transfer.alias,
                ours=transfer.reference,
                transaction=(transfer.receipt if code == "INS-0" else None) or NOTHING,
            )
        return await self._app.told(transfer, response)
