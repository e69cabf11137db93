"""Pull: what came in during the last 48 hours. Fact sheet 2.7."""

from __future__ import annotations

import time
from datetime import datetime

from aiohttp import web

from simulator.mpesa_daraja.app import DarajaApp
from simulator.mpesa_daraja.errors import request_id
from simulator.mpesa_daraja.fields import EAST_AFRICA, are_urls, check, digits, is_text
from simulator.provider import Json, answer
from simulator.store.money import Movement

PAGE = 1000

_DOCUMENT = "mpesa_daraja pull"
_SECONDS = 48 * 3600


class Pull:
    """The product that lists a short code's incoming money."""

    def __init__(self, app: DarajaApp) -> None:
        self._app = app

    def routes(self) -> list[web.RouteDef]:
        return [
            self._app.post("/pulltransactions/v1/register", "register", self.register),
            self._app.post("/pulltransactions/v1/query", "query", self.query),
        ]

    async def register(self, request: web.Request) -> web.Response:
        body = await self._app.authorised_body(request)
        check(
            {
                "ShortCode": digits(body.get("ShortCode")) == self._app.config.short_code,
                "RequestType": body.get("RequestType") == "Pull",
                "NominatedNumber": is_text(digits(body.get("NominatedNumber")), 9, 13),
                **are_urls(body, "CallBackURL"),
            }
        )
        is_known = bool(self._app.store.memory.document(_DOCUMENT))
        self._app.store.memory.keep_document(_DOCUMENT, "registered")
        return self._answer(
            "1001" if is_known else "1000", "Already registered" if is_known else "Success"
        )

    async def query(self, request: web.Request) -> web.Response:
        body = await self._app.authorised_body(request)
        start, end = _moment(body.get("StartDate")), _moment(body.get("EndDate"))
        offset = digits(body.get("OffSetValue", "0"))
        check(
            {
                "ShortCode": digits(body.get("ShortCode")) == self._app.config.short_code,
                "StartDate": start,
                "EndDate": end,
                "OffSetValue": offset.isdecimal(),
            }
        )
        oldest = max(start, time.time() - _SECONDS)
        rows = [
            _row(movement)
            for movement in self._app.store.money.movements_of(self._app.name)
            if movement.amount > 0 and oldest <= movement.moved_at < end + 1
        ][int(offset) : int(offset) + PAGE]
        if not rows:
            return self._answer("1001", "No transactions")
        return self._answer("1000", "Success", Response=[rows])

    def _answer(self, code: str, message: str, **more: object) -> web.Response:
        body = {
            "ResponseRefID": request_id(),
            "ResponseCode": code,
            "ResponseMessage": message,
            **more,
        }
        return answer(body)


def _moment(text: object) -> float:
    """Seconds of a `YYYY-MM-DD HH:MM:SS` in East Africa; 0 for anything else."""
    try:
        read = datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - in the next line
    except ValueError:
        return 0
    return read.replace(tzinfo=EAST_AFRICA).timestamp()


def _row(movement: Movement) -> Json:
    moved_at = datetime.fromtimestamp(movement.moved_at, EAST_AFRICA)
    return {
        "transactionId": movement.receipt,
        "trxDate": moved_at.isoformat(timespec="seconds"),
        "msisdn": movement.msisdn,
        "sender": "",
        "transactiontype": "c2b-pay-bill-debit",
        "billreference": movement.our_reference,
        "amount": f"{movement.amount}.00",
        "organizationname": "",
    }
