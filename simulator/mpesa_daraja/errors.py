"""Daraja's errors, and the names that it gives to requests."""

from __future__ import annotations

import secrets

from aiohttp import web

from simulator.provider import Refused, answer

_MESSAGES = {
    "400.002.05": "Bad Request - Invalid Request Payload",
    "400.008.01": "Invalid Authentication passed",
    "400.008.02": "Invalid grant type passed",
    "404.001.01": "Resource not found",
    "404.001.03": "Invalid Access Token",
    "404.001.04": "Invalid Authentication Header",
    "405.001": "Method Not Allowed",
    "500.002.1001": "Duplicate OriginatorConversationID.",
    "500.003.02": "System is busy. Please try again in few minutes.",
    "500.003.03": "Error Occurred: Quota Violation",
    "500.003.1001": "Internal Server Error",
}


def error(status: int, code: str, message: str = "") -> web.Response:
    """Fact sheet 2.2. Without a message, the code's usual one."""
    body = {
        "requestId": request_id(),
        "errorCode": code,
        "errorMessage": message or _MESSAGES.get(code, "Error Occurred"),
    }
    return answer(body, status)


def invalid(field: str) -> Refused:
    return Refused(error(400, "400.002.02", f"Bad Request - Invalid {field}"))


def server_error(message: str) -> Refused:
    return Refused(error(500, "500.001.1001", message))


def request_id() -> str:
    words = (secrets.token_hex(2) for _ in range(3))
    return f"{'-'.join(words)}-{secrets.token_hex(6)}{secrets.randbelow(10**6):06d}"


def conversation_id() -> str:
    """Like AG_20240706_2010325b025970fbc403."""
    return f"AG_{secrets.randbelow(10**8):08d}_{secrets.token_hex(10)}"
