"""What every client of ours does with `requests`: patience, a limit, the proof of not having sent."""

from __future__ import annotations

import ssl
from time import monotonic
from typing import Any

import requests
import urllib3

CONNECT_SECONDS = 5
ANSWER_BYTES_MAX = 256 * 1024
TIME_OUTS = (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)


def read_capped(response: requests.Response, deadline: float) -> bytes:
    """The body, cut at ANSWER_BYTES_MAX; a body that drips past the deadline is no answer."""
    body = bytearray()
    # What has arrived, not a full buffer: a body sent byte by byte must meet the deadline too.
    while chunk := response.raw.read1(8192, decode_content=True):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            break
        if monotonic() > deadline:
            raise requests.exceptions.ReadTimeout("the answer came too slowly")
    return bytes(body)


def never_connected(error: requests.exceptions.ConnectionError) -> bool:
    """True when no byte of the request can have left: refused, unresolved, or an untrusted peer."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause: Any = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, urllib3.exceptions.ProxyError):
        reason = reason.original_error
    if isinstance(reason, urllib3.exceptions.SSLError):
        return bool(reason.args) and isinstance(reason.args[0], ssl.SSLCertVerificationError)
    return isinstance(
        reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError
    )
