"""One POST to an SMS provider: answered, certainly not sent, or in doubt. It is never repeated here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import requests
import urllib3

from common.outgoing_http import (
    CONNECT_SECONDS,
    TIME_OUTS,
    never_connected,
    read_capped,
)
from notifications.channels.base import InDoubt, Misconfigured, NotAccepted, Unreachable

READ_SECONDS = 30
CONFIGURATION_STATUSES = frozenset({401, 403})
OUR_MISTAKES = frozenset({400, 404, 415, 422})
TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`json` is None when the body is no JSON object."""

    status: int
    json: dict[str, Any] | None


def post(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
    json_body: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
) -> Answer:
    """Any HTTP status is an answer. Raises Unreachable, InDoubt; neither tells what was sent."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.post(
                url,
                headers=dict(headers or {}),
                auth=login,
                json=json_body,
                data=form,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = read_capped(response, deadline=monotonic() + READ_SECONDS)
                return Answer(status=response.status_code, json=_json_object(body))
    except requests.exceptions.ConnectionError as error:
        failure = Unreachable if never_connected(error) else InDoubt
        raise failure(type(error).__name__) from error
    except (*TIME_OUTS, OSError, urllib3.exceptions.HTTPError, UnicodeError) as error:
        raise InDoubt(type(error).__name__) from error


def refusal_by_status(status: int) -> NotAccepted | InDoubt:
    """What an answer means whose body says nothing that we know (fact sheet, 8)."""
    if status in CONFIGURATION_STATUSES:
        return Misconfigured(f"HTTP {status}")
    if status in OUR_MISTAKES:
        return NotAccepted(f"HTTP {status}", permanent=True)
    if status == TOO_MANY:
        return NotAccepted(f"HTTP {status}")
    return InDoubt(f"HTTP {status}")


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
