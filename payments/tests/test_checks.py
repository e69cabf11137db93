"""A wrong setting is one sentence with an id and a hint."""

from __future__ import annotations

from typing import Any

import pytest

from payments.checks import check_providers
from payments.tests.certificates import certificate, elliptic_certificate
from payments.tests.providers.test_mpesa_openapi import platform_key, public_text


def ids() -> list[str | None]:
    return [message.id for message in check_providers()]


def test_the_tests_own_settings_are_whole() -> None:
    assert ids() == []


def test_half_a_set_of_credentials_is_an_error(settings: Any) -> None:
    settings.AIRTEL_CLIENT_SECRET = ""
    (message,) = check_providers()
    assert message.id == "payments.E001"
    assert "AIRTEL_CLIENT_SECRET" in message.msg
    assert message.hint


def test_no_credentials_leave_the_provider_out(settings: Any) -> None:
    settings.AIRTEL_CLIENT_ID = settings.AIRTEL_CLIENT_SECRET = settings.AIRTEL_BASE_URL = ""
    assert ids() == []


INITIATOR = ("MPESA_INITIATOR_NAME", "MPESA_INITIATOR_PASSWORD", "MPESA_CERTIFICATE")


@pytest.mark.parametrize("missing", INITIATOR)
def test_half_of_what_disbursing_needs_is_an_error(settings: Any, missing: str) -> None:
    for name, value in zip(INITIATOR, ("api", "fake-password", certificate()), strict=True):
        setattr(settings, name, value)
    assert ids() == []
    setattr(settings, missing, "")
    (message,) = check_providers()
    assert message.id == "payments.E004"
    assert missing in message.msg
    assert message.hint


@pytest.mark.parametrize("unusable", ["/nowhere.pem", "nonsense", elliptic_certificate()])
def test_a_certificate_that_cannot_be_read_is_an_error(settings: Any, unusable: str) -> None:
    settings.MPESA_INITIATOR_NAME = "api"
    settings.MPESA_INITIATOR_PASSWORD = "fake-password"
    settings.MPESA_CERTIFICATE = unusable
    (message,) = check_providers()
    assert message.id == "payments.E005"
    assert message.hint


def test_a_minimum_over_the_maximum_is_an_error(settings: Any) -> None:
    settings.MPESA_CONNECTION = {**settings.MPESA_CONNECTION, "amount_min": 10, "amount_max": 1}
    assert ids() == ["payments.E002"]


def test_a_webhook_token_for_no_dialect_is_an_error(settings: Any) -> None:
    settings.WEBHOOK_TOKENS = {"token": "paypal"}
    assert ids() == ["payments.E003"]


def test_an_account_of_no_provider_is_an_error(settings: Any) -> None:
    settings.DISBURSEMENT_TILLS = {"DISB01": "airtel"}
    assert ids() == ["payments.E009"]


def test_a_callback_url_that_nobody_answers_is_warned_of(settings: Any) -> None:
    settings.AIRTEL_CALLBACK_URL = "https://pay.example.com/callbacks/airtel"
    assert ids() == ["payments.W001"]


def set_openapi(settings: Any, public_key: str = "") -> None:
    settings.MPESA_OPENAPI_API_KEY = "fake"
    settings.MPESA_OPENAPI_PUBLIC_KEY = public_key or public_text(platform_key())
    settings.MPESA_OPENAPI_SERVICE_PROVIDER_CODE = "000000"


def test_both_dialects_of_m_pesa_may_be_set(settings: Any) -> None:
    set_openapi(settings)
    for chosen in ("", "daraja", "openapi"):
        settings.MPESA_DIALECT = chosen
        assert ids() == []


def test_a_chosen_dialect_without_its_credentials_is_an_error(settings: Any) -> None:
    settings.MPESA_DIALECT = "openapi"
    (message,) = check_providers()
    assert message.id == "payments.E006"
    assert "MPESA_OPENAPI_API_KEY" in (message.hint or "")


def test_a_malformed_public_key_is_an_error(settings: Any) -> None:
    set_openapi(settings, public_key="-----BEGIN PUBLIC KEY-----")
    (message,) = check_providers()
    assert message.id == "payments.E007"
    assert message.hint


def test_the_callback_url_that_two_dialects_share_is_warned_of_once(settings: Any) -> None:
    set_openapi(settings)
    settings.MPESA_CALLBACK_URL = "https://pay.example.com/callbacks/mpesa"
    assert ids() == ["payments.W001"]


def test_half_a_set_of_disbursement_settings_is_an_error(settings: Any) -> None:
    settings.TIGO_PESA_DISBURSE_URL = "https://tigo.example/a2w"
    settings.TIGO_PESA_DISBURSE_MSISDN = "255710000001"
    (message,) = check_providers()
    assert message.id == "payments.E004"
    assert "TIGO_PESA_DISBURSE_PIN missing" in message.msg
    settings.TIGO_PESA_DISBURSE_PIN = "7391"
    assert ids() == []


def test_a_disbursement_pin_without_its_key_is_an_error(settings: Any) -> None:
    settings.AIRTEL_DISBURSEMENT_PIN = "7391"
    (message,) = check_providers()
    assert message.id == "payments.E004"
    assert "AIRTEL_PUBLIC_KEY missing" in message.msg


def test_a_key_that_cannot_be_read_is_an_error(settings: Any) -> None:
    settings.AIRTEL_DISBURSEMENT_PIN = "7391"
    for text in ("no key", "bm8ga2V5", "-----BEGIN PUBLIC KEY-----"):
        settings.AIRTEL_PUBLIC_KEY = text
        (message,) = check_providers()
        assert message.id == "payments.E008"
        assert message.hint
