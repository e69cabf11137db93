"""Each big list finds what people read out, whole or from its beginning, and no parts of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bundles.models import Purchase, Subscription
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy
from notifications.models import Message
from payments.models import MobileMoneyTransaction, Payment, Posting, WebhookDelivery
from payments.tests.factories import a_customer

pytestmark = pytest.mark.django_db(transaction=True)


def listed(client: Client, model: Any, term: str) -> set[Any]:
    meta = model._meta
    path = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    answer: Any = client.get(path, {"q": term})
    assert answer.status_code == 200
    return set(answer.context["cl"].result_list)


@pytest.mark.parametrize("model", [Purchase, Subscription])
def test_what_was_bought_is_found_by_its_customer(staff: Client, paid: Payment, model: Any) -> None:
    buy(a_customer(), a_bundle())
    customer = paid.payer
    customer.full_name = "Neema Mushi"
    customer.save()
    national = str(customer.phone).removeprefix("+255")
    his = set(model.objects.filter(customer=customer))
    assert his
    for term in (f"0{national}", f"255 {national}", customer.email.upper(), "neema m"):
        assert listed(staff, model, term) == his, term
    for part in (national[-4:], customer.email[1:], "Mushi"):
        assert listed(staff, model, part) == set(), part


def test_a_purchase_is_found_by_what_was_dialled(staff: Client, paid: Payment) -> None:
    Purchase.objects.update(pay_reference="7A2B")
    assert listed(staff, Purchase, "7A2B") == set(Purchase.objects.all())


def test_an_attempt_and_its_deliveries_are_found_alike(staff: Client, paid: Payment) -> None:
    MobileMoneyTransaction.objects.update(provider_reference="AG_7")
    attempt = paid.attempts.get()
    national = attempt.customer_phone.removeprefix("+255")
    for term in (attempt.reference, "MFS777", "AG_7", f"0{national}", attempt.customer_phone):
        assert listed(staff, MobileMoneyTransaction, term) == {attempt}, term
        assert listed(staff, WebhookDelivery, term) == set(attempt.deliveries.all()), term
    for part in (attempt.reference[1:], "MFS", national[-4:]):
        assert listed(staff, MobileMoneyTransaction, part) == set(), part
        assert listed(staff, WebhookDelivery, part) == set(), part


def test_a_delivery_that_fits_nothing_is_found_by_what_it_names(
    staff: Client, paid: Payment
) -> None:
    delivery = WebhookDelivery.objects.get()
    assert listed(staff, WebhookDelivery, "KNK 1") == set()
    WebhookDelivery.objects.update(state="unmatched", note="names KNK 1", attempt=None)
    assert listed(staff, WebhookDelivery, "KNK 1") == {delivery}


def test_a_message_is_found_by_its_phone_and_key(staff: Client, paid: Payment) -> None:
    message = Message.objects.get(message_id="payment_received")
    assert listed(staff, Message, message.key) == {message}
    assert listed(staff, Message, f"0{message.to[4:]}") == set(Message.objects.all())
    assert listed(staff, Message, "Konektika") == set()


def test_a_posting_is_found_by_its_source_and_accounts(staff: Client, paid: Payment) -> None:
    sale = Posting.objects.get(source=f"sale:{paid.subject}")
    assert listed(staff, Posting, sale.source) == {sale}
    assert listed(staff, Posting, "revenue") == {sale}
    assert listed(staff, Posting, "receipts") == set(Posting.objects.all())
    assert listed(staff, Posting, "sale") == set()
