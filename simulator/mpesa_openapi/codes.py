"""The INS codes with their HTTP statuses. Fact sheet 1.8."""

from __future__ import annotations

import secrets

from aiohttp import web

from simulator.provider import Json, answer

NOTHING = "N/A"  # what an error writes where an id belongs

CODES: dict[str, tuple[int, str]] = {
    "INS-0": (201, "Request processed successfully"),
    "INS-1": (400, "Internal Error"),
    "INS-6": (401, "Transaction Failed"),
    "INS-9": (408, "Request timeout"),
    "INS-10": (409, "Duplicate Transaction"),
    "INS-13": (400, "Invalid Shortcode Used"),
    "INS-15": (400, "Invalid Amount Used"),
    "INS-17": (400, "Invalid Transaction Reference. Length Should Be Between 1 and 20."),
    "INS-18": (400, "Invalid TransactionID Used"),
    "INS-20": (400, "Not All Parameters Provided. Please try again."),
    "INS-21": (400, "Parameter validations failed. Please try again."),
    "INS-23": (400, "Unknown Status. Contact M-Pesa Support"),
    "INS-26": (400, "Invalid Currency Used"),
    "INS-28": (400, "Invalid ThirdPartyConversationID Used"),
    "INS-30": (400, "Invalid Purchased Items Description Used"),
    "INS-31": (400, "Invalid Payment Items Description Used"),
    "INS-35": (400, "Transaction does not belong to the organisation"),
    "INS-989": (400, "Session Creation Failed"),
    "INS-990": (400, "Customer Transaction Value Limit Breached"),
    "INS-991": (400, "Customer Transaction Count Limit Breached"),
    "INS-992": (400, "Multiple Limits Breached"),
    "INS-993": (400, "Organisation Transaction Count Limit Breached"),
    "INS-994": (400, "Organisation Transaction Value Limit Breached"),
    "INS-995": (400, "API Single Transaction Limit Breached"),
    "INS-996": (400, "Organisation Transaction Outside Of Usage Hours"),
    "INS-997": (400, "API Not Enabled"),
    "INS-998": (400, "Invalid Market"),
    "INS-2006": (422, "Insufficient balance"),
    "INS-2051": (400, "MSISDN invalid."),
    "INS-6140": (400, "Transaction is being processed"),
}
BY_NUMBER = {int(code.removeprefix("INS-")): code for code in CODES if code != "INS-0"}


def new_conversation() -> str:
    """32 hexadecimal digits."""
    return secrets.token_hex(16)


def outcome(
    code: str, *, conversation: str = "", ours: str = "", transaction: str | None = None
) -> web.Response:
    """The five fields of every payment answer; an accepted one has no transaction id at all."""
    status, description = CODES.get(code, (400, "Unknown"))
    body: Json = {"output_ResponseCode": code, "output_ResponseDesc": description}
    if transaction is not None:
        body["output_TransactionID"] = transaction
    body["output_ConversationID"] = conversation or new_conversation()
    body["output_ThirdPartyConversationID"] = ours or NOTHING
    return answer(body, status)


def refusal(code: str, *, ours: str = "", status: int | None = None) -> web.Response:
    """An error: all five fields, with N/A for the transaction."""
    response = outcome(code, ours=ours, transaction=NOTHING)
    if status is not None and code not in CODES:
        response.set_status(status)
    return response
