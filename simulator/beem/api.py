"""Beem Africa: `POST /v1/send`, the balance, reports in JSON.

Ours where the sheet is silent: refusals come with 400, and with 401 where the login is wrong.
"""

from __future__ import annotations

import re

from aiohttp import web

from simulator.config import BeemConfig
from simulator.phones import Receiving
from simulator.provider import (
    Json,
    Refused,
    World,
    answer,
    basic_credentials,
    compact,
    json_object,
)
from simulator.sms import SmsApi
from simulator.store.calls import CallbackRequest
from simulator.store.texts import Text

BASE = "/beem"
WORDS = {
    100: "Message Submitted Successfully",
    101: "Invalid phone number",
    102: "Insufficient balance",
    103: "Network timeout",
    104: "Please provide all required parameters",
    105: "Account not found",
    106: "No route mapped to your account",
    107: "No authorization headers",
    108: "Invalid token",
}
REFUSALS = {Receiving.INVALID_NUMBER: 101, Receiving.NO_CREDIT: 102, Receiving.IN_DOUBT: 103}
REPORT_WORDS = {
    "pending": "PENDING",
    "delivered": "DELIVERED",
    "undelivered": "UNDELIVERED",
    "strange": "BUFFERED",
}

_MSISDN = re.compile(r"255[67][0-9]{8}")
_SENDER = re.compile(r"[^\x00-\x1f]{1,11}")


class Beem(SmsApi):
    """One account."""

    name = "beem"
    dialect = "beem"
    title = "Beem"
    prefixes = (f"{BASE}/",)

    def __init__(self, config: BeemConfig, world: World) -> None:
        super().__init__(world)
        self._login = (config.api_key, config.secret_key)
        self.report_url = config.report_url

    def routes(self) -> list[web.RouteDef]:
        balance = self.operation("balance", self.balance)
        return [
            web.post(f"{BASE}/v1/send", self.operation("send", self.send)),
            web.get(f"{BASE}/public/v1/vendors/balance", balance),
            web.get(f"{BASE}/public/v1/delivery-reports", self.operation("reports", self.reports)),
        ]

    async def send(self, request: web.Request) -> web.Response:
        """Answers with counts for all recipients together (1.1)."""
        self._check_login(request)
        body = await json_object(request) or {}
        sender, text = body.get("source_addr"), body.get("message")
        recipients = body.get("recipients")
        is_whole = isinstance(text, str) and text and body.get("encoding") in (0, "0")
        if not (is_whole and isinstance(sender, str) and _SENDER.fullmatch(sender)):
            raise Refused(_refusal(104))
        if not (isinstance(recipients, list) and recipients):
            raise Refused(_refusal(104))
        numbers = [str(each.get("dest_addr", "")) for each in recipients if isinstance(each, dict)]
        valid = list(dict.fromkeys(each for each in numbers if _MSISDN.fullmatch(each)))
        reference = f"{10_000_000 + self.store.memory.throw('beem request')}"
        response = _accepted(
            reference, len(recipients), len(valid), len(numbers) - len(set(numbers))
        )
        for msisdn in valid:
            receiving = self.receiving_of(msisdn, str(text))
            if not receiving.is_sent:
                raise Refused(_refusal(REFUSALS[receiving]))
            sent = self.take(
                reference=reference,
                sender=sender,
                msisdn=msisdn,
                text=str(text),
                receiving=receiving,
            )
            response = await self.told(sent, response)
            if receiving is Receiving.IN_DOUBT:
                response = _refusal(103)
        return response

    async def balance(self, request: web.Request) -> web.Response:
        self._check_login(request)
        return answer({"data": {"credit_balance": self.credit}})

    async def reports(self, request: web.Request) -> web.Response:
        """One report is an object, any other number of them an array (1.3)."""
        self._check_login(request)
        asked = request.query
        found: list[Json] = [
            {
                "dest_addr": text.msisdn,
                "request_id": text.reference,
                "status": REPORT_WORDS[self.word_of(text)],
            }
            for text in self.store.texts.of(self.name, asked.get("request_id", ""))
            if text.msisdn == asked.get("dest_addr", text.msisdn)
        ]
        return answer(found[0] if len(found) == 1 else found)

    def report(self, text: Text, word: str) -> CallbackRequest:
        body: Json = {
            "request_id": int(text.reference),
            "recipient_id": 1,
            "dest_addr": text.msisdn,
            "Status": REPORT_WORDS[word],
        }
        return CallbackRequest(self.report_url, {"Content-Type": "application/json"}, compact(body))

    def error(self, status: int, code: str = "") -> web.Response:
        if code.isdecimal():
            return _refusal(int(code), status)
        return answer({"message": "Internal server error"}, status)

    def no_such_path(self, status: int) -> web.Response:
        return answer({"message": "no Route matched with those values"}, status)

    def _check_login(self, request: web.Request) -> None:
        given = basic_credentials(request)
        if given is None:
            raise Refused(_refusal(107, 401))
        if given != self._login:
            raise Refused(_refusal(108, 401))


def _accepted(reference: str, asked: int, valid: int, duplicates: int) -> web.Response:
    return answer(
        {
            "successful": True,
            "request_id": int(reference),
            "code": 100,
            "message": WORDS[100],
            "valid": valid,
            "invalid": asked - valid - duplicates,
            "duplicates": duplicates,
        }
    )


def _refusal(code: int, status: int = 400) -> web.Response:
    return answer({"successful": False, "code": code, "message": WORDS.get(code, "")}, status)
