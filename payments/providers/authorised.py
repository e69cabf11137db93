"""Calls that carry an access token: fetched when needed, shared, renewed once when it is dead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from payments.providers.base import Health
from payments.providers.http import (
    READ_SECONDS,
    CallFailed,
    Exchange,
    HeldBack,
    NotSent,
    ProviderHttp,
    Token,
    TokenStore,
    cached_token,
)
from payments.providers.wire import member

TOKEN_SECONDS_MAX = 86_400
HEADER_SAFE = re.compile(r"[!-~]+")


class NoToken(NotSent):
    """No access token was to be had that the provider takes."""


class TokenRefused(NoToken):
    """A fresh token was refused like the one before; carries the last answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """How one dialect hands out tokens and refuses dead ones."""

    fetch: Callable[[], Exchange]
    lifetime_seconds: int  # where the answer does not tell
    is_dead: Callable[[Exchange], bool]  # only answers that prove the request was not processed
    scheme: str = "Bearer"
    credential: Callable[[str], str] = str  # what goes over the wire for a token, made at each call
    # The token in an answer of `fetch`.
    read: Callable[[Exchange], Any] = lambda exchange: member(exchange.json, "access_token")


class AuthorisedHttp:
    """One provider's calls with its access token. Thread-safe."""

    def __init__(
        self, http: ProviderHttp, tokens: TokenStore, *, name: str, rules: TokenRules
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._name = name
        self._rules = rules

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        raw_body: bytes | None = None,
        shown_body: Mapping[str, Any] | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> Exchange:
        """Make one call; the same once more if the token turns out dead, which proves nothing was
        processed. Raises NotSent, also when a fresh token is refused, or NoAnswer.
        """

        def send(token: str) -> Exchange:
            credential = self._rules.credential(token)
            authorization = {"Authorization": f"{self._rules.scheme} {credential}"}
            return self._http.call(
                method,
                path,
                headers={**authorization, **(headers or {})},
                json_body=json_body,
                params=params,
                raw_body=raw_body,
                shown_body=shown_body,
                read_seconds=read_seconds,
            )

        token = self._token()
        exchange = send(token)
        if not self._rules.is_dead(exchange):
            return exchange
        self._forget(token)
        exchange = send(self._token())
        if self._rules.is_dead(exchange):
            raise TokenRefused(
                "a fresh access token is refused", exchange.request, exchange.response
            )
        return replace(exchange, is_repeat=True)

    def health(self) -> Health:
        """Whether a new token can be had: the one at hand proves nothing about now."""
        try:
            with self._tokens.refreshing(self._name):
                self._tokens.put(self._name, self._fetch())
        except CallFailed as failure:
            return Health(is_up=False, detail=str(failure))
        return Health(is_up=True)

    def _token(self) -> str:
        return cached_token(self._tokens, self._name, self._fetch)

    def _fetch(self) -> Token:
        try:
            exchange = self._rules.fetch()
        except HeldBack:
            raise
        except CallFailed as failure:
            message = f"no access token: {failure}"
            raise NoToken(message, failure.request, failure.response) from failure
        value = self._rules.read(exchange)
        if not (isinstance(value, str) and HEADER_SAFE.fullmatch(value)):
            raise NoToken(
                f"no access token in the answer (HTTP {exchange.status})",
                exchange.request,
                _without_text(exchange),
            )
        return Token(value, _lifetime(exchange, self._rules.lifetime_seconds))

    def _forget(self, dead: str) -> None:
        with self._tokens.refreshing(self._name):
            if self._tokens.get(self._name) == dead:  # else somebody has fetched another already
                self._tokens.forget(self._name)


def token_name(dialect: str, *account: str) -> str:
    """Where a dialect's token is kept: apart for each server and account, so that none is mixed up."""
    return f"{dialect}:{sha256(chr(0).join(account).encode()).hexdigest()[:16]}"


def _lifetime(exchange: Exchange, default: int) -> int:
    """`expires_in` in seconds, a number or a string of one."""
    try:
        seconds = int(float(member(exchange.json, "expires_in")))
    except (TypeError, ValueError, OverflowError):
        return default
    return min(max(seconds, 1), TOKEN_SECONDS_MAX)


def _without_text(exchange: Exchange) -> dict[str, Any]:
    """The answer to store; text that is no JSON could hold a token that nothing has blanked."""
    if exchange.json is not None:
        return exchange.response
    return {"status": exchange.status, "body": "not a JSON object"}
