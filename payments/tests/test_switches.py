"""Staff switch a provider off: customers are not offered it, and money that goes out waits."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from payments.errors import ProviderUnavailable
from payments.models import Payment, ProviderName, ProviderSwitch, Transfer
from payments.services.refund import refund_payment
from payments.states import TransferState
from payments.tests.factories import a_payment
from payments.tests.outgoing import FakeProvider, paid, sent

pytestmark = pytest.mark.django_db(transaction=True)

M_PESA = ProviderName.VODACOM_MPESA


def switch(**values: Any) -> None:
    ProviderSwitch.objects.update_or_create(provider=M_PESA, defaults=values)


@pytest.mark.usefixtures("providers")
def test_a_provider_that_is_off_takes_no_payments_and_says_why(client: Client) -> None:
    switch(takes_payments=False, notice="M-Pesa is back at noon.")
    (told,) = [
        each
        for each in client.get("/api/payments/providers").json()["providers"]
        if each["provider"] == M_PESA
    ]
    assert (told["enabled"], told["message"]) == (False, "M-Pesa is back at noon.")
    with pytest.raises(ProviderUnavailable, match="back at noon"):
        a_payment(M_PESA)
    assert not Payment.objects.exists()
    a_payment(ProviderName.TIGO_PESA)

    switch(takes_payments=True)
    a_payment(M_PESA)


def test_money_waits_while_nothing_is_to_be_sent(provider: FakeProvider) -> None:
    transfer: Transfer = refund_payment(payment_id=paid().pk, request_key="key", why="asked for")
    switch(sends_money=False)
    assert sent(transfer).state == TransferState.QUEUED
    assert transfer.next_check_at is not None
    switch(sends_money=True)
    assert sent(transfer).state != TransferState.QUEUED
