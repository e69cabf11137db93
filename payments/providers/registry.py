"""The one list of dialects, each built with its configuration from the settings.

To add a provider: its folder, one line in `DIALECTS`, its settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.utils.translation import gettext as _

from common.shared_redis import SharedRedis
from common.source_address import Network
from payments.errors import ProviderUnavailable, UnknownProvider
from payments.models import ProviderName
from payments.providers.airtel_money.client import AirtelMoney
from payments.providers.airtel_money.config import AirtelMoneyConfig
from payments.providers.base import AsksBills, KnowsReceipts, Provider
from payments.providers.breaker import BreakerState
from payments.providers.gate import SharedGate
from payments.providers.http import HttpOptions, TokenStore
from payments.providers.mpesa_daraja.client import MpesaDaraja
from payments.providers.mpesa_daraja.config import MpesaDarajaConfig
from payments.providers.mpesa_openapi.client import MpesaOpenApi
from payments.providers.mpesa_openapi.config import MpesaOpenApiConfig
from payments.providers.tigo_pesa.client import TigoPesa
from payments.providers.tigo_pesa.config import TigoPesaConfig
from payments.providers.tokens import RedisTokenStore


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one dialect is set up.

    `credentials` name the settings that enable it, `disbursing` those that let it send money besides:
    all of them or none.
    """

    name: str
    provider: ProviderName
    prefix: str
    credentials: tuple[str, ...]
    build: Callable[[TokenStore], Provider]
    disbursing: tuple[str, ...] = ()


def _mpesa_openapi(tokens: TokenStore) -> Provider:
    connection = settings.MPESA_CONNECTION
    return MpesaOpenApi(
        MpesaOpenApiConfig(
            api_key=settings.MPESA_OPENAPI_API_KEY,
            public_key=settings.MPESA_OPENAPI_PUBLIC_KEY,
            service_provider_code=settings.MPESA_OPENAPI_SERVICE_PROVIDER_CODE,
            base_url=settings.MPESA_OPENAPI_BASE_URL,
            env=settings.MPESA_OPENAPI_ENV,
            market=settings.MPESA_OPENAPI_MARKET,
            origin=settings.MPESA_OPENAPI_ORIGIN,
            mode=settings.MPESA_OPENAPI_MODE,
            session_delay_seconds=settings.MPESA_OPENAPI_SESSION_DELAY_SECONDS,
            session_seconds=settings.MPESA_OPENAPI_SESSION_SECONDS,
            amount_min=connection["amount_min"],
            amount_max=connection["amount_max"],
            http=_http("mpesa_openapi", connection),
        ),
        tokens,
    )


def _http(dialect: str, connection: dict[str, Any]) -> HttpOptions:
    """How a dialect's provider is reached: behind the gate that all processes share."""
    return HttpOptions(**connection["http"], gate=gate(dialect))


def _mpesa_daraja(tokens: TokenStore) -> Provider:
    connection = settings.MPESA_CONNECTION
    return MpesaDaraja(
        MpesaDarajaConfig(
            consumer_key=settings.MPESA_CONSUMER_KEY,
            consumer_secret=settings.MPESA_CONSUMER_SECRET,
            business_shortcode=settings.MPESA_BUSINESS_SHORTCODE,
            passkey=settings.MPESA_PASSKEY,
            callback_url=settings.MPESA_CALLBACK_URL,
            base_url=settings.MPESA_BASE_URL,
            transaction_type=settings.MPESA_TRANSACTION_TYPE,
            till_number=settings.MPESA_TILL_NUMBER,
            initiator_name=settings.MPESA_INITIATOR_NAME,
            initiator_password=settings.MPESA_INITIATOR_PASSWORD,
            certificate=settings.MPESA_CERTIFICATE,
            result_url=settings.MPESA_RESULT_URL,
            amount_min=connection["amount_min"],
            amount_max=connection["amount_max"],
            http=_http("mpesa_daraja", connection),
        ),
        tokens,
    )


def _tigo_pesa(tokens: TokenStore) -> Provider:
    connection = settings.TIGO_PESA_CONNECTION
    return TigoPesa(
        TigoPesaConfig(
            api_key=settings.TIGO_PESA_API_KEY,
            secret=settings.TIGO_PESA_SECRET,
            biller_msisdn=settings.TIGO_PESA_BILLER_MSISDN,
            biller_code=settings.TIGO_PESA_BILLER_CODE,
            base_url=settings.TIGO_PESA_BASE_URL,
            token_path=settings.TIGO_PESA_TOKEN_PATH,
            push_path=settings.TIGO_PESA_PUSH_PATH,
            reply_family=settings.TIGO_PESA_REPLY_FAMILY,
            disburse_url=settings.TIGO_PESA_DISBURSE_URL,
            disburse_msisdn=settings.TIGO_PESA_DISBURSE_MSISDN,
            disburse_pin=settings.TIGO_PESA_DISBURSE_PIN,
            disburse_brand_id=settings.TIGO_PESA_DISBURSE_BRAND_ID,
            disburse_type=settings.TIGO_PESA_DISBURSE_TYPE,
            amount_min=connection["amount_min"],
            amount_max=connection["amount_max"],
            http=_http("tigo_pesa", connection),
        ),
        tokens,
    )


def _airtel_money(tokens: TokenStore) -> Provider:
    connection = settings.AIRTEL_CONNECTION
    return AirtelMoney(
        AirtelMoneyConfig(
            client_id=settings.AIRTEL_CLIENT_ID,
            client_secret=settings.AIRTEL_CLIENT_SECRET,
            base_url=settings.AIRTEL_BASE_URL,
            country=settings.AIRTEL_COUNTRY,
            currency=settings.AIRTEL_CURRENCY,
            callback_key=settings.AIRTEL_CALLBACK_KEY,
            hash_form=settings.AIRTEL_HASH_FORM,
            collection_version=settings.AIRTEL_COLLECTION_VERSION,
            disbursement_version=settings.AIRTEL_DISBURSEMENT_VERSION,
            disbursement_pin=settings.AIRTEL_DISBURSEMENT_PIN,
            public_key=settings.AIRTEL_PUBLIC_KEY,
            pin_padding=settings.AIRTEL_PIN_PADDING,
            message_signing=settings.AIRTEL_MESSAGE_SIGNING,
            amount_min=connection["amount_min"],
            amount_max=connection["amount_max"],
            http=_http("airtel_money", connection),
        ),
        tokens,
    )


# Of two dialects of one provider, the first that is set takes new payments.
DIALECTS = (
    Dialect(
        name="mpesa_openapi",
        provider=ProviderName.VODACOM_MPESA,
        prefix="MPESA",
        credentials=(
            "MPESA_OPENAPI_API_KEY",
            "MPESA_OPENAPI_PUBLIC_KEY",
            "MPESA_OPENAPI_SERVICE_PROVIDER_CODE",
        ),
        build=_mpesa_openapi,
    ),
    Dialect(
        name="mpesa_daraja",
        provider=ProviderName.VODACOM_MPESA,
        prefix="MPESA",
        credentials=(
            "MPESA_CONSUMER_KEY",
            "MPESA_CONSUMER_SECRET",
            "MPESA_BUSINESS_SHORTCODE",
            "MPESA_PASSKEY",
            "MPESA_BASE_URL",
        ),
        build=_mpesa_daraja,
        disbursing=("MPESA_INITIATOR_NAME", "MPESA_INITIATOR_PASSWORD", "MPESA_CERTIFICATE"),
    ),
    Dialect(
        name="tigo_pesa",
        provider=ProviderName.TIGO_PESA,
        prefix="TIGO_PESA",
        credentials=(
            "TIGO_PESA_API_KEY",
            "TIGO_PESA_SECRET",
            "TIGO_PESA_BILLER_MSISDN",
            "TIGO_PESA_BASE_URL",
        ),
        build=_tigo_pesa,
        disbursing=(
            "TIGO_PESA_DISBURSE_URL",
            "TIGO_PESA_DISBURSE_MSISDN",
            "TIGO_PESA_DISBURSE_PIN",
        ),
    ),
    Dialect(
        name="airtel_money",
        provider=ProviderName.AIRTEL_MONEY,
        prefix="AIRTEL",
        credentials=("AIRTEL_CLIENT_ID", "AIRTEL_CLIENT_SECRET", "AIRTEL_BASE_URL"),
        build=_airtel_money,
        disbursing=("AIRTEL_DISBURSEMENT_PIN", "AIRTEL_PUBLIC_KEY"),
    ),
)


def is_enabled(dialect: Dialect) -> bool:
    """Whether all its credentials are set and staff have not switched it off."""
    is_on: bool = getattr(settings, f"{dialect.prefix}_CONNECTION")["enabled"]
    return is_on and all(getattr(settings, name) for name in dialect.credentials)


def takes_payments(provider: str) -> bool:
    """Whether a stored provider value can be paid with now: set up, and its provider answers."""
    dialect = _for_new_payments(provider)
    return dialect is not None and gate(dialect.name).state != BreakerState.OPEN


def limits(provider: str) -> tuple[int, int] | None:
    """The least and the most that one payment by a provider may be, TZS; None where it is not set up."""
    dialect = _for_new_payments(provider)
    if dialect is None:
        return None
    description = _client(dialect).description
    return description.amount_min, description.amount_max


def unavailable(provider: ProviderName) -> str:
    """What a customer is told of a provider that takes no payments now."""
    return _("{name} cannot be used at the moment. Choose another provider.").format(
        name=provider.label
    )


def is_known(name: str) -> bool:
    return any(dialect.name == name for dialect in DIALECTS)


def by_dialect(name: str) -> Provider:
    """The dialect's client, enabled or not: an old attempt still has to be understood.

    Raises UnknownProvider for a name that no release has had.
    """
    for dialect in DIALECTS:
        if dialect.name == name:
            return _client(dialect)
    raise UnknownProvider(f"There is no dialect {name}.")


def bill_asker(name: str) -> AsksBills:
    """The client of a dialect whose provider asks us about bills; `by_dialect` says the rest."""
    return cast(AsksBills, by_dialect(name))


def receipt_asker(name: str) -> KnowsReceipts:
    """The client of a dialect that can be asked by a receipt."""
    return cast(KnowsReceipts, by_dialect(name))


def enabled_provider(provider: str) -> Provider:
    """The client that takes new payments for a stored provider value.

    Raises UnknownProvider or ProviderUnavailable.
    """
    if not any(dialect.provider == provider for dialect in DIALECTS):
        raise UnknownProvider("Choose M-Pesa, Tigo Pesa or Airtel Money.")
    dialect = _for_new_payments(provider)
    if dialect is None or not takes_payments(provider):
        raise ProviderUnavailable(unavailable(ProviderName(provider)))
    return _client(dialect)


def disbursing_provider(provider: str) -> Provider | None:
    """The client that sends money for a stored provider value; None where none is set up.

    The dialect that takes new payments goes first; another one that is set up serves where it cannot.
    """
    enabled = [each for each in DIALECTS if each.provider == provider and is_enabled(each)]
    clients = (_client(each) for each in sorted(enabled, key=_is_chosen, reverse=True))
    return next((client for client in clients if client.description.disburses), None)


def callback_sources(name: str) -> Sequence[Network]:
    """The networks that a dialect's callbacks may come from; empty when none is configured."""
    prefix = next(dialect.prefix for dialect in DIALECTS if dialect.name == name)
    sources: Sequence[Network] = getattr(settings, f"{prefix}_CALLBACK_SOURCES")
    return sources


def short_code(name: str) -> str:
    """Our short code with a dialect that names it in callbacks or bills, else ""."""
    if name == "tigo_pesa":
        return settings.TIGO_PESA_COMPANY_NAME
    return settings.MPESA_BUSINESS_SHORTCODE if name == "mpesa_daraja" else ""


def paybill_numbers() -> list[tuple[ProviderName, str]]:
    """The providers by whose own menu customers can pay, each with the number of ours to pay to."""
    return [
        (dialect.provider, number)
        for dialect in DIALECTS
        if is_enabled(dialect) and (number := short_code(dialect.name))
    ]


def _is_chosen(dialect: Dialect) -> bool:
    """MPESA_DIALECT leaves M-Pesa's new payments to one dialect; others have one anyway."""
    if not settings.MPESA_DIALECT or dialect.provider != ProviderName.VODACOM_MPESA:
        return True
    return dialect.name == f"mpesa_{settings.MPESA_DIALECT}"


def _for_new_payments(provider: str) -> Dialect | None:
    return next(
        (
            dialect
            for dialect in DIALECTS
            if dialect.provider == provider and is_enabled(dialect) and _is_chosen(dialect)
        ),
        None,
    )


@cache
def gate(name: str) -> SharedGate:
    """What all calls of a dialect pass."""
    prefix = next(dialect.prefix for dialect in DIALECTS if dialect.name == name)
    connection = getattr(settings, f"{prefix}_CONNECTION")
    return SharedGate(_redis(), name, per_second=connection["rate_per_second"])


@cache
def _redis() -> SharedRedis:
    return SharedRedis(settings.REDIS_URL)


@cache
def _tokens() -> TokenStore:
    return RedisTokenStore(settings.REDIS_URL)


@cache
def _client(dialect: Dialect) -> Provider:
    return dialect.build(_tokens())


def forget_clients() -> None:
    """Build clients anew, from changed settings."""
    for built in (_client, gate, _redis, _tokens):
        built.cache_clear()
