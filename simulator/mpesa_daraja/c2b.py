"""C2B: bills that customers pay themselves, validated and confirmed at registered URLs.

Fact sheet 2.7. Ours alone: URLs may be registered again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time

from aiohttp import web

from simulator.bills import Verdict
from simulator.mpesa_daraja.app import DarajaApp
from simulator.mpesa_daraja.errors import request_id
from simulator.mpesa_daraja.fields import MSISDN, amount_of, are_urls, check, digits, is_text, stamp
from simulator.provider import Json, answer, compact
from simulator.store.bills import Bill
from simulator.store.calls import CallbackRequest

PATIENCE_SECONDS = 8

_DOCUMENT = "mpesa_daraja c2b"
_COMMANDS = ("CustomerPayBillOnline", "CustomerBuyGoodsOnline")


class C2b:
    """The product of customers' own payments, in two versions that differ in how they show a phone."""

    def __init__(self, app: DarajaApp) -> None:
        self._app = app
        self._simulated: set[asyncio.Task[Bill]] = set()

    def routes(self) -> list[web.RouteDef]:
        routes = []
        for version in ("v1", "v2"):
            path = f"/mpesa/c2b/{version}"
            routes += [
                self._app.post(f"{path}/registerurl", "register", self.register),
                self._app.post(f"{path}/simulate", "register", self.simulate),
            ]
        return routes

    async def register(self, request: web.Request) -> web.Response:
        body = await self._app.authorised_body(request)
        check(
            {
                "ShortCode": digits(body.get("ShortCode")) == self._app.config.short_code,
                "ResponseType": body.get("ResponseType") in ("Completed", "Cancelled"),
                **are_urls(body, "ConfirmationURL", "ValidationURL"),
            }
        )
        version = "v1" if "/v1/" in request.path else "v2"
        self._app.store.memory.keep_document(_DOCUMENT, json.dumps({**body, "version": version}))
        return _accepted("Success")

    async def simulate(self, request: web.Request) -> web.Response:
        """A customer who pays a bill, as the sandbox has one."""
        body = await self._app.authorised_body(request)
        msisdn = digits(body.get("Msisdn"))
        reference = body.get("BillRefNumber") or ""
        check(
            {
                "ShortCode": digits(body.get("ShortCode")) == self._app.config.short_code,
                "CommandID": body.get("CommandID") in _COMMANDS,
                "Amount": amount_of(body.get("Amount")) >= 1,
                "Msisdn": MSISDN.fullmatch(msisdn),
                "BillRefNumber": is_text(reference, 0, 20),
            }
        )
        paying = self._app.world.bills.pay(
            self._app.name,
            msisdn=msisdn,
            reference=str(reference),
            amount=amount_of(body["Amount"]),
        )
        task = asyncio.create_task(paying)
        self._simulated.add(task)
        task.add_done_callback(self._simulated.discard)
        return _accepted("Accept the service request successfully.")

    def new_receipt(self) -> str:
        return self._app.new_receipt()

    async def ask_about(self, bill: Bill, *, times: int) -> Verdict:
        """The validation, if there is one; without an answer in time the ResponseType decides."""
        urls = self._urls()
        if not (urls and self._app.behaviour.of(self._app.name, "validates_bills")):
            return Verdict(True, "Paid", [])
        asked = self._payload(bill.msisdn, bill.amount, bill.reference, bill.receipt)
        questions = []
        is_accepted = urls["ResponseType"] == "Completed"
        for _ in range(times):
            reply = await self._app.world.sender.ask(
                _call(urls["ValidationURL"], asked), patience_seconds=PATIENCE_SECONDS
            )
            questions.append(
                {"question": "validation", "asked": asked, "status": reply.status}
                | {"answer": reply.text}
            )
            code = _result_code(reply.text) if reply.status == 200 else None
            if code is not None:
                is_accepted = code == "0"
        return Verdict(is_accepted, "Paid" if is_accepted else "Refused by the merchant", questions)

    def paid_bill(self, bill: Bill) -> list[CallbackRequest]:
        return self.confirmation(
            msisdn=bill.msisdn, amount=bill.amount, reference=bill.reference, receipt=bill.receipt
        )

    def confirmation(
        self, *, msisdn: str, amount: int, reference: str, receipt: str
    ) -> list[CallbackRequest]:
        """The call about money that came in, when a URL for it is registered."""
        urls = self._urls()
        if not urls:
            return []
        payload = self._payload(msisdn, amount, reference, receipt)
        balance = self._app.bank.incoming(self._app.name, receipt)
        payload["OrgAccountBalance"] = f"{balance.balance}.00" if balance else ""
        return [_call(urls["ConfirmationURL"], payload)]

    def _payload(self, msisdn: str, amount: int, reference: str, receipt: str) -> Json:
        return {
            "TransactionType": "Pay Bill",
            "TransID": receipt,
            "TransTime": stamp(time.time()),
            "TransAmount": f"{amount}.00",
            "BusinessShortCode": self._app.config.short_code,
            "BillRefNumber": reference,
            "InvoiceNumber": "",
            "OrgAccountBalance": "",
            "ThirdPartyTransID": "",
            "MSISDN": self._shown(msisdn),
            "FirstName": "ASHA",
            "MiddleName": "",
            "LastName": "",
        }

    def _shown(self, msisdn: str) -> str:
        if self._urls().get("version") == "v1":
            return hashlib.sha256(msisdn.encode()).hexdigest()
        return f"{msisdn[:4]} ***** {msisdn[-3:]}"

    def _urls(self) -> Json:
        urls: Json = json.loads(self._app.store.memory.document(_DOCUMENT) or "{}")
        return urls


def _call(url: str, payload: Json) -> CallbackRequest:
    return CallbackRequest(url, {"Content-Type": "application/json"}, compact(payload))


def _result_code(text: str) -> str | None:
    try:
        body = json.loads(text)
    except ValueError:
        return None
    return str(body["ResultCode"]) if isinstance(body, dict) and "ResultCode" in body else None


def _accepted(description: str) -> web.Response:
    body = {
        "OriginatorCoversationID": request_id(),  # sic
        "ResponseCode": "0",
        "ResponseDescription": description,
    }
    return answer(body)
