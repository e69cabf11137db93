"""Staff read the story of a payment that a customer began by a provider's menu."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bundles.services.offer_paybill import offer_paybill
from bundles.tests.factories import a_bundle
from payments.models import Payment
from payments.services.follow_up import follow_up
from payments.tests.bills import COMPANY, TXNID, ask, payment
from payments.tests.factories import a_customer
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def company(settings: Any) -> None:
    settings.TIGO_PESA_COMPANY_NAME = COMPANY


def story(staff: Client, reference: str, amount: int) -> str:
    ask(payment(CUSTOMERREFERENCEID=reference, AMOUNT=str(amount)))
    paid = Payment.objects.get()
    follow_up(payment_id=paid.pk)
    answer = staff.get(f"/admin/payments/payment/{paid.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_a_bill_bought_is_told_with_its_question(staff: Client) -> None:
    first_gateway()
    customer, bundle = a_customer(), a_bundle()
    dial = offer_paybill(customer=customer, bundle_id=bundle.pk)
    page = story(staff, dial.reference, dial.amount)
    for words in (TXNID, "SYNC_BILLPAY_REQUEST", "Activated", bundle.name):
        assert words in page


def test_money_for_nothing_in_particular_has_a_story_too(staff: Client) -> None:
    customer = a_customer()
    page = story(staff, (customer.phone or "").removeprefix("+"), 700)
    assert "nothing in particular" in page
    assert f"credit:{customer.pk}" in page
