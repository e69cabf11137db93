"""One call to an SMS provider: answered, certainly not sent, or in doubt. It is never repeated here."""

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
BEGINNINGS = (b"<", b"{", b"[")  # of what is written by a program


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`content` is the body's JSON, None when it is none."""

    status: int
    content: object

    @property
    def json(self) -> dict[str, Any] | None:
        """The body, if it is one JSON object."""
        return self.content if isinstance(self.content, dict) else None

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The body's objects, be it one or an array of them."""
        found = self.content if isinstance(self.content, list) else [self.content]
        return [each for each in found if isinstance(each, dict)]


def post(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
    json_body: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
) -> Answer:
    """Any HTTP status is an answer. Raises Unreachable, InDoubt; neither tells what was sent."""
    return _called("POST", url, headers=dict(headers or {}), auth=login, json=json_body, data=form)


def get(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Answer:
    """Any HTTP status is an answer. Raises Unreachable, InDoubt."""
    return _called("GET", url, headers=dict(headers or {}), auth=login, params=params)


def _called(method: str, url: str, **asked: Any) -> Answer:
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.request(
                method,
                url,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
                **asked,
            ) as response:
                body = read_capped(response, deadline=monotonic() + READ_SECONDS)
                return _answer(response.status_code, body)
    except requests.exceptions.ConnectionError as error:
        failure = Unreachable if never_connected(error) else InDoubt
        raise failure(type(error).__name__) from error
    except (*TIME_OUTS, OSError, urllib3.exceptions.HTTPError, UnicodeError) as error:
        raise InDoubt(type(error).__name__) from error


def refusal_by_status(status: int, words: str = "") -> NotAccepted | InDoubt:
    """What an answer means whose body says nothing that we know (fact sheet, 8)."""
    told = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    if status in CONFIGURATION_STATUSES:
        return Misconfigured(told)
    if status in OUR_MISTAKES:
        return NotAccepted(told, permanent=True)
    if status == TOO_MANY:
        return NotAccepted(told)
    return InDoubt(told)


def _answer(status: int, body: bytes) -> Answer:
    """A page of HTML or half an answer says nothing, whatever its status (fact sheet, 8); plain words
    are how a refusal may look.
    """
    try:
        return Answer(status=status, content=json.loads(body))
    except (ValueError, RecursionError) as error:
        if body.lstrip().startswith(BEGINNINGS):
            raise InDoubt(f"HTTP {status} with a page or half an answer") from error
        return Answer(status=status, content=None)
