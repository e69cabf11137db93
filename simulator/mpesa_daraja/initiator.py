"""Who may move the merchant's own money: the initiator, its credential, and how it hears results."""

from __future__ import annotations

import secrets

from aiohttp import web

from simulator.mpesa_daraja.app import DarajaApp
from simulator.mpesa_daraja.errors import conversation_id
from simulator.mpesa_daraja.fields import digits
from simulator.provider import Json, answer, compact
from simulator.store.calls import CallbackRequest

RESULTS: dict[str, str] = {
    "0": "The service request is processed successfully.",
    "1": "The balance is insufficient for the transaction.",
    "2": "Declined due to limit rule: less than the minimum transaction amount.",
    "3": "Declined due to limit rule: greater than the maximum transaction amount.",
    "4": "Declined due to limit rule: would exceed daily transfer limit.",
    "8": "Declined due to limit rule: would exceed the maximum balance.",
    "11": "The DebitParty is in an invalid state.",
    "15": "The transaction has a duplicate.",
    "17": "System internal error.",
    "18": "The initiator is not allowed to initiate this request.",
    "20": "The initiator cannot be found.",
    "21": "The initiator is not allowed to initiate this request.",
    "22": "The initiator is in an invalid state.",
    "26": "System busy. Please try again in few minutes.",
    "2001": "The initiator information is invalid.",
    "2006": "The account status does not allow this transaction.",
    "2028": "The request is not permitted according to product assignment.",
    "2040": "Credit Party customer type (Unregistered or Registered Customer) can't be supported.",
    "8006": "The security credential is locked.",
    "R000001": "The transaction has already been reversed.",
    "R000002": "The OriginalTransactionID is invalid.",
    "SFC_IC0003": "The operator does not exist.",
}


class Initiator:
    """Checks credentials, and writes acknowledgements and results. Fact sheet 2.6."""

    def __init__(self, app: DarajaApp) -> None:
        self._app = app

    def is_right(self, body: Json, name_field: str) -> bool:
        """Whether name and credential are the merchant's; what nobody told us is not checked."""
        config = self._app.config
        if config.initiator_name and body.get(name_field) != config.initiator_name:
            return False
        if not config.initiator_password:
            return True
        given = self._app.key.decrypted(str(body.get("SecurityCredential", "")))
        return any(
            secrets.compare_digest(each, config.initiator_password.encode()) for each in given
        )

    def is_party(self, value: object) -> bool:
        return digits(value) == self._app.config.short_code


def conversation(originator: str = "") -> dict[str, str]:
    """The two names of a request; without ours, the provider makes one."""
    return {
        "OriginatorConversationID": originator
        or f"{secrets.randbelow(10**5)}-{secrets.randbelow(10**8)}-1",
        "ConversationID": conversation_id(),
    }


def accepted(names: dict[str, str]) -> web.Response:
    return answer(
        {
            **names,
            "ResponseCode": "0",
            "ResponseDescription": "Accept the service request successfully.",
        }
    )


def result(
    *,
    names: Json,
    code: str,
    transaction_id: str,
    parameters: Json | None,
    url: str,
    timeout_url: str,
    as_text: bool = False,
) -> CallbackRequest:
    """The call to the ResultURL; parameters only when it went well. A code may be a text.

    With `as_text` all numbers are texts.
    """
    body: Json = {
        "ResultType": 0,
        "ResultCode": int(code) if code.isdecimal() and not as_text else code,
        "ResultDesc": RESULTS.get(code, "The request failed."),
        "OriginatorConversationID": names["OriginatorConversationID"],
        "ConversationID": names["ConversationID"],
        "TransactionID": transaction_id,
    }
    if parameters is not None:
        body["ResultParameters"] = {
            "ResultParameter": [
                {"Key": key, "Value": str(value) if as_text else value}
                for key, value in parameters.items()
            ]
        }
    # A list of one collapses to the object, as the real one's does.
    body["ReferenceData"] = {"ReferenceItem": {"Key": "QueueTimeoutURL", "Value": timeout_url}}
    return CallbackRequest(url, {"Content-Type": "application/json"}, compact({"Result": body}))


def timed_out(*, names: Json, url: str) -> CallbackRequest:
    """The call to the QueueTimeOutURL, of an undocumented shape."""
    body = {
        "OriginatorConversationID": names["OriginatorConversationID"],
        "ConversationID": names["ConversationID"],
    }
    return CallbackRequest(url, {"Content-Type": "application/json"}, compact(body))
