"""Who a number is, what the merchant has, and the key to encrypt with. Fact sheet 4 and 10."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aiohttp import web

from simulator.airtel_money.app import AirtelApp
from simulator.airtel_money.envelopes import enveloped, refusal
from simulator.store.money import Account

KEY_ID = 100

_ACCOUNTS = {
    "COLL": Account.COLLECTION,
    "CASHIN": Account.COLLECTION,
    "DISB": Account.DISBURSEMENT,
    "CASHOUT": Account.DISBURSEMENT,
}


class LookUps:
    """Questions that move nothing. Their fields are unverified in the sheet."""

    def __init__(self, app: AirtelApp) -> None:
        self._app = app

    def routes(self) -> list[web.RouteDef]:
        ask = self._app.authorised
        return [
            web.get("/v1/rsa/encryption-keys", ask("look_up", self.encryption_keys)),
            web.get("/standard/{version:v[12]}/users/balance", ask("look_up", self.balance)),
            web.get(r"/standard/v1/users/{msisdn:\d+}", ask("look_up", self.user)),
        ]

    async def encryption_keys(self, _: web.Request) -> web.Response:
        valid_upto = datetime.now(UTC) + timedelta(days=365)
        data = {
            "key_id": KEY_ID,
            "key": self._app.key.public_text,
            "valid_upto": f"{valid_upto:%d-%m-%Y %H:%M:%S}",
        }
        return enveloped(data, message="SUCCESS", response_code="DP02010001001")

    async def balance(self, request: web.Request) -> web.Response:
        account = _ACCOUNTS.get(request.query.get("type", "COLL").upper(), Account.COLLECTION)
        balance = self._app.bank.account(self._app.name, account).now
        data = {"balance": str(balance), "currency": "TZS", "account_status": "Active"}
        # The sheet has no code for it; airtelmoney-py 1.0.6 takes this one for success.
        return enveloped(data, message="SUCCESS", response_code="DP02100000001")

    async def user(self, request: web.Request) -> web.Response:
        msisdn = request.match_info["msisdn"]
        if len(msisdn) != 9 or not self._app.is_registered(f"255{msisdn}"):
            return refusal(response_code="DP02200000000", message="Msisdn Not Found")
        data = {
            "first_name": "ASHA",
            "last_name": "JUMA",
            "grade": "SUBS",
            "is_barred": False,
            "is_pin_set": True,
            "msisdn": msisdn,
        }
        return enveloped(data, message="SUCCESS", response_code="DP02200000001")
