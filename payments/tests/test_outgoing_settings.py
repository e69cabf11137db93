"""The settings alone say where outgoing money is asked for, and in which form."""

from __future__ import annotations

import json
from typing import Any

import responses

from payments.providers import registry
from payments.providers.base import Outcome
from payments.tests.conftest import AIRTEL, TIGO
from payments.tests.providers.airtel_application import LARGE_KEY, public_text
from payments.tests.providers.contract import PAYLOADS, payload
from payments.tests.providers.outgoing_contract import DISBURSEMENT


def test_tigo_disburses_where_its_settings_point(
    settings: Any, wire: responses.RequestsMock
) -> None:
    settings.TIGO_PESA_DISBURSE_URL = f"{TIGO}/elsewhere/a2w"
    settings.TIGO_PESA_DISBURSE_MSISDN = "255710000001"
    settings.TIGO_PESA_DISBURSE_PIN = "7391"
    settings.TIGO_PESA_DISBURSE_BRAND_ID = "1234"
    settings.TIGO_PESA_DISBURSE_TYPE = "REQMFCI"
    registry.forget_clients()
    taken = (PAYLOADS / "tigo_pesa" / "disbursement_taken.xml").read_bytes()
    wire.post(f"{TIGO}/elsewhere/a2w", body=taken)
    answer = registry.by_dialect("tigo_pesa").disburse(DISBURSEMENT)
    assert answer.outcome == Outcome.SUCCEEDED
    assert answer.request["body"]["TYPE"] == "REQMFCI"
    assert answer.request["body"]["BRAND_ID"] == "1234"


def test_tigos_company_name_is_its_short_code(settings: Any) -> None:
    settings.TIGO_PESA_COMPANY_NAME = "600100"
    assert registry.short_code("tigo_pesa") == "600100"
    assert registry.short_code("airtel_money") == ""


def test_airtel_disburses_as_its_settings_say(settings: Any, wire: responses.RequestsMock) -> None:
    settings.AIRTEL_DISBURSEMENT_VERSION = "3"
    settings.AIRTEL_DISBURSEMENT_PIN = "7391"
    settings.AIRTEL_PUBLIC_KEY = public_text(LARGE_KEY)
    settings.AIRTEL_PIN_PADDING = "oaep-sha256"
    settings.AIRTEL_MESSAGE_SIGNING = True
    registry.forget_clients()
    wire.get(f"{AIRTEL}/v1/rsa/encryption-keys", json={"data": {"key": public_text(LARGE_KEY)}})
    wire.post(
        f"{AIRTEL}/standard/v3/disbursements", json=payload("airtel_money", "disbursement_taken")
    )
    answer = registry.by_dialect("airtel_money").disburse(DISBURSEMENT)
    assert answer.outcome == Outcome.SUCCEEDED
    request = wire.calls[-1].request
    assert request.headers["x-key"]
    assert isinstance(request.body, bytes)
    assert json.loads(request.body)["payee"]["wallet_type"] == "NORMAL"


def test_without_their_settings_neither_sends_money() -> None:
    for name in ("tigo_pesa", "airtel_money"):
        assert not registry.by_dialect(name).description.disburses
