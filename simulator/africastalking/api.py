"""Africa's Talking: `POST /version1/messaging`, the balance, reports by forms."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlencode

from aiohttp import web

from simulator.config import AfricasTalkingConfig
from simulator.phones import Receiving
from simulator.provider import Json, Refused, World, answer
from simulator.sms import SmsApi, parts
from simulator.store.calls import CallbackRequest
from simulator.store.texts import Text

BASE = "/africastalking"
PRICE = 22  # TZS for each part
QUEUED = 102
STATUSES = {
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}
UNWANTED = 406
REPORT_WORDS = {
    "pending": "Submitted",
    "delivered": "Success",
    "undelivered": "Failed",
    "strange": "AbsentSubscriber",
}
NETWORKS = {
    **dict.fromkeys(("65", "67", "70", "71"), "64002"),
    "77": "64003",
    **dict.fromkeys(("66", "68", "69", "78"), "64005"),
    "73": "64007",
    **dict.fromkeys(("61", "62", "63"), "64009"),
}
VODACOM = "64004"
SHARED_SENDER = "AFRICASTKNG"  # of whoever names none
SANDBOX = "sandbox"  # where any name works

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

_NUMBER = re.compile(r"\+255[67][0-9]{8}")


class AfricasTalking(SmsApi):
    """One application."""

    name = "africastalking"
    dialect = "africastalking"
    title = "Africa's Talking"
    prefixes = (f"{BASE}/",)
    codes = STATUSES
    refusals = {Receiving.INVALID_NUMBER: 403, Receiving.NO_CREDIT: 405}

    def __init__(self, config: AfricasTalkingConfig, world: World) -> None:
        super().__init__(world)
        self._config = config
        self.report_url = config.report_url

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{BASE}/version1/messaging", self.operation("send", self.send)),
            web.get(f"{BASE}/version1/user", self.operation("balance", self.balance)),
        ]

    async def send(self, request: web.Request) -> web.Response:
        """Answers for each recipient (2.2)."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self._check_key(request, form.get("username", ""))
        text = form.get("message", "")
        if not text or not form.get("to"):
            return web.Response(status=400, text="Request is missing required form field")
        sender = form.get("from") or SHARED_SENDER
        if sender not in (self._config.sender, SHARED_SENDER) and form["username"] != SANDBOX:
            return _answered("InvalidSenderId", [])
        found: list[Json] = []
        for number in form["to"].split(","):
            recipient, sent = self._sent(number.strip(), text, sender)
            found.append(recipient)
            if sent is not None and (await self.told(sent, web.Response())).status >= 500:
                return self.error(500)
        count = sum(each["statusCode"] == QUEUED for each in found)
        cost = PRICE * parts(text) * count
        told = (
            f"Sent to {count}/{len(found)} Total Cost: TZS {cost}.0000 Message parts: {parts(text)}"
        )
        return _answered(told, found)

    async def balance(self, request: web.Request) -> web.Response:
        self._check_key(request, request.query.get("username", ""))
        return answer({"UserData": {"balance": f"TZS {self.credit * PRICE}.0000"}})

    def opt_out(self, msisdn: str) -> None:
        """From then on the phone is on the black list (2.4)."""
        self.store.memory.keep_document(_opt_out(msisdn), "out")
        told = urlencode({"senderId": self._config.sender, "phoneNumber": f"+{msisdn}"})
        if self.report_url:
            call = CallbackRequest(self.report_url, FORM, told.encode())
            self.world.sender.queue(_opt_out(msisdn), [call], seconds=0)

    def refusal_of(self, msisdn: str, text: str) -> int | None:
        is_out = self.store.memory.document(_opt_out(msisdn))
        return UNWANTED if is_out else super().refusal_of(msisdn, text)

    def report(self, text: Text, word: str) -> CallbackRequest:
        facts = {
            "id": text.reference,
            "status": REPORT_WORDS[word],
            "phoneNumber": f"+{text.msisdn}",
            "networkCode": NETWORKS.get(text.msisdn[3:5], VODACOM),
            "retryCount": "0",
        }
        if word == "undelivered":
            facts["failureReason"] = "DeliveryFailure"
        return CallbackRequest(self.report_url, FORM, urlencode(facts).encode())

    def error(self, status: int, code: str = "") -> web.Response:
        """With a code, the answer of a request whose only recipient met it."""
        if code.isdecimal() and int(code) in STATUSES:
            return _answered("Sent to 0/1 Total Cost: 0", [_recipient("", int(code))])
        return web.Response(status=status, text="Internal Server Error")

    def no_such_path(self, status: int) -> web.Response:
        return web.Response(status=status, text="The requested resource could not be found.")

    def _sent(self, number: str, text: str, sender: str) -> tuple[Json, Text | None]:
        msisdn = number.removeprefix("+")
        if not _NUMBER.fullmatch(number):
            return _recipient(number, 403), None
        if code := self.refusal_of(msisdn, text):
            return _recipient(number, code), None
        receiving = self.receiving_of(msisdn, text)
        reference = f"ATXid_{secrets.token_hex(16)}"
        sent = self.take(
            reference=reference,
            sender=sender,
            msisdn=msisdn,
            text=text,
            receiving=receiving,
        )
        if receiving is Receiving.IN_DOUBT:
            return _recipient(number, 500), sent
        cost = f"TZS {PRICE * sent.parts}.0000"
        return _recipient(number, QUEUED, "Success", reference, cost), sent

    def _check_key(self, request: web.Request, username: str) -> None:
        """A wrong one is answered in plain text (2.2, trap 2)."""
        given = (username, request.headers.get("apiKey", ""))
        if given != (self._config.username, self._config.api_key):
            words = "The supplied authentication is invalid"
            raise Refused(web.Response(status=401, text=words))


def _opt_out(msisdn: str) -> str:
    return f"opt-out:{msisdn}"


def _recipient(
    number: str, code: int, status: str = "", message_id: str = "None", cost: str = "0"
) -> Json:
    return {
        "statusCode": code,
        "number": number,
        "status": status or STATUSES[code],
        "cost": cost,
        "messageId": message_id,
    }


def _answered(words: str, recipients: list[Json]) -> web.Response:
    return answer({"SMSMessageData": {"Message": words, "Recipients": recipients}}, 201)
