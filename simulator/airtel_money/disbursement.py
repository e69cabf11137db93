"""Disbursement in three versions, with the encrypted PIN, and its enquiry. Fact sheet 9."""

from __future__ import annotations

import re

from aiohttp import web

from simulator.airtel_money.app import (
    MSISDN,
    REFERENCE,
    TRANSACTION_ID,
    AirtelApp,
    amount_of,
    matches,
    parts,
)
from simulator.airtel_money.envelopes import enveloped, refusal, router_error
from simulator.payouts import Reason
from simulator.phones import Payout
from simulator.provider import Json
from simulator.store.database import DuplicateReference
from simulator.store.money import Type
from simulator.store.transfers import Instruction, Transfer

AMOUNT_MAX = 5_000_000

_FAMILY = "DP0090000"
_AMBIGUOUS, _SUCCESS, _IN_PROGRESS = f"{_FAMILY}1000", f"{_FAMILY}1001", f"{_FAMILY}1006"
_AMOUNT, _REFUSED, _DUPLICATE = f"{_FAMILY}1004", f"{_FAMILY}1013", f"{_FAMILY}1011"
_NOT_FOUND, _FORBIDDEN = f"{_FAMILY}1015", f"{_FAMILY}1018"
_MESSAGES = {
    f"{_FAMILY}1003": "Daily limit is exceeded.",
    _AMOUNT: "Amount is invalid or out of range.",
    f"{_FAMILY}1005": "Transaction failed.",
    f"{_FAMILY}1007": "Insufficient float.",
    f"{_FAMILY}1009": "Initiatee is invalid.",
    f"{_FAMILY}1010": "Payer is not allowed.",
    f"{_FAMILY}1012": "Mobile number is wrong.",
    _REFUSED: "Transaction was refused.",
    f"{_FAMILY}1019": "Sender is barred.",
}
_CODES = {int(code.removeprefix(_FAMILY)): code for code in _MESSAGES}
_REASONS: dict[str, str] = {
    Reason.NOT_REGISTERED: f"{_FAMILY}1012",
    Reason.NO_FLOAT: f"{_FAMILY}1007",
    Reason.TIMED_OUT: f"{_FAMILY}1005",
}
_BUSINESS, _MSISDN = "521050", "521002"  # result codes of live integrators (fact sheet 11)
_PIN = re.compile(rb"[0-9]{4}")
_TYPES = ("B2C", "B2B")


class Disbursement:
    """The product of payments to customers."""

    def __init__(self, app: AirtelApp) -> None:
        self._app = app

    def routes(self) -> list[web.RouteDef]:
        pay = self._app.authorised("disburse", self.pay)
        enquire = self._app.authorised("query_disbursement", self.enquiry)
        path = "/standard/{version:v[123]}/disbursements"
        return [
            web.post(path + "{slash:/?}", pay),
            web.get(path + "/{id}", enquire, allow_head=False),
        ]

    async def pay(self, request: web.Request) -> web.Response:
        body = await self._app.signed_body(request, _FORBIDDEN)
        payee, transaction = parts(body, "payee", "transaction")
        refused = self._refused_pin(body.get("pin")) or self._refused_fields(
            body, payee, transaction
        )
        if refused is not None:
            return refused
        reference = str(transaction["id"])
        try:
            transfer = self._app.payouts.disburse(
                Instruction(
                    provider=self._app.name,
                    dialect=self._app.dialect,
                    type=Type.DISBURSEMENT,
                    reference=reference,
                    our_reference=reference,
                    names={"transaction.id": reference, "reference": str(body["reference"])},
                    msisdn=f"255{payee['msisdn']}",
                    amount=amount_of(transaction["amount"]),
                ),
                f"CI{self._app.dated_number('H')}",
                codes=_CODES,
            )
        except DuplicateReference:
            return _refused(_DUPLICATE, "External transaction id already exists.")
        return await self._app.told(transfer, self._told(transfer))

    async def enquiry(self, request: web.Request) -> web.Response:
        """It tells the truth, even of what was ambiguous at first."""
        name = request.match_info["id"]
        transfer = self._app.store.transfers.known_as(self._app.dialect, name)
        if transfer is None or transfer.reference != name:
            return _refused(_NOT_FOUND, "Transaction not found.")
        if transfer.is_paid:
            return _answered(transfer, "TS", _SUCCESS, "Transaction is successful.")
        code = _REASONS.get(transfer.reason, transfer.reason)
        return _answered(transfer, "TF", code, _MESSAGES.get(code, "Transaction failed."))

    def _told(self, transfer: Transfer) -> web.Response:
        if transfer.scenario.is_timed_out:
            return _answered(transfer, "TA", _AMBIGUOUS, "Transaction is ambiguous.")
        if not transfer.is_paid:
            code = _REASONS.get(transfer.reason, transfer.reason)
            return _refused(code, _MESSAGES.get(code, "Transaction failed."))
        if transfer.scenario is Payout.IN_PROGRESS_FIRST:
            return _answered(transfer, "TIP", _IN_PROGRESS, "Transaction is in progress.")
        words = f"You have sent TZS {transfer.amount:,} to {transfer.msisdn[3:]}."
        return _answered(transfer, "TS", _SUCCESS, words)

    def _refused_pin(self, pin: object) -> web.Response | None:
        """Encrypted right and the right one; both are only told where a PIN is known."""
        expected = self._app.config.disbursement_pin.encode()
        if not (isinstance(pin, str) and pin):
            return router_error(400, "ROUTER114")
        given = self._app.key.decrypted(pin)
        if not expected or expected in given:
            return None
        is_pin = any(_PIN.fullmatch(each) for each in given)
        return router_error(400, "ROUTER115" if is_pin else "ROUTER116")

    def _refused_fields(self, body: Json, payee: Json, transaction: Json) -> web.Response | None:
        if not matches(MSISDN, payee.get("msisdn")):
            words = "Invalid Msisdn Length. Msisdn Length should be 9"
            return _refused(_REFUSED, words, result_code=_MSISDN)
        if payee.get("currency", self._app.config.currency) != self._app.config.currency:
            return _refused(_REFUSED, "Invalid Currency Code")
        if transaction.get("type", "B2C") not in _TYPES:
            return _refused(_REFUSED, "Invalid transaction type")
        if not matches(TRANSACTION_ID, transaction.get("id")):
            return _refused(_REFUSED, "Invalid transaction id")
        if not matches(REFERENCE, body.get("reference")):
            return _refused(_REFUSED, "Invalid reference")
        if not 1 <= amount_of(transaction.get("amount")) <= AMOUNT_MAX:
            return _refused(_AMOUNT, _MESSAGES[_AMOUNT])
        return None


def _answered(transfer: Transfer, status: str, code: str, message: str) -> web.Response:
    is_good = status in ("TS", "TIP")
    transaction = {
        "reference_id": transfer.receipt if status == "TS" else "",
        "airtel_money_id": f"disbursement-{transfer.id:010d}",
        "id": transfer.reference,
        "status": status,
    }
    return enveloped(
        {"transaction": transaction},
        message=message,
        response_code=code,
        success=is_good,
        code=200,
        result_code="ESB000010" if is_good else "ESB000011",
    )


def _refused(code: str, message: str, *, result_code: str = _BUSINESS) -> web.Response:
    return refusal(response_code=code, result_code=result_code, message=message)
