"""Push BillPay: GetToken, BillerPay and its callback.

Fact sheet, product A. It has no status query, and neither have we.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from simulator.config import TigoConfig
from simulator.phones import Outcome
from simulator.provider import (
    Json,
    Provider,
    World,
    answer,
    bearer_token,
    compact,
    json_object,
    whole_amount,
)
from simulator.store.calls import CallbackRequest
from simulator.store.database import DuplicateReference
from simulator.store.prompts import Order, Prompt

TOKEN_SECONDS = 3600
AMOUNT_MIN, AMOUNT_MAX = 1, 5_000_000

_MSISDN = re.compile(r"255[0-9]{9}")
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,50}")
_ACCEPTED = "BILLER-18-0000-S"

_DESCRIPTIONS = {
    _ACCEPTED: "Valid Request",
    "BILLER-18-3018-E": "Sum of amount limit exceeded",
    "BILLER-18-3019-E": "Amount is not within the biller's limits",
    "BILLER-18-3020-E": "Frequency limit exceeded",
    "BILLER-18-3021-E": "Biller username or password is incorrect",
    "BILLER-18-3022-E": "Biller is not active",
    "BILLER-18-3040-E": "Biller MSISDN is incorrect",
    "DebitMandate-10-1000-E": "Internal Service Error",
    "DebitMandate-10-2001-E": "Username or password header is empty",
    "DebitMandate-10-2002-E": "CustomerMSISDN is missing",
    "DebitMandate-10-2003-E": "Password is missing",
    "DebitMandate-10-2004-V": "Invalid MSISDN",
    "DebitMandate-10-2005-E": "Customer is not registered",
    "DebitMandate-10-2020-V": "Not valid reference id",
    "DebitMandate-10-2038-V": "BillerMSISDN is missing",
    "DebitMandate-10-3000-E": "Username or password is incorrect",
    "DebitMandate-10-5000-E": "Backend error",
}
_RESULTS = {
    Outcome.PAID: "Purchase completed successfully",
    Outcome.WRONG_PIN: "Transaction failed: invalid PIN",
    Outcome.INSUFFICIENT_FUNDS: "Transaction failed: insufficient balance",
    Outcome.CANCELLED: "Transaction cancelled by the customer",
    Outcome.EXPIRED: "Transaction timed out: no reply from the customer",
    Outcome.NOT_PERMITTED: "Transaction failed: not permitted",
}


class TigoPush(Provider):
    """One biller of the push product. Its URLs differ by merchant: three styles are answered."""

    name = "tigo_pesa"
    dialect = "tigo_pesa"
    title = "Tigo Pesa"
    prefixes = ("/tigo/",)

    def __init__(self, config: TigoConfig, world: World) -> None:
        super().__init__(world)
        self.config = config

    def routes(self) -> list[web.RouteDef]:
        token = self.operation("token", self.get_token)
        push = self.operation("collect", self.biller_pay)
        return [
            web.post("/tigo/token", token),
            web.post("/tigo/{merchant:[A-Za-z0-9]+2DM-?GetToken}", token),
            web.post("/tigo/API/BillerPayment/BillerPay", push),
            web.post("/tigo/{merchant:[A-Za-z0-9]+2DM-?Push[Bb]ill[Pp]ay}", push),
        ]

    async def get_token(self, request: web.Request) -> web.Response:
        """Fact sheet A.1: a form, in which the user may go by either name."""
        form = await request.post()
        if form.get("grant_type") != "password":
            return _token_error("unsupported_grant_type", "Invalid grant type")
        given = (form.get("username") or form.get("user_name"), form.get("password"))
        if given != (self.config.username, self.config.password):
            wrong = "The user name or password is incorrect"
            return _token_error("invalid_grant", wrong)
        token = secrets.token_urlsafe(96)
        self.store.memory.keep_token(self.dialect, token, seconds=TOKEN_SECONDS, is_only=False)
        return answer({"access_token": token, "token_type": "bearer", "expires_in": TOKEN_SECONDS})

    async def biller_pay(self, request: web.Request) -> web.Response:
        """Fact sheet A.2. Most refusals are HTTP 200 with a code of their own."""
        if not self.store.memory.is_token(self.dialect, bearer_token(request)):
            return answer({"Message": "Authorization has been denied for this request."}, 401)
        body = await json_object(request)
        if body is None or whole_amount(body.get("Amount", 0)) is None:
            return answer({"Message": "The request is invalid."}, 400)
        reference = body.get("ReferenceID")
        code = self._wrong_credentials(request) or self._wrong_field(body)
        if code:
            return _reply(code, reference)
        order = self._order(body)
        try:
            return await self.push(order, _reply(_ACCEPTED, reference))
        except DuplicateReference:
            return _reply("DebitMandate-10-2020-V", reference)

    def new_receipt(self) -> str:
        """Like MFSD201707241709w59."""
        number = self.store.memory.throw("tigo_pesa receipt")
        return f"MFSD{datetime.now(UTC):%Y%m%d%H%M}{secrets.token_hex(2)}{number}"

    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        """Fact sheet A.3. Integrators have met both types of both Status and Amount."""
        is_paid = outcome is Outcome.PAID
        as_text = self.behaviour.of(self.name, "callback_status") == "string"
        amounts = {
            "string": str(prompt.amount),
            "decimal": f"{prompt.amount}.00",
            "number": prompt.amount,
        }
        body = {
            "Status": str(is_paid).lower() if as_text else is_paid,
            "Description": _RESULTS[outcome],
            "MFSTransactionID": receipt or "",
            "ReferenceID": prompt.reference,
            "Amount": amounts[self.behaviour.of(self.name, "callback_amount")],
        }
        return CallbackRequest(
            url=prompt.callback_url,
            headers={"Content-Type": "application/json"},
            body=compact(body),
        )

    def error(self, status: int, code: str = "") -> web.Response:
        if not code:
            return answer({"Message": "An error has occurred."}, status)
        return _reply(code, None, status)

    def no_such_path(self, status: int) -> web.Response:
        if status == 405:
            return answer({"Message": "The requested resource does not support this method."}, 405)
        return answer({"Message": "No HTTP resource was found that matches the request URI."}, 404)

    def _wrong_credentials(self, request: web.Request) -> str:
        username = request.headers.get("Username", "")
        password = request.headers.get("Password", "")
        if not username:
            return "DebitMandate-10-2001-E"
        if not password:
            return "DebitMandate-10-2003-E"
        if (username, password) != (self.config.username, self.config.password):
            return "BILLER-18-3021-E"
        return ""

    def _wrong_field(self, body: Json) -> str:
        """The code of the first field that is wrong, or ""."""
        customer, biller = body.get("CustomerMSISDN"), body.get("BillerMSISDN")
        if not customer:
            return "DebitMandate-10-2002-E"
        if not biller:
            return "DebitMandate-10-2038-V"
        if not (isinstance(customer, str) and _MSISDN.fullmatch(customer)):
            return "DebitMandate-10-2004-V"
        if biller != self.config.biller_msisdn:
            return "BILLER-18-3040-E"
        if not self._is_reference(body.get("ReferenceID")):
            return "DebitMandate-10-2020-V"
        if not AMOUNT_MIN <= (whole_amount(body.get("Amount")) or 0) <= AMOUNT_MAX:
            return "BILLER-18-3019-E"
        return "" if self.is_registered(customer) else "DebitMandate-10-2005-E"

    def _is_reference(self, reference: object) -> bool:
        return (
            isinstance(reference, str)
            and _REFERENCE.fullmatch(reference) is not None
            and reference.startswith(self.config.biller_code)
            and len(reference) > len(self.config.biller_code)
        )

    def _order(self, body: Json) -> Order:
        remarks = str(body.get("Remarks") or "")
        return Order(
            provider=self.name,
            dialect=self.dialect,
            reference=body["ReferenceID"],
            our_reference=body["ReferenceID"],
            names={"ReferenceID": body["ReferenceID"], "Remarks": remarks},
            msisdn=body["CustomerMSISDN"],
            amount=whole_amount(body["Amount"]) or 0,
            text=f"{self.merchant}, {remarks or body['ReferenceID']}",
            callback_url=self.config.callback_url,
        )


def _reply(code: str, reference: Any, status: int = 200) -> web.Response:
    body = {
        "ResponseCode": code,
        "ResponseStatus": code.endswith("-S"),
        "ResponseDescription": _DESCRIPTIONS.get(code, "Backend error"),
        "ReferenceID": reference if isinstance(reference, str) else "",
    }
    return answer(body, status)


def _token_error(error: str, description: str) -> web.Response:
    return answer({"error": error, "error_description": description}, 400)
