"""The one HTTP client of all providers: time-outs, proof of not having sent, tokens, redaction.

A provider's call ends in an `Exchange`, in `NotSent` (the provider cannot have processed it) or in
`NoAnswer` (it may have). A POST is never retried: a second one could be a second charge.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any, ClassVar, Protocol

import requests
import urllib3
from requests.adapters import HTTPAdapter

from common.outgoing_http import (
    ANSWER_BYTES_MAX,
    CONNECT_SECONDS,
    TIME_OUTS,
    never_connected,
    read_capped,
)
from payments.providers.base import Answer, Outcome, Reason, Withheld
from payments.providers.wire import decode, header, json_object, member, text

READ_SECONDS = 30  # who waits longer waits for a customer's PIN
REPEAT_AFTER_SECONDS = (0.2, 1.0)
REFRESH_EARLY_SECONDS = 30
SHOWN_CHARACTERS_MAX = 500
SECRET_CHARACTERS_MIN = 6  # blanking shorter ones would eat innocent text
REDACTED = "[redacted]"

MSISDN_IN_TEXT = re.compile(r"(?<![\w.-])\+?(255\d{9}|0?[67]\d{8})(?![.-]?\w)", re.ASCII)

SECRET_NAMES = frozenset(
    name.replace("_", "")
    for name in (
        "authorization",
        "password",
        "username",
        "user_name",
        "pin",
        "access_token",
        "output_session_id",
        "client_id",
        "client_secret",
        "security_credential",
        "x-signature",
        "x-key",
        "hash",
        "callbackurl",  # ends in the attempt's secret token
        "resulturl",  # these two in the transfer's
        "queuetimeouturl",
    )
)


class GateClosed(Exception):
    """A call was not let through; the text says why."""

    def __init__(self, message: str, withheld: Withheld) -> None:
        super().__init__(message)
        self.withheld = withheld


class Gate(Protocol):
    """What a provider's calls pass: it may hold them back, and learns from how they end."""

    def call(self, send: Callable[[], Exchange], *, waits_for_pin: bool) -> Exchange:
        """Make the call in its turn. Raises GateClosed, or what `send` raises."""
        ...


class NoGate:
    """Lets every call through."""

    def call(self, send: Callable[[], Exchange], *, waits_for_pin: bool) -> Exchange:
        return send()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """How one provider is reached; file paths and URLs, "" for the defaults."""

    proxy: str = field(default="", repr=False)  # may hold a password
    ca_bundle: str = ""
    client_cert: str = ""
    client_key: str = ""
    gate: Gate = field(default_factory=NoGate, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One answered call. `json` is None when the body is not a JSON object to rely on."""

    status: int
    json: dict[str, Any] | None
    request: dict[str, Any]  # redacted
    response: dict[str, Any]  # redacted
    body: bytes = field(
        default=b"", repr=False
    )  # as received, for what is no JSON; not to be stored
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_repeat: bool = False  # sent again, after an answer that called the access token dead

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    def words(self, *path: str) -> str:
        """The free text under a path of the JSON answer, redacted; "" where there is none."""
        return text(member(self.response["body"], *path))


class CallFailed(Exception):
    """A call without a usable answer; carries what was sent and what came, redacted."""

    collect_outcome: ClassVar[Outcome]
    collect_reason: ClassVar[Reason | None] = None
    withheld: Withheld | None = None

    def __init__(
        self, message: str, request: dict[str, Any], response: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.request = request
        self.response = {"error": message} if response is None else response

    def collect_answer(self) -> Answer:
        """What this means for a request to charge a phone."""
        return self._answer(self.collect_outcome, self.collect_reason)

    def query_answer(self) -> Answer:
        """What this means for a question: nothing is learnt about the payment."""
        return self._answer(Outcome.UNKNOWN, None)

    def _answer(self, outcome: Outcome, reason: Reason | None) -> Answer:
        return Answer(
            outcome=outcome,
            reason=reason,
            withheld=self.withheld,
            message=str(self),
            request=self.request,
            response=self.response,
        )


class NotSent(CallFailed):
    """The provider cannot have processed the request: no connection was made."""

    collect_outcome = Outcome.NOT_SENT
    collect_reason = Reason.UNAVAILABLE


class HeldBack(NotSent):
    """We did not let the request leave."""

    def __init__(self, message: str, request: dict[str, Any], withheld: Withheld) -> None:
        super().__init__(message, request)
        self.withheld = withheld


class NoAnswer(CallFailed):
    """The request may have been processed: time-out, or a connection lost after sending."""

    collect_outcome = Outcome.UNKNOWN


class TimedOut(NoAnswer):
    """The provider took the request and did not answer in time."""


def redact(value: Any, secrets: Sequence[str] = ()) -> Any:
    """A copy of a JSON-like value with secrets blanked and phone numbers masked.

    Secret is what stands under a secret's name, and the given texts wherever they stand.

    >>> redact({"Password": "x", "PhoneNumber": 255754123456})
    {'Password': '[redacted]', 'PhoneNumber': '255754***456'}
    """
    if isinstance(value, Mapping):
        return {
            redact(str(key), secrets): REDACTED if _is_secret(str(key)) else redact(item, secrets)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item, secrets) for item in value]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    return _redact_scalar(value, secrets)


def _redact_scalar(value: str | float, secrets: Sequence[str]) -> str | float:
    shown = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
    cleaned = shown
    for secret in secrets:
        cleaned = cleaned.replace(secret, REDACTED)
    cleaned = MSISDN_IN_TEXT.sub(lambda found: f"{found[1][:-6]}***{found[1][-3:]}", cleaned)
    return value if cleaned == shown else cleaned


def _is_secret(name: str) -> bool:
    return name.lower().replace("_", "") in SECRET_NAMES


def _sent_secrets(headers: Mapping[str, str], sent: Mapping[str, Any]) -> list[str]:
    """What an answer must not show us again: the secrets of the request itself."""
    values = [str(value) for name, value in [*headers.items(), *sent.items()] if _is_secret(name)]
    # Also the last part alone: the token of "Bearer <token>" and of a callback's URL.
    parts = [part for value in values for part in (value, re.split("[ /]", value)[-1])]
    return [part for part in parts if len(part) >= SECRET_CHARACTERS_MIN]


class RepeatedGet(urllib3.Retry):
    """Repeats a GET once: when the connection fails, or a gateway says that nobody is behind it.

    Never anything else; nor a time-out, which has used up the caller's patience, nor an answer that
    says when to come again.
    """

    NEVER: ClassVar[urllib3.Retry] = urllib3.Retry(total=0, read=False)

    def __init__(self, **options: Any) -> None:
        once = {
            "total": 1,
            "allowed_methods": {"GET"},
            "status_forcelist": {502, 503, 504},
            "raise_on_status": False,
            "respect_retry_after_header": False,
        }
        super().__init__(**{**once, **options})

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        return not has_retry_after and super().is_retry(method, status_code)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: Any = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Any:
        if method != "GET" or isinstance(error, urllib3.exceptions.ReadTimeoutError):
            # urllib3 would also repeat a POST whose connection failed.
            return self.NEVER.increment(method, url, response, error, _pool, _stacktrace)
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def get_backoff_time(self) -> float:
        """Seconds; by chance, so that many who failed together do not come back together."""
        return random.uniform(*REPEAT_AFTER_SECONDS)  # noqa: S311 - no secret


class ProviderHttp:
    """Calls one provider. Thread-safe; connections are pooled."""

    def __init__(self, base_url: str, options: HttpOptions) -> None:
        self._base_url = base_url.rstrip("/")
        self._gate = options.gate
        self._session = requests.Session()
        self._session.trust_env = False  # the proxy is a setting, never ambient
        adapter = HTTPAdapter(max_retries=RepeatedGet(), pool_maxsize=64)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.verify = options.ca_bundle or True
        if options.client_cert:
            self._session.cert = (
                (options.client_cert, options.client_key)
                if options.client_key
                else options.client_cert
            )
        if options.proxy:
            self._session.proxies = {"http": options.proxy, "https": options.proxy}

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        raw_body: bytes | None = None,
        shown_body: Mapping[str, Any] | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> Exchange:
        """Make one call. Raises NotSent or NoAnswer; any HTTP status is an answer.

        `raw_body` goes out as it is, with the caller's Content-Type; `shown_body` is what is recorded
        of it, redacted here.
        """
        is_whole_url = path.startswith(("http://", "https://"))
        url = path if is_whole_url else f"{self._base_url}/{path.removeprefix('/')}"
        record: dict[str, Any] = {"method": method, "url": url}
        sent: Mapping[str, Any] = json_body or form or params or shown_body or {}
        if sent:
            record["body"] = redact(sent)

        def send() -> Exchange:
            try:
                with self._session.request(
                    method,
                    url,
                    headers=dict(headers or {}),
                    json=json_body,
                    data=form if raw_body is None else raw_body,
                    params=params,
                    timeout=(CONNECT_SECONDS, read_seconds),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    body = read_capped(response, deadline=monotonic() + read_seconds)
                    content_type = header(response.headers, "Content-Type")
                    status = response.status_code
                answer = _json_answer(body, content_type)
                shown = _shown(body, answer, _sent_secrets(headers or {}, sent))
                return Exchange(
                    status=status,
                    json=answer,
                    request=record,
                    response={"status": status, "body": shown},
                    body=body,
                    headers=dict(response.headers),
                )
            except requests.exceptions.ConnectionError as error:
                failure = NotSent if never_connected(error) else NoAnswer
                raise failure(type(error).__name__, record) from error
            except TIME_OUTS as error:
                raise TimedOut(type(error).__name__, record) from error
            except (OSError, urllib3.exceptions.HTTPError, UnicodeError) as error:
                raise NoAnswer(type(error).__name__, record) from error

        try:
            return self._gate.call(send, waits_for_pin=read_seconds > READ_SECONDS)
        except GateClosed as closed:
            raise HeldBack(str(closed), record, closed.withheld) from closed


def _json_answer(body: bytes, content_type: str) -> dict[str, Any] | None:
    if len(body) > ANSWER_BYTES_MAX:
        return None
    try:
        return json_object(decode(body))
    except ValueError:
        return None


def _shown(body: bytes, answer: dict[str, Any] | None, secrets: Sequence[str]) -> Any:
    if answer is not None:
        return redact(answer, secrets)
    return redact(body.decode("utf-8", "replace"), secrets)[:SHOWN_CHARACTERS_MAX]


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how long it lives, in seconds."""

    value: str
    lifetime_seconds: int


class TokenStore(Protocol):
    """Where access tokens are kept, so that all processes share one."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, token: Token) -> None: ...

    def forget(self, name: str) -> None: ...

    def refreshing(self, name: str) -> AbstractContextManager[None]:
        """Hold while fetching a token, so that one process does it at a time."""
        ...


@dataclass
class MemoryTokenStore:
    """Tokens of one process."""

    clock: Callable[[], float] = monotonic
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, name: str) -> str | None:
        value, good_until = self._tokens.get(name, ("", 0.0))
        return value if self.clock() < good_until else None

    def put(self, name: str, token: Token) -> None:
        self._tokens[name] = (token.value, self.clock() + usable_seconds(token))

    def forget(self, name: str) -> None:
        self._tokens.pop(name, None)

    @contextmanager
    def refreshing(self, name: str) -> Iterator[None]:
        with self._lock:
            yield


def usable_seconds(token: Token) -> float:
    """How long to use a token: up to half a minute less than it lives, never under half its life."""
    return max(token.lifetime_seconds - REFRESH_EARLY_SECONDS, token.lifetime_seconds / 2)


def cached_token(store: TokenStore, name: str, fetch: Callable[[], Token]) -> str:
    """The stored token, or a fetched one. Raises whatever `fetch` raises."""
    if (value := store.get(name)) is not None:
        return value
    with store.refreshing(name):
        if (value := store.get(name)) is not None:
            return value
        token = fetch()
        store.put(name, token)
        return token.value
