"""Disbursement to a wallet ("MFI CashIn"): one XML question, one answer. Fact sheet, product B.

Ours alone, where the sheet knows no code: a reference used before is a 100, which means "do not
know"; a wrong PIN is an expired one; limits of one transaction.
"""

from __future__ import annotations

import re

from aiohttp import web

from simulator.payouts import Reason
from simulator.provider import Provider
from simulator.store.database import DuplicateReference
from simulator.store.money import Type
from simulator.store.transfers import Instruction, Transfer
from simulator.tigo_pesa.commands import CONTENT_TYPE, command, parsed

AMOUNT_MIN, AMOUNT_MAX, NETWORK_MAX = 500, 3_000_000, 10_000_000

_ANSWERS = {"REQMFICI": "RESMFICI", "REQMFCI": "RESMFCI"}
_REFERENCE = re.compile(r"[A-Za-z0-9]{1,20}")
_PAYEE = re.compile(r"0[67][0-9]{8}|255[67][0-9]{8}")
_AMOUNT = re.compile(r"[0-9]{1,10}")
_SUCCESS, _UNKNOWN = "200", "100"  # success is said in two ways
_MESSAGES = {
    _SUCCESS: "Success",
    _UNKNOWN: "Generic error",
    "00026": "PIN has expired",
    "00031": "Amount is above the network maximum",
    "00042": "Amount is not a permitted multiple",
    "00317": "Recipient is barred",
    "00410": "Amount is above the maximum",
    "02117": "Sender is barred",
    "60014": "Payer has reached the daily value",
    "60017": "Amount is below the sender's minimum",
    "60018": "Amount is above the sender's maximum",
    "60019": "Balance would fall below the minimum",
    "60021": "Payee has reached the daily count",
    "60024": "Daily value is reached",
    "60028": "Amount is above the recipient's maximum",
    "60030": "Payee would exceed the maximum balance",
    "60074": "Payee profile is not defined",
}
_CODES = {int(code): code for code in _MESSAGES if code not in (_SUCCESS, _UNKNOWN)}
_REASONS: dict[str, str] = {
    Reason.NOT_REGISTERED: "60074",
    Reason.NO_FLOAT: "60019",
    Reason.TIMED_OUT: _UNKNOWN,
}


class A2w:
    """The account that a merchant disburses from."""

    def __init__(self, app: Provider, msisdn: str, pin: str) -> None:
        self._app = app
        self._msisdn = msisdn
        self._pin = pin

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/tigo/a2w", self._app.operation("disburse", self.pay))]

    async def pay(self, request: web.Request) -> web.Response:
        fields = parsed(await request.read())
        kind = _ANSWERS.get((fields or {}).get("TYPE", ""))
        if fields is None or kind is None:
            return web.Response(status=400)
        if not _REFERENCE.fullmatch(fields.get("REFERENCEID", "")):
            return self._reply(kind, fields, status=_UNKNOWN)
        if code := self._wrong_field(fields):
            return self._reply(kind, fields, status=code)
        try:
            transfer = self._app.payouts.disburse(
                self._instruction(fields), self._app.new_receipt(), codes=_CODES
            )
        except DuplicateReference:
            return self._reply(kind, fields, status=_UNKNOWN)
        return await self._app.told(transfer, self._told(kind, fields, transfer))

    def _wrong_field(self, fields: dict[str, str]) -> str:
        """The code of the first field that is wrong, or ""."""
        amount = fields.get("AMOUNT", "")
        if fields.get("MSISDN") != self._msisdn:
            return "02117"
        if fields.get("PIN") != self._pin:
            return "00026"
        if not _PAYEE.fullmatch(fields.get("MSISDN1", "")):
            return "60074"
        if not _AMOUNT.fullmatch(amount):
            return "00042"
        if int(amount) < AMOUNT_MIN:
            return "60017"
        if int(amount) > NETWORK_MAX:
            return "00031"
        return "60018" if int(amount) > AMOUNT_MAX else ""

    def _instruction(self, fields: dict[str, str]) -> Instruction:
        reference = fields["REFERENCEID"]
        return Instruction(
            provider=self._app.name,
            dialect=self._app.dialect,
            type=Type.DISBURSEMENT,
            # The type of the request and the reference are unique together.
            reference=f"{fields['TYPE']} {reference}",
            our_reference=reference,
            names={"REFERENCEID": reference},
            msisdn=f"255{fields['MSISDN1'][-9:]}",
            amount=int(fields["AMOUNT"]),
        )

    def _told(self, kind: str, fields: dict[str, str], transfer: Transfer) -> web.Response:
        code = _REASONS.get(transfer.reason, transfer.reason) or _SUCCESS
        if transfer.scenario.is_timed_out:
            code = _UNKNOWN
        receipt = transfer.receipt if code == _SUCCESS else None
        return self._reply(kind, fields, status=code, receipt=receipt or "")

    def _reply(
        self, kind: str, fields: dict[str, str], *, status: str, receipt: str = ""
    ) -> web.Response:
        body = {
            "TYPE": kind,
            "REFERENCEID": fields.get("REFERENCEID", ""),
            "TXNID": receipt,
            "TXNSTATUS": self._written(status),
            "MESSAGE": _MESSAGES.get(status, "Failed"),
        }
        return web.Response(body=command(body), content_type=CONTENT_TYPE)

    def _written(self, status: str) -> str:
        """The status as this day's documents have it."""
        if status == _SUCCESS:
            return str(self._app.behaviour.of(self._app.name, "success_status"))
        has_zeros = self._app.behaviour.of(self._app.name, "leading_zeros")
        return status if has_zeros else status.lstrip("0")
