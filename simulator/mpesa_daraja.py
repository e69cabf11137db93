"""M-Pesa in the Daraja dialect: OAuth, STK push, STK query and its callback.

Read from the M-Pesa fact sheet, dialect 2. Ours alone: it takes Tanzanian numbers beside Kenyan
ones, and plain http callback URLs where the host is not a public name.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import random
import re
import secrets
import string
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from aiohttp import web

from simulator.config import MpesaConfig
from simulator.phones import Outcome, Scenario
from simulator.provider import (
    Handler,
    Json,
    Provider,
    World,
    answer,
    basic_credentials,
    bearer_token,
    json_object,
    whole_amount,
)
from simulator.store import CallbackRequest, Order, Prompt

EAST_AFRICA = timezone(timedelta(hours=3))
TOKEN_SECONDS = 3599

_MSISDN = re.compile(r"254[17][0-9]{8}|255[67][0-9]{8}")
_SHORT_CODE = re.compile(r"[0-9]{5,7}")
_TIMESTAMP = re.compile(r"[0-9]{14}")
_WORDS_REFUSED_IN_URLS = re.compile(r"mpesa|safaricom|exe|cmd|sql|query")
_TRANSACTION_TYPES = ("CustomerPayBillOnline", "CustomerBuyGoodsOnline")

_MESSAGES = {
    "400.002.05": "Bad Request - Invalid Request Payload",
    "400.008.01": "Invalid Authentication passed",
    "400.008.02": "Invalid grant type passed",
    "404.001.01": "Resource not found",
    "404.001.03": "Invalid Access Token",
    "404.001.04": "Invalid Authentication Header",
    "405.001": "Method Not Allowed",
    "500.003.02": "System is busy. Please try again in few minutes.",
    "500.003.03": "Error Occurred: Quota Violation",
    "500.003.1001": "Internal Server Error",
}
_RESULTS: dict[Outcome, tuple[int, str]] = {
    Outcome.PAID: (0, "The service request is processed successfully."),
    Outcome.INSUFFICIENT_FUNDS: (1, "The balance is insufficient for the transaction."),
    Outcome.CANCELLED: (1032, "Request Cancelled by user."),
    Outcome.EXPIRED: (1037, "No response from user."),
    Outcome.WRONG_PIN: (2001, "The initiator information is invalid."),
    Outcome.NOT_PERMITTED: (2028, "The request is not permitted according to product assignment."),
}
_EXPIRED_IN_QUERY = "DS timeout user cannot be reached"


class Refused(Exception):
    """The request gets an error; `response` is the whole answer."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.text)
        self.response = response


class MpesaDaraja(Provider):
    """One Daraja app with one short code."""

    name = "vodacom_mpesa"
    title = "M-Pesa"
    prefixes = ("/oauth/", "/mpesa/")

    def __init__(self, config: MpesaConfig, world: World) -> None:
        super().__init__(world)
        self.config = config

    def routes(self) -> list[web.RouteDef]:
        push = "/mpesa/stkpush/v1/processrequest"
        query = "/mpesa/stkpushquery/v1/query"
        return [
            web.get("/oauth/v1/generate", self.operation("token", self.generate), allow_head=False),
            web.post(push, self.operation("collect", self._refusing(self.process_request))),
            web.post(query, self.operation("query", self._refusing(self.query))),
        ]

    async def generate(self, request: web.Request) -> web.Response:
        """Fact sheet 2.1. A new token ends the one before."""
        header = request.headers.get("Authorization", "")
        if header.partition(" ")[0].lower() != "basic":
            return self.error(400, "400.008.01")
        if request.query.get("grant_type") != "client_credentials":
            return self.error(400, "400.008.02")
        given = basic_credentials(request)
        if given is None:
            return self.error(400, "400.008.01")
        if given != (self.config.consumer_key, self.config.consumer_secret):
            return web.Response(status=400)  # the real one says nothing more, either
        letters = string.ascii_letters + string.digits
        token = "".join(secrets.choice(letters) for _ in range(28))
        self.store.keep_token(self.name, token, seconds=TOKEN_SECONDS, is_only=True)
        return answer({"access_token": token, "expires_in": str(TOKEN_SECONDS)})

    async def process_request(self, request: web.Request) -> web.Response:
        """Fact sheet 2.2. Nothing makes two equal requests one."""
        body = await self._authorised_body(request)
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
        return await self.push(order, answer(accepted))

    async def query(self, request: web.Request) -> web.Response:
        """Fact sheet 2.4. While the phone is asked, the two ways of saying so take turns."""
        body = await self._authorised_body(request)
        self._check_merchant(body)
        reference = body.get("CheckoutRequestID")
        if not (isinstance(reference, str) and reference):
            raise self._invalid("CheckoutRequestID")
        self._check_password(body)
        prompt = self.store.prompt_by_reference(self.name, reference)
        if prompt is None:
            raise self._server_error("The transaction does not exist")
        if not prompt.is_waiting:
            return answer(self._result(prompt, *_query_result(prompt)))
        self.store.count_query(prompt.id)
        if prompt.queries % 2:
            raise self._server_error("The transaction is being processed")
        return answer(self._result(prompt, 4999, "The transaction is still under processing"))

    def new_receipt(self, prompt: Prompt) -> str:
        """Ten capital letters and digits."""
        return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(10))

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
                "Businessshortcode": self.config.short_code,
            },
            body=json.dumps({"Body": {"stkCallback": result}}, separators=(",", ":")).encode(),
        )

    def error(self, status: int, code: str = "") -> web.Response:
        code = code or "500.003.1001"
        return _error(status, code, _MESSAGES.get(code, "Error Occurred"))

    def no_such_path(self, status: int) -> web.Response:
        return self.error(status, "405.001" if status == 405 else "404.001.01")

    def scenario_of(self, order: Order) -> Scenario:
        is_pay_bill = order.names["TransactionType"] == "CustomerPayBillOnline"
        if is_pay_bill and order.names["PartyB"] != self.config.short_code:
            return Scenario.NOT_PERMITTED
        return super().scenario_of(order)

    def _refusing(self, handler: Handler) -> Handler:
        async def refusing(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except Refused as refused:
                return refused.response

        return refusing

    async def _authorised_body(self, request: web.Request) -> Json:
        token = bearer_token(request)
        if not token:
            raise Refused(self.error(404, "404.001.04"))
        if not self.store.is_token(self.name, token):
            raise Refused(self.error(404, "404.001.03"))
        body = await json_object(request)
        if body is None:
            raise Refused(self.error(400, "400.002.05"))
        return body

    def _check_merchant(self, body: Json) -> None:
        """The form of what says who asks."""
        if not _SHORT_CODE.fullmatch(_digits(body.get("BusinessShortCode"))):
            raise self._invalid("BusinessShortCode")
        if not isinstance(body.get("Password"), str) or not _base64(body["Password"]):
            raise self._invalid("Password")
        if not _is_timestamp(_digits(body.get("Timestamp"))):
            raise self._invalid("Timestamp")

    def _check_password(self, body: Json) -> None:
        """Whether the one who asks is our merchant, checked when the rest is well-formed."""
        if _digits(body["BusinessShortCode"]) != self.config.short_code:
            raise self._server_error("Merchant does not exist")
        timestamp = _digits(body["Timestamp"])
        expected = f"{self.config.short_code}{self.config.passkey}{timestamp}".encode()
        if not secrets.compare_digest(_base64(body["Password"]), expected):
            raise self._server_error("Wrong credentials")

    def _order(self, body: Json) -> Order:
        """Raises Refused with the first field that is wrong."""
        amount = _amount(body.get("Amount"))
        phone = _digits(body.get("PhoneNumber"))
        account = body.get("AccountReference")
        description = body.get("TransactionDesc", "")
        checks = {
            "TransactionType": body.get("TransactionType") in _TRANSACTION_TYPES,
            "Amount": amount >= 1,
            "PartyA": _MSISDN.fullmatch(_digits(body.get("PartyA"))),
            "PartyB": _SHORT_CODE.fullmatch(_digits(body.get("PartyB"))),
            "PhoneNumber": _MSISDN.fullmatch(phone) and self.is_registered(phone),
            "CallBackURL": _is_callback_url(body.get("CallBackURL")),
            "AccountReference": isinstance(account, str) and 1 <= len(account.strip()) <= 12,
            "TransactionDesc": isinstance(description, str) and len(description) <= 13,
        }
        for field, is_right in checks.items():
            if not is_right:
                raise self._invalid(field)
        now = datetime.now(EAST_AFRICA)
        reference = f"ws_CO_{now:%d%m%Y%H%M%S}{secrets.randbelow(10**7):07d}{phone[-9:]}"
        return Order(
            provider=self.name,
            reference=reference,
            names={
                "CheckoutRequestID": reference,
                "MerchantRequestID": _request_id(),
                "AccountReference": str(account),
                "TransactionType": body["TransactionType"],
                "PartyB": _digits(body["PartyB"]),
            },
            msisdn=phone,
            amount=amount,
            text=f"{self.merchant}, account {account}",
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

    def _invalid(self, field: str) -> Refused:
        return Refused(_error(400, "400.002.02", f"Bad Request - Invalid {field}"))

    def _server_error(self, message: str) -> Refused:
        return Refused(_error(500, "500.001.1001", message))


def _error(status: int, code: str, message: str) -> web.Response:
    body = {"requestId": _request_id(), "errorCode": code, "errorMessage": message}
    return answer(body, status)


def _request_id() -> str:
    words = (secrets.token_hex(2) for _ in range(3))
    return f"{'-'.join(words)}-{secrets.token_hex(6)}{secrets.randbelow(10**6):06d}"


def _digits(value: object) -> str:
    """A field that may be written as a number or as a string."""
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, int | str) else ""


def _amount(value: object) -> int:
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdecimal() else 0
    return whole_amount(value) or 0


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_timestamp(text: str) -> bool:
    if not _TIMESTAMP.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=EAST_AFRICA)
    except ValueError:
        return False
    return True


def _is_callback_url(url: object) -> bool:
    """Public hosts as strictly as the real one; this machine and single names of a network freely."""
    if not isinstance(url, str) or re.search(r"[\s<>\"]", url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host:
        return False
    return _is_of_this_network(host) or _is_public_callback_url(url)


def _is_of_this_network(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def _is_public_callback_url(url: str) -> bool:
    return url.startswith("https://") and not _WORDS_REFUSED_IN_URLS.search(url.lower())


def _query_result(prompt: Prompt) -> tuple[int, str]:
    code, description = _RESULTS[Outcome(prompt.state)]
    return code, _EXPIRED_IN_QUERY if prompt.state == Outcome.EXPIRED else description


def _metadata(prompt: Prompt, receipt: str) -> list[Json]:
    paid_at = datetime.now(EAST_AFRICA)
    items: list[Json] = [
        {"Name": "Amount", "Value": float(prompt.amount)},
        {"Name": "MpesaReceiptNumber", "Value": receipt},
        {"Name": "TransactionDate", "Value": int(f"{paid_at:%Y%m%d%H%M%S}")},
        {"Name": "PhoneNumber", "Value": int(prompt.msisdn)},
    ]
    random.shuffle(items)
    return items
