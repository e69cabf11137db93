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
    """A Daraja app. Callback URLs come with each request.

    What is empty of the initiator is not checked; `private_key` reads its security credential.
    """

    consumer_key: str
    consumer_secret: str
    short_code: str
    passkey: str
    initiator_name: str = ""
    initiator_password: str = ""
    private_key: str = ""


@dataclass(frozen=True, slots=True)
class OpenApiConfig:
    """An application of M-Pesa's Open API. Without a private key it makes one of its own.

    Results come in the answer (`sync`) or at the callback URL (`async`). An origin of `*` lets
    every origin in.
    """

    api_key: str
    service_provider_code: str
    private_key: str
    market: str
    origin: str
    mode: str
    callback_url: str


@dataclass(frozen=True, slots=True)
class TigoConfig:
    """A push BillPay merchant; with an account to disburse from, and with bills, where named."""

    username: str
    password: str
    biller_msisdn: str
    biller_code: str
    callback_url: str
    disburse_msisdn: str = ""
    disburse_pin: str = ""
    company_name: str = ""
    w2a_url: str = ""


@dataclass(frozen=True, slots=True)
class AirtelConfig:
    """An Airtel Money application. Callbacks are signed when `callback_key` is not empty.

    Without a private key it makes one of its own. An empty PIN is not checked.
    """

    client_id: str
    client_secret: str
    callback_url: str
    callback_key: str
    country: str
    currency: str
    disbursement_pin: str = ""
    private_key: str = ""


@dataclass(frozen=True, slots=True)
class BeemConfig:
    """An account for SMS. Deliveries are reported where a URL is named."""

    api_key: str
    secret_key: str
    report_url: str = ""


@dataclass(frozen=True, slots=True)
class AfricasTalkingConfig:
    """An application for SMS with its one registered sender; reports as Beem's."""

    username: str
    api_key: str
    sender: str
    report_url: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """A provider that is None has no credentials and is not simulated."""

    port: int
    database: Path
    merchant: str
    mpesa: MpesaConfig | None
    openapi: OpenApiConfig | None
    tigo: TigoConfig | None
    airtel: AirtelConfig | None
    beem: BeemConfig | None = None
    africastalking: AfricasTalkingConfig | None = None


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
        openapi=_openapi(variables),
        tigo=_tigo(variables),
        airtel=_airtel(variables),
        beem=_beem(variables),
        africastalking=_africastalking(variables),
    )
    if not (config.mpesa or config.openapi or config.tigo or config.airtel):
        raise ConfigError(
            "No provider to simulate: set the credentials that the server uses, "
            "for example MPESA_CONSUMER_KEY, MPESA_OPENAPI_API_KEY, TIGO_PESA_API_KEY "
            "or AIRTEL_CLIENT_ID."
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
    if not values:
        return None
    consumer_key, consumer_secret, short_code, passkey = values
    return MpesaConfig(
        consumer_key,
        consumer_secret,
        short_code,
        passkey,
        initiator_name=variables.shared("MPESA_INITIATOR_NAME"),
        initiator_password=variables.shared("MPESA_INITIATOR_PASSWORD"),
        private_key=variables.get("MPESA_PRIVATE_KEY"),
    )


def _openapi(variables: _Variables) -> OpenApiConfig | None:
    values = variables.all_or_none("MPESA_OPENAPI_API_KEY", "MPESA_OPENAPI_SERVICE_PROVIDER_CODE")
    if not values:
        return None
    mode = variables.shared("MPESA_OPENAPI_MODE") or "sync"
    if mode not in ("sync", "async"):
        raise ConfigError(f"MPESA_OPENAPI_MODE must be sync or async, not {mode!r}.")
    api_key, service_provider_code = values
    return OpenApiConfig(
        api_key,
        service_provider_code,
        private_key=variables.get("MPESA_OPENAPI_PRIVATE_KEY"),
        market=variables.shared("MPESA_OPENAPI_MARKET") or "vodacomTZN",
        origin=variables.shared("MPESA_OPENAPI_ORIGIN") or "*",
        mode=mode,
        callback_url=variables.get("MPESA_OPENAPI_CALLBACK_URL")
        or variables.shared("MPESA_CALLBACK_URL"),
    )


def _tigo(variables: _Variables) -> TigoConfig | None:
    values = variables.all_or_none(
        "TIGO_PESA_API_KEY",
        "TIGO_PESA_SECRET",
        "TIGO_PESA_BILLER_MSISDN",
        "TIGO_PESA_BILLER_CODE",
        "TIGO_PESA_CALLBACK_URL",
    )
    if not values:
        return None
    username, password, biller_msisdn, biller_code, callback_url = values
    return TigoConfig(
        username,
        password,
        biller_msisdn,
        biller_code,
        callback_url,
        disburse_msisdn=variables.shared("TIGO_PESA_DISBURSE_MSISDN"),
        disburse_pin=variables.shared("TIGO_PESA_DISBURSE_PIN"),
        company_name=variables.shared("TIGO_PESA_COMPANY_NAME"),
        w2a_url=variables.get("TIGO_PESA_W2A_URL") or f"{callback_url.rstrip('/')}/w2a",
    )


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
        disbursement_pin=variables.shared("AIRTEL_DISBURSEMENT_PIN"),
        private_key=variables.get("AIRTEL_PRIVATE_KEY"),
    )


def _beem(variables: _Variables) -> BeemConfig | None:
    values = variables.all_or_none("BEEM_API_KEY", "BEEM_SECRET_KEY")
    if not values:
        return None
    api_key, secret_key = values
    return BeemConfig(api_key, secret_key, report_url=variables.get("BEEM_REPORT_URL"))


def _africastalking(variables: _Variables) -> AfricasTalkingConfig | None:
    values = variables.all_or_none(
        "AFRICASTALKING_USERNAME", "AFRICASTALKING_API_KEY", "AFRICASTALKING_SENDER"
    )
    if not values:
        return None
    username, api_key, sender = values
    return AfricasTalkingConfig(
        username, api_key, sender, report_url=variables.get("AFRICASTALKING_REPORT_URL")
    )
