"""What the simulator is told by the environment: where it listens and which credentials it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PORT = 8100


class ConfigError(Exception):
    """The environment does not make a simulator; `str()` is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class MpesaConfig:
    """A Daraja app. The callback URL comes with each request."""

    consumer_key: str
    consumer_secret: str
    short_code: str
    passkey: str


@dataclass(frozen=True, slots=True)
class TigoConfig:
    """A push BillPay merchant."""

    username: str
    password: str
    biller_msisdn: str
    biller_code: str
    callback_url: str


@dataclass(frozen=True, slots=True)
class AirtelConfig:
    """An Airtel Money application. Callbacks are signed when `callback_key` is not empty."""

    client_id: str
    client_secret: str
    callback_url: str
    callback_key: str
    country: str
    currency: str


@dataclass(frozen=True, slots=True)
class Config:
    """A provider that is None has no credentials and is not simulated."""

    port: int
    database: Path
    merchant: str
    mpesa: MpesaConfig | None
    tigo: TigoConfig | None
    airtel: AirtelConfig | None


def from_environment(environment: Mapping[str, str]) -> Config:
    """Read the variables that the server itself is configured with; `SIMULATOR_` before one wins.

    Raises ConfigError for half a set of credentials, for none at all, and for a malformed port.
    """
    variables = _Variables(environment)
    port = variables.port()
    config = Config(
        port=port,
        database=Path(variables.get("DATABASE") or f"var/simulator-{port}.sqlite3"),
        merchant=variables.get("MERCHANT") or "KONEKTIKA",
        mpesa=_mpesa(variables),
        tigo=_tigo(variables),
        airtel=_airtel(variables),
    )
    if not (config.mpesa or config.tigo or config.airtel):
        raise ConfigError(
            "No provider to simulate: set the credentials that the server uses, "
            "for example MPESA_CONSUMER_KEY, TIGO_PESA_API_KEY or AIRTEL_CLIENT_ID."
        )
    return config


class _Variables:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def get(self, name: str) -> str:
        """The simulator's own variable of that name; empty when it is not set."""
        return self._read(f"SIMULATOR_{name}")

    def shared(self, name: str) -> str:
        """A variable of the server, unless the simulator has its own of that name."""
        return self.get(name) or self._read(name)

    def port(self) -> int:
        text = self.get("PORT") or str(PORT)
        if not (text.isdecimal() and 1 <= int(text) <= 65535):
            raise ConfigError(f"SIMULATOR_PORT must be a number from 1 to 65535, not {text!r}.")
        return int(text)

    def all_or_none(self, *names: str) -> list[str] | None:
        values = [self.shared(name) for name in names]
        missing = [name for name, value in zip(names, values, strict=True) if not value]
        if len(missing) == len(names):
            return None
        if missing:
            raise ConfigError(f"Set {', '.join(missing)} as well, or none of {', '.join(names)}.")
        return values

    def _read(self, name: str) -> str:
        file = self._environment.get(f"{name}_FILE")
        if not file:
            return self._environment.get(name, "").strip()
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{name}_FILE cannot be read: {error.strerror}.") from error


def _mpesa(variables: _Variables) -> MpesaConfig | None:
    values = variables.all_or_none(
        "MPESA_CONSUMER_KEY",
        "MPESA_CONSUMER_SECRET",
        "MPESA_BUSINESS_SHORTCODE",
        "MPESA_PASSKEY",
    )
    return MpesaConfig(*values) if values else None


def _tigo(variables: _Variables) -> TigoConfig | None:
    values = variables.all_or_none(
        "TIGO_PESA_API_KEY",
        "TIGO_PESA_SECRET",
        "TIGO_PESA_BILLER_MSISDN",
        "TIGO_PESA_BILLER_CODE",
        "TIGO_PESA_CALLBACK_URL",
    )
    return TigoConfig(*values) if values else None


def _airtel(variables: _Variables) -> AirtelConfig | None:
    values = variables.all_or_none(
        "AIRTEL_CLIENT_ID", "AIRTEL_CLIENT_SECRET", "AIRTEL_CALLBACK_URL"
    )
    if not values:
        return None
    client_id, client_secret, callback_url = values
    return AirtelConfig(
        client_id,
        client_secret,
        callback_url,
        callback_key=variables.shared("AIRTEL_CALLBACK_KEY"),
        country=variables.shared("AIRTEL_COUNTRY") or "TZ",
        currency=variables.shared("AIRTEL_CURRENCY") or "TZS",
    )
