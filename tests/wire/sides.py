"""The four dialects' adapters, built from plain configuration, each with what it hears."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from payments.providers.airtel_money.client import AirtelMoney
from payments.providers.airtel_money.config import AirtelMoneyConfig
from payments.providers.base import (
    Answer,
    Collection,
    Disbursement,
    Notice,
    Provider,
    Refund,
    StatusQuestion,
    TransferQuestion,
)
from payments.providers.http import MemoryTokenStore
from payments.providers.mpesa_daraja.client import MpesaDaraja
from payments.providers.mpesa_daraja.config import MpesaDarajaConfig
from payments.providers.mpesa_openapi.client import MpesaOpenApi
from payments.providers.mpesa_openapi.config import MpesaOpenApiConfig
from payments.providers.tigo_pesa.client import TigoPesa
from payments.providers.tigo_pesa.config import TigoPesaConfig
from tests.waiting import wait_until
from tests.wire.ear import Ear

AMOUNT = 1000
AMOUNT_MIN, AMOUNT_MAX = 100, 3_000_000
TOLD_SECONDS = 10
PREFIXES = {"mpesa_daraja": "75", "mpesa_openapi": "76", "tigo_pesa": "71", "airtel_money": "68"}
Request = Collection | Disbursement | Refund


@dataclass(frozen=True)
class Side:
    """One dialect: the adapter, and where its provider's calls arrive."""

    provider: Provider
    ear: Ear
    path: str  # the beginning of its callbacks' paths
    names_token: bool = False  # then a callback's path ends in the token of what it is about

    @property
    def dialect(self) -> str:
        return self.provider.description.dialect

    def number(self, ending: str) -> str:
        """A phone of the provider whose behaviour the ending decides."""
        return f"255{PREFIXES[self.dialect]}4{ending}"

    def collect(self, ending: str) -> tuple[Collection, Answer]:
        request = Collection(
            reference=_reference(),
            amount=AMOUNT,
            msisdn=self.number(ending),
            description="Konektika",
            callback_token=_token(),
        )
        return request, self.provider.collect(request)

    def disburse(self, ending: str) -> tuple[Disbursement, Answer]:
        request = Disbursement(
            reference=_reference(),
            amount=AMOUNT,
            msisdn=self.number(ending),
            description="Konektika payout",
            callback_token=_token(),
        )
        return request, self.provider.disburse(request)

    def refund(self, collection: Collection, receipt: str) -> tuple[Refund, Answer]:
        request = Refund(
            reference=_reference(),
            receipt=receipt,
            collection_reference=collection.reference,
            amount=collection.amount,
            msisdn=collection.msisdn,
            description="Konektika refund",
            callback_token=_token(),
        )
        return request, self.provider.refund(request)

    def ask(self, request: Request, answer: Answer) -> Answer:
        """What became of a request that was answered so."""
        if isinstance(request, Collection):
            return self.provider.query(
                StatusQuestion(
                    reference=request.reference, provider_reference=answer.provider_reference
                )
            )
        original = request if isinstance(request, Refund) else None
        return self.provider.query_disbursement(
            TransferQuestion(
                reference=request.reference,
                provider_reference=answer.provider_reference,
                is_reversal=original is not None,
                receipt=original.receipt if original else "",
                collection_reference=original.collection_reference if original else "",
                callback_token=request.callback_token,
            )
        )

    def told(self, request: Request, number: int) -> list[Notice]:
        """What was told of a request, as the adapter reads it, once it was told so often."""
        wait_until(lambda: len(self._told(request)) >= number, TOLD_SECONDS)
        return self._told(request)

    def _told(self, request: Request) -> list[Notice]:
        found = []
        for heard in self.ear.heard(self.path):
            notice = self.provider.parse_callback(heard.body, heard.headers)
            is_by_token = heard.path.endswith(f"/{request.callback_token}")
            is_by_name = notice.reference == request.reference
            if is_by_token if self.names_token else is_by_name:
                found.append(notice)
        return found


def daraja(environment: Mapping[str, str], ear: Ear) -> Side:
    config = MpesaDarajaConfig(
        consumer_key=environment["MPESA_CONSUMER_KEY"],
        consumer_secret=environment["MPESA_CONSUMER_SECRET"],
        business_shortcode=environment["MPESA_BUSINESS_SHORTCODE"],
        passkey=environment["MPESA_PASSKEY"],
        callback_url=f"{ear.url}/daraja/push",
        base_url=environment["MPESA_BASE_URL"],
        initiator_name=environment["MPESA_INITIATOR_NAME"],
        initiator_password=environment["MPESA_INITIATOR_PASSWORD"],
        certificate=environment["MPESA_CERTIFICATE"],
        result_url=f"{ear.url}/daraja",
        amount_min=AMOUNT_MIN,
        amount_max=AMOUNT_MAX,
    )
    adapter = MpesaDaraja(config, MemoryTokenStore())
    ear.answer("/daraja", lambda body, _: adapter.acknowledge(body))
    return Side(adapter, ear, "/daraja", names_token=True)


def openapi(environment: Mapping[str, str], ear: Ear) -> Side:
    config = MpesaOpenApiConfig(
        api_key=environment["MPESA_OPENAPI_API_KEY"],
        public_key=environment["MPESA_OPENAPI_PUBLIC_KEY"],
        service_provider_code=environment["MPESA_OPENAPI_SERVICE_PROVIDER_CODE"],
        base_url=environment["MPESA_OPENAPI_BASE_URL"],
        session_delay_seconds=0,
        amount_min=AMOUNT_MIN,
        amount_max=AMOUNT_MAX,
    )
    adapter = MpesaOpenApi(config, MemoryTokenStore())
    ear.answer("/openapi", lambda body, _: adapter.acknowledge(body))
    return Side(adapter, ear, "/openapi")


def tigo(environment: Mapping[str, str], ear: Ear) -> Side:
    config = TigoPesaConfig(
        api_key=environment["TIGO_PESA_API_KEY"],
        secret=environment["TIGO_PESA_SECRET"],
        biller_msisdn=environment["TIGO_PESA_BILLER_MSISDN"],
        biller_code=environment["TIGO_PESA_BILLER_CODE"],
        base_url=environment["TIGO_PESA_BASE_URL"],
        disburse_url=environment["TIGO_PESA_DISBURSE_URL"],
        disburse_msisdn=environment["TIGO_PESA_DISBURSE_MSISDN"],
        disburse_pin=environment["TIGO_PESA_DISBURSE_PIN"],
        amount_min=AMOUNT_MIN,
        amount_max=AMOUNT_MAX,
    )
    adapter = TigoPesa(config, MemoryTokenStore())
    ear.answer("/tigo", lambda body, _: adapter.acknowledge(body))
    return Side(adapter, ear, "/tigo")


def airtel(environment: Mapping[str, str], ear: Ear) -> Side:
    config = AirtelMoneyConfig(
        client_id=environment["AIRTEL_CLIENT_ID"],
        client_secret=environment["AIRTEL_CLIENT_SECRET"],
        base_url=environment["AIRTEL_BASE_URL"],
        callback_key=environment["AIRTEL_CALLBACK_KEY"],
        disbursement_pin=environment["AIRTEL_DISBURSEMENT_PIN"],
        public_key=environment["AIRTEL_PUBLIC_KEY"],
        amount_min=AMOUNT_MIN,
        amount_max=AMOUNT_MAX,
    )
    adapter = AirtelMoney(config, MemoryTokenStore())
    ear.answer("/airtel", lambda body, _: adapter.acknowledge(body))
    return Side(adapter, ear, "/airtel")


def _reference() -> str:
    return secrets.token_hex(6).upper()


def _token() -> str:
    return secrets.token_urlsafe(12)
