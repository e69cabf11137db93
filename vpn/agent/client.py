"""The three calls of docs/agent-protocol.md, over verified TLS."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from requests.auth import AuthBase

from vpn.agent.state import Answer, Malformed, read_answer

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5
READ_SECONDS = 20
WAIT_SECONDS = 25  # how long the server may hold a question; the protocol's most


class ServerAway(Exception):
    """No usable answer: no connection, a time-out, a fault of the server's. Ask again later."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class GatewayUnknown(Exception):
    """The server does not take our secret."""


class Refused(Exception):
    """The server understood and said no; `str()` is its sentence."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    gateway_id: int
    secret: str


@dataclass(frozen=True, slots=True)
class Question:
    """Which state the agent has; without a revision it needs the whole."""

    epoch: str
    revision: int | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class NothingNew:
    retry_after: float  # seconds; 0 is to ask again at once


class Client:
    """Not for two threads at once: each has its own."""

    def __init__(self, url: str, secret: Callable[[], str]) -> None:
        self._url = url
        self._session = requests.Session()
        # As an object, so that no ~/.netrc of the machine can take its place.
        self._session.auth = _Bearer(secret)

    def state(self, question: Question, *, wait: int = WAIT_SECONDS) -> Answer | NothingNew:
        """Ask for what is new. Raises ServerAway, GatewayUnknown, Refused."""
        asked: dict[str, str | int] = {"epoch": question.epoch, "wait": wait}
        if question.revision is not None and question.digest is not None:
            asked |= {"revision": question.revision, "digest": question.digest}
        answer = self._call(
            "GET", "/agent/v1/state", params=asked, read_seconds=READ_SECONDS + wait
        )
        if answer.status_code == 204:
            return NothingNew(retry_after=_retry_after(answer) or 0)
        try:
            return read_answer(_json(answer))
        except Malformed as problem:
            raise ServerAway(f"the state has not the protocol's shape ({problem})") from problem

    def report(self, body: bytes) -> frozenset[int]:
        """Deliver a report: the peers in it that the server says are not this gateway's.

        Raises ServerAway, GatewayUnknown, Refused. Safe to repeat with the same bytes.
        """
        answer = _json(self._call("POST", "/agent/v1/report", data=body))
        try:
            return frozenset(int(peer) for peer in answer["unknown"])
        except (KeyError, TypeError, ValueError) as problem:
            raise ServerAway("the answer to a report has not the protocol's shape") from problem

    def _call(
        self, method: str, path: str, *, read_seconds: float = READ_SECONDS, **options: Any
    ) -> requests.Response:
        return _answered(self._session, method, self._url + path, read_seconds, options)


def enrol(url: str, *, token: str, public_key: str, version: str) -> Enrolment:
    """Exchange a one-time token for the gateway's secret. Raises ServerAway, Refused.

    Safe to repeat with the same key while the token is good.
    """
    body = {"token": token, "public_key": public_key, "version": version}
    with requests.Session() as session:
        session.auth = _nobody
        try:
            answer = _json(
                _answered(session, "POST", f"{url}/agent/v1/enrol", READ_SECONDS, {"json": body})
            )
        except GatewayUnknown as refusal:  # here a 401 speaks of the token
            raise Refused(str(refusal)) from refusal
    try:
        return Enrolment(gateway_id=int(answer["gateway_id"]), secret=str(answer["secret"]))
    except (KeyError, TypeError, ValueError) as problem:
        raise ServerAway("the answer has not the protocol's shape") from problem


class _Bearer(AuthBase):
    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._secret()}"
        return request


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _answered(
    session: requests.Session, method: str, url: str, read_seconds: float, options: dict[str, Any]
) -> requests.Response:
    """An answer of 200, 201 or 204; all others are raised."""
    headers = {"Accept": "application/json"}
    if "data" in options:
        headers["Content-Type"] = "application/json"
    try:
        answer = session.request(
            method,
            url,
            headers=headers,
            timeout=(CONNECT_SECONDS, read_seconds),
            allow_redirects=False,  # the secret goes to one server only
            **options,
        )
    except requests.RequestException as problem:
        raise ServerAway(f"{type(problem).__name__}: {problem}") from problem
    if answer.status_code in (200, 201, 204):
        return answer
    reason = _reason(answer)
    if answer.status_code == 401:
        raise GatewayUnknown(reason)
    if 400 <= answer.status_code < 500 and answer.status_code not in (408, 429):
        raise Refused(reason)
    raise ServerAway(reason, _retry_after(answer))


def _reason(answer: requests.Response) -> str:
    try:
        return f"{answer.status_code} {answer.json()['message']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} without a reason"


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError as problem:
        raise ServerAway(f"{answer.status_code} with a body that is no JSON") from problem


def _retry_after(answer: requests.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None
