"""STK push: a prompt on a phone, its query and its callback. Fact sheet 2.2 to 2.5."""

from __future__ import annotations

import random
import secrets
import time
from datetime import datetime

from aiohttp import web

from simulator.mpesa_daraja.app import DarajaApp
from simulator.mpesa_daraja.errors import invalid, request_id, server_error
from simulator.mpesa_daraja.fields import (
    EAST_AFRICA,
    MSISDN,
    SHORT_CODE,
    amount_of,
    check,
    digits,
    from_base64,
    is_text,
    is_timestamp,
    is_url,
    stamp,
)
from simulator.phones import Outcome
from simulator.provider import Json, answer, compact
from simulator.store.calls import CallbackRequest
from simulator.store.prompts import Order, Prompt

_TRANSACTION_TYPES = ("CustomerPayBillOnline", "CustomerBuyGoodsOnline")
_RESULTS: dict[Outcome, tuple[int, str]] = {
    Outcome.PAID: (0, "The service request is processed successfully."),
    Outcome.INSUFFICIENT_FUNDS: (1, "The balance is insufficient for the transaction."),
    Outcome.CANCELLED: (1032, "Request Cancelled by user."),
    Outcome.EXPIRED: (1037, "No response from user."),
    Outcome.WRONG_PIN: (2001, "The initiator information is invalid."),
    Outcome.NOT_PERMITTED: (2028, "The request is not permitted according to product assignment."),
}
_EXPIRED_IN_QUERY = "DS timeout user cannot be reached"


class Stk:
    """The product of pushes."""

    def __init__(self, app: DarajaApp) -> None:
        self._app = app

    def routes(self) -> list[web.RouteDef]:
        push = "/mpesa/stkpush/v1/processrequest"
        query = "/mpesa/stkpushquery/v1/query"
        return [
            self._app.post(push, "collect", self.process_request),
            self._app.post(query, "query", self.query),
        ]

    async def process_request(self, request: web.Request) -> web.Response:
        """Fact sheet 2.2. Nothing makes two equal requests one."""
        body = await self._app.authorised_body(request)
        self._check_merchant(body)
        order = self._order(body)
        self._check_password(body)
        accepted = {
            "MerchantRequestID": order.names["MerchantRequestID"],
            "CheckoutRequestID": order.reference,
            "ResponseCode": "0",
            "ResponseDescription": "Success. Request accepted for processing",
            "CustomerMessage": "Success. Request accepted for processing",
        }
        return await self._app.push(order, answer(accepted))

    async def query(self, request: web.Request) -> web.Response:
        """Fact sheet 2.4. While the phone is asked, the two ways of saying so take turns."""
        body = await self._app.authorised_body(request)
        self._check_merchant(body)
        reference = body.get("CheckoutRequestID")
        if not (isinstance(reference, str) and reference):
            raise invalid("CheckoutRequestID")
        self._check_password(body)
        prompt = self._app.store.prompts.known_as(self._app.dialect, reference)
        if prompt is None:
            raise server_error("The transaction does not exist")
        if not prompt.is_waiting:
            return answer(self._result(prompt, *_query_result(prompt)))
        self._app.store.prompts.count_query(prompt.id)
        if prompt.queries % 2:
            raise server_error("The transaction is being processed")
        return answer(self._result(prompt, 4999, "The transaction is still under processing"))

    def callback(self, prompt: Prompt, outcome: Outcome, receipt: str | None) -> CallbackRequest:
        """Fact sheet 2.3. Metadata only when paid, in any order, without the balance."""
        code, description = _RESULTS[outcome]
        result: Json = {
            "MerchantRequestID": prompt.names["MerchantRequestID"],
            "CheckoutRequestID": prompt.reference,
            "ResultCode": code,
            "ResultDesc": description,
        }
        if receipt:
            result["CallbackMetadata"] = {"Item": _metadata(prompt, receipt)}
        return CallbackRequest(
            url=prompt.callback_url,
            headers={
                "Content-Type": "application/json;charset=UTF-8",
                "Businessshortcode": self._app.config.short_code,
            },
            body=compact({"Body": {"stkCallback": result}}),
        )

    def _check_merchant(self, body: Json) -> None:
        """The form of what says who asks."""
        if not SHORT_CODE.fullmatch(digits(body.get("BusinessShortCode"))):
            raise invalid("BusinessShortCode")
        if not isinstance(body.get("Password"), str) or not from_base64(body["Password"]):
            raise invalid("Password")
        if not is_timestamp(digits(body.get("Timestamp"))):
            raise invalid("Timestamp")

    def _check_password(self, body: Json) -> None:
        """Whether the one who asks is our merchant, checked when the rest is well-formed."""
        if digits(body["BusinessShortCode"]) != self._app.config.short_code:
            raise server_error("Merchant does not exist")
        timestamp = digits(body["Timestamp"])
        expected = f"{self._app.config.short_code}{self._app.config.passkey}{timestamp}".encode()
        if not secrets.compare_digest(from_base64(body["Password"]), expected):
            raise server_error("Wrong credentials")

    def _order(self, body: Json) -> Order:
        """Raises Refused with the first field that is wrong."""
        amount = amount_of(body.get("Amount"))
        phone = digits(body.get("PhoneNumber"))
        account = body.get("AccountReference")
        description = body.get("TransactionDesc", "")
        checks: dict[str, object] = {
            "TransactionType": body.get("TransactionType") in _TRANSACTION_TYPES,
            "Amount": amount >= 1,
            "PartyA": MSISDN.fullmatch(digits(body.get("PartyA"))),
            "PartyB": SHORT_CODE.fullmatch(digits(body.get("PartyB"))),
            "PhoneNumber": MSISDN.fullmatch(phone) and self._app.is_registered(phone),
            "CallBackURL": is_url(body.get("CallBackURL")),
            "AccountReference": is_text(account, 1, 12),
            "TransactionDesc": is_text(description, 0, 13),
        }
        check(checks)
        now = datetime.now(EAST_AFRICA)
        reference = f"ws_CO_{now:%d%m%Y%H%M%S}{secrets.randbelow(10**7):07d}{phone[-9:]}"
        return Order(
            provider=self._app.name,
            dialect=self._app.dialect,
            reference=reference,
            our_reference=str(account),
            names={
                "CheckoutRequestID": reference,
                "MerchantRequestID": request_id(),
                "AccountReference": str(account),
                "TransactionType": body["TransactionType"],
                "PartyB": digits(body["PartyB"]),
            },
            msisdn=phone,
            amount=amount,
            text=f"{self._app.merchant}, account {account}",
            callback_url=body["CallBackURL"],
        )

    def _result(self, prompt: Prompt, code: int, description: str) -> Json:
        return {
            "ResponseCode": "0",
            "ResponseDescription": "The service request has been accepted successsfully",
            "MerchantRequestID": prompt.names["MerchantRequestID"],
            "CheckoutRequestID": prompt.reference,
            "ResultCode": str(code),
            "ResultDesc": description,
        }


def _query_result(prompt: Prompt) -> tuple[int, str]:
    code, description = _RESULTS[Outcome(prompt.state)]
    return code, _EXPIRED_IN_QUERY if prompt.state == Outcome.EXPIRED else description


def _metadata(prompt: Prompt, receipt: str) -> list[Json]:
    items: list[Json] = [
        {"Name": "Amount", "Value": float(prompt.amount)},
        {"Name": "MpesaReceiptNumber", "Value": receipt},
        {"Name": "TransactionDate", "Value": int(stamp(time.time()))},
        {"Name": "PhoneNumber", "Value": int(prompt.msisdn)},
    ]
    random.shuffle(items)
    return items
