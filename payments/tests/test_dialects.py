"""Of a provider's two dialects one takes new payments; the other is still understood."""

from __future__ import annotations

from typing import Any

import pytest

from payments.errors import ProviderUnavailable
from payments.models import ProviderName
from payments.providers import registry
from payments.tests.certificates import certificate

M_PESA = ProviderName.VODACOM_MPESA


@pytest.fixture
def both(settings: Any) -> None:
    settings.MPESA_OPENAPI_API_KEY = settings.MPESA_OPENAPI_PUBLIC_KEY = "fake"
    settings.MPESA_OPENAPI_SERVICE_PROVIDER_CODE = "000000"


def chosen() -> str:
    return registry.enabled_provider(M_PESA).description.dialect


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(
    ("setting", "dialect"),
    [("", "mpesa_openapi"), ("openapi", "mpesa_openapi"), ("daraja", "mpesa_daraja")],
)
def test_the_setting_chooses_and_the_open_api_comes_first(
    settings: Any, setting: str, dialect: str
) -> None:
    settings.MPESA_DIALECT = setting
    assert chosen() == dialect
    assert registry.takes_payments(M_PESA)


@pytest.mark.usefixtures("both")
def test_money_is_sent_by_the_chosen_dialect_and_by_the_other_where_it_cannot(
    settings: Any,
) -> None:
    for setting in ("", "openapi", "daraja"):  # Daraja has no initiator here
        settings.MPESA_DIALECT = setting
        sender = registry.disbursing_provider(M_PESA)
        assert sender is not None
        assert sender.description.dialect == "mpesa_openapi"
    settings.MPESA_INITIATOR_NAME, settings.MPESA_INITIATOR_PASSWORD = "api", "fake"
    settings.MPESA_CERTIFICATE = certificate()
    registry.forget_clients()
    sender = registry.disbursing_provider(M_PESA)
    assert sender is not None
    assert sender.description.dialect == "mpesa_daraja"


def test_no_money_is_sent_where_nothing_is_set_up() -> None:
    assert registry.disbursing_provider(M_PESA) is None


def test_what_is_set_is_used() -> None:
    assert chosen() == "mpesa_daraja"


def test_a_chosen_dialect_without_credentials_is_not_replaced_by_the_other(settings: Any) -> None:
    settings.MPESA_DIALECT = "openapi"
    assert not registry.takes_payments(M_PESA)
    with pytest.raises(ProviderUnavailable):
        registry.enabled_provider(M_PESA)


@pytest.mark.usefixtures("both")
def test_the_choice_is_about_m_pesa_alone(settings: Any) -> None:
    settings.MPESA_DIALECT = "openapi"
    assert registry.takes_payments(ProviderName.TIGO_PESA)
    assert registry.takes_payments(ProviderName.AIRTEL_MONEY)


@pytest.mark.parametrize("dialect", [each.name for each in registry.DIALECTS])
def test_an_old_attempts_dialect_is_understood_without_its_credentials(
    settings: Any, dialect: str
) -> None:
    for each in registry.DIALECTS:
        for name in each.credentials:
            setattr(settings, name, "")
    assert registry.by_dialect(dialect).description.dialect == dialect
