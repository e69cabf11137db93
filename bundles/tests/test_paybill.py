"""Paying for a bundle by the provider's own menu: what to dial, and what the money becomes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from bundles.errors import BundleNotFound, BundleSoldOut, BundleUnavailable
from bundles.models import Bundle, Purchase, Seat, Subscription
from bundles.pay_reference import is_pay_reference, new_pay_reference
from bundles.selectors import payable_of_phone, payable_of_purchase
from bundles.services import offer_paybill as offering
from bundles.services.buy import buy_bundle
from bundles.services.offer_paybill import Paybill, offer_paybill
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear
from cases.models import Case
from payments import hooks, ledger
from payments.errors import PaybillUnavailable
from payments.models import Bill, Disposition, Payment
from payments.services.follow_up import follow_up
from payments.tests.bills import COMPANY, ask, lookup, payment
from payments.tests.factories import a_customer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def company(settings: Any) -> None:
    settings.TIGO_PESA_COMPANY_NAME = COMPANY


def offer(customer: User, bundle: Bundle) -> Paybill:
    return offer_paybill(customer=customer, bundle_id=bundle.pk)


def pay(reference: str, amount: int, receipt: str = "BP1") -> Payment:
    """Tigo takes the money; what follows follows."""
    answer = ask(payment(CUSTOMERREFERENCEID=reference, AMOUNT=str(amount), TXNID=receipt))
    assert answer["RESULT"] == "TS"
    paid = Bill.objects.get(receipt=receipt).payment
    assert paid is not None
    follow_up(payment_id=paid.pk)
    paid.refresh_from_db()
    return paid


def test_a_slip_in_a_reference_is_seen() -> None:
    reference = new_pay_reference()
    assert is_pay_reference(reference)
    for place, digit in enumerate(reference):
        slipped = f"{reference[:place]}{(int(digit) + 1) % 10}{reference[place + 1 :]}"
        assert not is_pay_reference(slipped)
    assert not any(map(is_pay_reference, ["", "1234567", "123456740", "1234567a", "١٢٣٤٥٦٧٤"]))


def test_the_exact_amount_buys_the_bundle() -> None:
    customer, bundle = a_customer(), a_bundle()
    dial = offer(customer, bundle)
    paid = pay(dial.reference, dial.amount)
    assert paid.disposition == Disposition.FULFILLED
    assert Purchase.objects.get().state == Purchase.State.PAID
    assert Subscription.objects.get().customer == customer
    assert Seat.objects.get().held_until is None


def test_the_name_check_knows_the_reference_however_it_is_typed() -> None:
    customer = a_customer()
    customer.full_name = "Asha Neema Juma"
    customer.save()
    reference = offer(customer, a_bundle()).reference
    for typed in (
        reference,
        f" {reference[:4]} {reference[4:]}",
        f"{reference[:4]}-{reference[4:]}",
    ):
        assert ask(lookup(CUSTOMERREFERENCEID=typed))["CONTENT"] == "Asha J."
    other_check_digit = str((int(reference[-1]) + 1) % 10)
    assert payable_of_purchase(reference[:-1] + other_check_digit) is None


@pytest.mark.parametrize("form", ["+255{}", "255{}", "0{}", "{}"])
def test_a_customers_own_number_is_a_reference_too(form: str) -> None:
    customer = a_customer()
    number = (customer.phone or "").removeprefix("+255")
    payable = payable_of_phone(form.format(number))
    assert payable is not None
    assert (payable.payer_id, payable.subject, payable.amount) == (customer.pk, "", None)
    paid = pay(form.format(number).lstrip("+"), 700)
    assert (paid.disposition, ledger.credit_of(customer.pk)) == (Disposition.CREDITED, 700)
    assert payable_of_phone("0754999999") is None


def test_money_without_a_purchase_can_be_taken_back_by_the_provider() -> None:
    """What sellers are told of such a payment is none of theirs."""
    customer = a_customer()
    paid = pay((customer.phone or "").removeprefix("+"), 700)
    for hook in (hooks.completed, hooks.given_up, hooks.withdrawn, hooks.closed):
        hook.notify(paid)
    assert not Subscription.objects.exists()


def test_less_than_the_price_is_credit_and_the_purchase_stays_open() -> None:
    customer, bundle = a_customer(), a_bundle(price=1000)
    dial = offer(customer, bundle)
    assert pay(dial.reference, 400).disposition == Disposition.CREDITED
    assert (ledger.credit_of(customer.pk), Case.objects.get().kind) == (400, "underpaid")
    assert Purchase.objects.get().state == Purchase.State.AWAITING_PAYMENT
    assert pay(dial.reference, 1000, "BP2").disposition == Disposition.FULFILLED


def test_more_than_the_price_buys_and_the_rest_is_credit() -> None:
    customer, bundle = a_customer(), a_bundle(price=1000)
    assert pay(offer(customer, bundle).reference, 1500).disposition == Disposition.FULFILLED
    assert ledger.credit_of(customer.pk) == 500


def test_a_bill_pays_while_the_phone_is_still_asked_and_the_second_is_credit() -> None:
    customer, bundle = a_customer(), a_bundle()
    pushed = buy(customer, bundle)
    dial = offer(customer, bundle)
    assert Purchase.objects.count() == 1
    assert pay(dial.reference, dial.amount).disposition == Disposition.FULFILLED
    assert hear(pushed).disposition == Disposition.CREDITED
    assert (ledger.credit_of(customer.pk), Case.objects.get().kind) == (1000, "paid_twice")
    assert Subscription.objects.count() == 1


def test_an_attempts_own_reference_pays_for_the_same_purchase() -> None:
    """By another provider than the one that was asked."""
    pushed = buy(a_customer(), a_bundle())
    paid = pay(pushed.attempts.get().reference, 1000)
    assert (paid.subject, paid.disposition) == (pushed.subject, Disposition.FULFILLED)


def test_asking_again_gives_the_same_reference_and_holds_the_seat_anew() -> None:
    customer, bundle = a_customer(), a_bundle()
    first = offer(customer, bundle)
    Seat.objects.update(held_until=timezone.now())
    again = offer(customer, bundle)
    assert again.reference == first.reference
    held = Seat.objects.get().held_until
    assert held is not None
    assert held == again.expires_at + timedelta(minutes=1)
    assert Purchase.objects.count() == 1


def test_a_reference_that_is_taken_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = a_bundle()
    first = offer(a_customer(), bundle).reference
    drawn = iter([first, first, "12345674"])
    monkeypatch.setattr(offering, "new_pay_reference", lambda: next(drawn))
    assert offer(a_customer(), bundle).reference == "12345674"


def test_the_same_refusals_as_for_any_purchase() -> None:
    customer = a_customer()
    with pytest.raises(BundleNotFound):
        offer_paybill(customer=customer, bundle_id=999)
    with pytest.raises(BundleUnavailable):
        offer(customer, a_bundle(is_active=False))
    full = a_bundle(max_clients=1)
    offer(a_customer(), full)
    with pytest.raises(BundleSoldOut):
        offer(customer, full)
    assert Purchase.objects.count() == 1


def test_without_a_number_to_pay_to_nothing_is_offered(settings: Any) -> None:
    settings.TIGO_PESA_COMPANY_NAME = settings.MPESA_BUSINESS_SHORTCODE = ""
    with pytest.raises(PaybillUnavailable):
        offer(a_customer(), a_bundle())
    assert not Purchase.objects.exists()


def test_paying_by_menu_uses_up_no_prompts() -> None:
    customer, bundle = a_customer(), a_bundle()
    for number in range(6):
        pay((customer.phone or "").removeprefix("+"), 100, f"BP{number}")
    assert buy_bundle(
        customer=customer, bundle_id=bundle.pk, phone=customer.phone or "", provider="auto"
    )
