"""Beem Africa: `POST /v1/send`, the balance, reports in JSON.

Ours where the sheet is silent: refusals come with 400, and with 401 where the login is wrong.
"""

from __future__ import annotations

import json
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
from simulator.sms import SmsApi, parts
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
BAD_NUMBER = 101
NO_BALANCE = 102
UNAUTHORIZED = frozenset({107, 108})
ENCODINGS = (*range(9), "0")  # plain, and whatever UCS-2 is: 8 in one library, 1 in another (1.1)
REPORT_WORDS = {
    "pending": "PENDING",
    "delivered": "DELIVERED",
    "undelivered": "UNDELIVERED",
    "strange": "BUFFERED",
}

_MSISDN = re.compile(r"255[67][0-9]{8}")
_SENDER = re.compile(r"[^\x00-\x1f]{1,11}|\+?[0-9]{12,15}")  # a name, or an international number


class Beem(SmsApi):
    """One account."""

    name = "beem"
    dialect = "beem"
    title = "Beem"
    prefixes = (f"{BASE}/",)
    codes = {code: words for code, words in WORDS.items() if code != 100}
    refusals = {Receiving.INVALID_NUMBER: BAD_NUMBER, Receiving.NO_CREDIT: NO_BALANCE}

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
        is_whole = isinstance(text, str) and text and body.get("encoding") in ENCODINGS
        if not (is_whole and isinstance(sender, str) and _SENDER.fullmatch(sender)):
            raise Refused(_refusal(104))
        if not (isinstance(recipients, list) and recipients):
            raise Refused(_refusal(104))
        named = [each for each in recipients if isinstance(each, dict)]
        # Of a number that comes twice the first counts.
        readers = {str(each.get("dest_addr")): each.get("recipient_id") for each in named[::-1]}
        taken = self._taken(readers, str(text))
        reference = f"{10_000_000 + self.store.memory.throw('beem request')}"
        response = _accepted(
            reference, len(recipients), len(taken), duplicates=len(named) - len(readers)
        )
        for msisdn in taken:
            receiving = self.receiving_of(msisdn, str(text))
            sent = self.take(
                reference=reference,
                sender=sender,
                msisdn=msisdn,
                text=str(text),
                receiving=receiving,
                recipient=json.dumps(readers[msisdn]),
            )
            response = await self.told(sent, response)
            if receiving is Receiving.IN_DOUBT:
                response = _refusal(103)
        return response

    def _taken(self, readers: dict[str, object], text: str) -> list[str]:
        """The numbers that it sends to. One that is bad is counted, unless there is no other.

        Raises Refused before anything is sent.
        """
        numbers = [each for each in reversed(readers) if _MSISDN.fullmatch(each)]
        codes = {msisdn: self.refusal_of(msisdn, text) for msisdn in numbers}
        taken = [msisdn for msisdn, code in codes.items() if code is None]
        refusals = [code for code in codes.values() if code and code != BAD_NUMBER]
        if parts(text) * len(taken) > self.credit:
            refusals.append(NO_BALANCE)
        if not taken and BAD_NUMBER in codes.values():
            refusals.append(BAD_NUMBER)
        if refusals:
            raise Refused(_refusal(refusals[0]))
        return taken

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
            "recipient_id": json.loads(text.recipient),
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
            raise Refused(_refusal(107))
        if given != self._login:
            raise Refused(_refusal(108))


def _accepted(reference: str, asked: int, valid: int, *, duplicates: int) -> web.Response:
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


def _refusal(code: int, status: int | None = None) -> web.Response:
    status = status or (401 if code in UNAUTHORIZED else 400)
    return answer({"successful": False, "code": code, "message": WORDS.get(code, "")}, status)
