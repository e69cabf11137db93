"""What customers are told of the providers before they pay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from payments.models import MobileMoneyTransaction, ProviderName, ProviderSwitch
from payments.offers import ENDED_LEAST
from payments.tests.factories import a_payment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("providers")]

M_PESA = ProviderName.VODACOM_MPESA


def offered(client: Client, provider: str = M_PESA) -> dict[str, Any]:
    told: list[dict[str, Any]] = client.get("/api/payments/providers").json()["providers"]
    return next(each for each in told if each["provider"] == provider)


def ended(count: int, **state: Any) -> None:
    """So many payments by M-Pesa that ended so."""
    for _ in range(count):
        attempt = a_payment(M_PESA)
        MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(**state)


def predicted(client: Client, number: str) -> Any:
    return client.get("/api/payments/providers/predict", {"phone_number": number})


def test_a_number_tells_its_provider_and_what_will_happen(client: Client) -> None:
    told = predicted(client, "0754 123 456").json()["data"]
    assert (told["phone_number"], told["provider"]) == ("+255754123456", "vodacom_mpesa")
    assert (told["enabled"], told["health"], told["message"]) == (True, "good", "")
    assert told["amount_min"] < told["amount_max"]
    assert "PIN" in told["prompt"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "invalid_phone_number"),
        ("+254712345678", "invalid_phone_number"),
        ("0900123456", "invalid_phone_number"),
        ("0620000000", "unknown_provider"),
    ],
)
def test_what_tells_no_provider_is_refused(client: Client, number: str, code: str) -> None:
    answer = predicted(client, number)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_provider_that_is_off_is_down_and_predicted_still(client: Client) -> None:
    ProviderSwitch.objects.create(provider=M_PESA, takes_payments=False, notice="Back at noon.")
    told = predicted(client, "0754123456").json()["data"]
    assert (told["enabled"], told["health"], told["message"]) == (False, "down", "Back at noon.")


def test_one_that_is_not_set_up_has_no_limits(client: Client, settings: Any) -> None:
    settings.AIRTEL_CLIENT_ID = ""
    told = offered(client, ProviderName.AIRTEL_MONEY)
    assert (told["health"], told["amount_min"], told["amount_max"]) == ("down", None, None)


def test_customers_are_warned_of_one_by_which_most_comes_to_nothing(client: Client) -> None:
    ended(ENDED_LEAST - 2, status="failed", reason="unavailable")
    ended(1, status="completed")
    assert offered(client)["health"] == "good"
    ended(1, status="expired")
    told = offered(client)
    assert (told["enabled"], told["health"]) == (True, "troubled")
    assert "M-Pesa" in told["message"]
    assert offered(client, ProviderName.TIGO_PESA)["health"] == "good"


def test_what_customers_do_themselves_is_not_the_providers_doing(client: Client) -> None:
    ended(ENDED_LEAST, status="failed", reason="wrong_pin")
    assert offered(client)["health"] == "good"


def test_yesterday_is_forgotten(client: Client) -> None:
    ended(ENDED_LEAST, status="expired", created_at=timezone.now() - timedelta(minutes=31))
    assert offered(client)["health"] == "good"


def test_the_list_asks_the_database_twice_however_much_was_paid(
    client: Client, django_assert_num_queries: Any
) -> None:
    ended(ENDED_LEAST, status="completed")
    with django_assert_num_queries(2):
        offered(client)
