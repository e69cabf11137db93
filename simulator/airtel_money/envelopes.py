"""The shapes of Airtel's answers: the envelope, the router's, the token's. Fact sheet 2, 3 and 11."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from simulator.provider import Json, answer

_ROUTER = {
    "ROUTER001": "Wallet is not configured.",
    "ROUTER003": "Missing request header or body parameter",
    "ROUTER005": "Country route is missing.",
    "ROUTER006": "Invalid country code provided.",
    "ROUTER007": "Not authorised for the country.",
    "ROUTER110": "Partner not found",
    "ROUTER112": "Invalid currency provided.",
    "ROUTER114": "PIN validation error",
    "ROUTER115": "Wrong PIN",
    "ROUTER116": "Wrong PIN encryption",
    "ROUTER117": "An error occurred while generating the response.",
    "ROUTER119": "Currency is missing.",
}
_ESB = {
    "0000900": "Transaction might be in ambiguous state",
    "ESB000001": "Something went wrong",
    "ESB000004": "An error occurred while initiating the payment",
    "ESB000008": "Field validation",
    "ESB000011": "Failed",
    "ESB000014": "An error occurred while fetching the transaction status",
    "ESB000033": "Invalid Msisdn Length. Msisdn Length should be 9",
    "ESB000034": "Invalid Country Name",
    "ESB000035": "Invalid Currency Code",
    "ESB000039": "Vendor is not configured to do transaction in the country",
    "ESB000041": "External Transaction ID already exists.",
    "ESB000045": "No Transaction Found With Provided Transaction Id.",
}


def enveloped(
    data: Json, *, message: str, response_code: str = "", success: bool = True, **status: Any
) -> web.Response:
    """An HTTP 200 with data. `success` may lie; `status` changes single facts of the status."""
    facts: Json = {
        "code": "200",
        "message": message,
        "result_code": "ESB000010",
        "success": success,
        **status,
    }
    if response_code:
        facts["response_code"] = response_code
    return answer({"data": data, "status": facts})


def refusal(status: int = 200, code: str = "400", **facts: Any) -> web.Response:
    """A refusal in the envelope, which is mostly an HTTP 200."""
    return answer({"status": {"code": code, "success": False, **facts}}, status)


def esb_refusal(result_code: str, *, status: int = 200, **facts: Any) -> web.Response:
    message = _ESB.get(result_code, "Something went wrong")
    return refusal(status, **{"result_code": result_code, "message": message, **facts})


def router_error(status: int, code: str) -> web.Response:
    body = {"status_message": _ROUTER.get(code, "Router error"), "status_code": code}
    return answer(body, status)


def token_error(error: str, description: str, status: int = 400) -> web.Response:
    return answer({"error": error, "error_description": description}, status)
