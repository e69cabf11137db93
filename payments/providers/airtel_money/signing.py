"""Posts with signed messages, where Airtel asks for them (Airtel fact sheet, 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from payments.providers.airtel_money.answers import signature_is_refused
from payments.providers.airtel_money.config import AirtelMoneyConfig
from payments.providers.airtel_money.encryption import public_key, signature_headers
from payments.providers.authorised import AuthorisedHttp, token_name
from payments.providers.http import CallFailed, Exchange, NotSent, Token, TokenStore
from payments.providers.wire import member, text

KEY_PATH = "/v1/rsa/encryption-keys"
KEY_SECONDS = 86_400  # `valid_upto` is a date that can be read in two ways


class NoSigningKey(NotSent):
    """No key was to be had that a message can be signed with."""


class SignedCalls:
    """POSTs of one application, signed where the setting says so. Thread-safe."""

    def __init__(self, config: AirtelMoneyConfig, calls: AuthorisedHttp, keys: TokenStore) -> None:
        self._is_on = config.message_signing
        self._padding = config.pin_padding
        self._calls = calls
        self._keys = keys
        self._name = token_name("airtel_money_key", config.base_url, config.client_id)

    def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Exchange:
        """Make one call; the same once more under a fresh key if the signature is refused, which
        proves that nothing was processed. Raises NotSent or NoAnswer.
        """
        if not self._is_on:
            return self._calls.call("POST", path, headers=headers, json_body=body)
        exchange = self._post_signed(path, body, headers)
        if not signature_is_refused(exchange):
            return exchange
        self._keys.forget(self._name)
        return self._post_signed(path, body, headers)

    def _post_signed(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Exchange:
        signed = json.dumps(body, separators=(",", ":")).encode()
        return self._calls.call(
            "POST",
            path,
            headers={**headers, **self._signature(signed, headers)},
            raw_body=signed,  # Airtel compares its very bytes
            shown_body=body,
        )

    def _signature(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        try:
            key = public_key(self._key(headers))
            return signature_headers(body, key, self._padding)
        except ValueError as error:
            self._keys.forget(self._name)
            request = {"method": "GET", "url": KEY_PATH}
            raise NoSigningKey(f"no key to sign with: {error}", request) from error

    def _key(self, headers: Mapping[str, str]) -> str:
        """Airtel's key, a day old at most. Fetched outside the lock that the access token needs."""
        if (value := self._keys.get(self._name)) is not None:
            return value
        try:
            exchange = self._calls.call("GET", KEY_PATH, headers=headers)
        except CallFailed as failure:
            message = f"no key to sign with: {failure}"
            raise NoSigningKey(message, failure.request, failure.response) from failure
        value = text(member(exchange.json, "data", "key")) if exchange.is_ok else ""
        if not value:
            message = f"no key to sign with (HTTP {exchange.status})"
            raise NoSigningKey(message, exchange.request, exchange.response)
        self._keys.put(self._name, Token(value, KEY_SECONDS))
        return value
