"""mpesakit, a typed Daraja client, against the simulator."""

from __future__ import annotations

import warnings
from typing import Any
from uuid import uuid4

import pytest

from simulator.tests.conftest import Merchant, Simulator
from simulator.tests.sdk import initiator

with warnings.catch_warnings(action="ignore"):
    from mpesakit import MpesaClient
    from mpesakit.b2c import B2CCommandIDType
    from mpesakit.errors import MpesaApiException

# The client takes Kenyan numbers alone; the last six digits decide with any prefix.
PAYS = "254712000001"
DECLINES = "254712000004"
NOT_REGISTERED = "254712000020"


@pytest.fixture
def mpesa(simulator: Simulator) -> MpesaClient:
    client = MpesaClient("fake-key", "fake-secret")
    client.http_client.base_url = simulator.url
    return client


def push(mpesa: MpesaClient, merchant: Merchant, phone: str, passkey: str = "fake-passkey") -> Any:
    return mpesa.stk_push(
        business_short_code=600100,
        transaction_type="CustomerPayBillOnline",
        amount=1000,
        party_a=phone,
        party_b="600100",
        phone_number=phone,
        callback_url=f"{merchant.url}/stk",
        account_reference="REF1",
        transaction_desc="Konektika",
        passkey=passkey,
    )


def query(mpesa: MpesaClient, handle: str) -> Any:
    return mpesa.stk_query(
        business_short_code=600100, checkout_request_id=handle, passkey="fake-passkey"
    )


def send(mpesa: MpesaClient, simulator: Simulator, merchant: Merchant, phone: str) -> Any:
    return mpesa.b2c.send_payment(
        originator_conversation_id=uuid4().hex,
        initiator_name=initiator.NAME,
        security_credential=initiator.credential(simulator.url),
        command_id=B2CCommandIDType.BusinessPayment,
        amount=1000,
        party_a="600100",
        party_b=phone,
        remarks="Konektika",
        queue_timeout_url=f"{merchant.url}/timeout",
        result_url=f"{merchant.url}/result",
    )


def test_a_payment_is_accepted_told_and_found(
    mpesa: MpesaClient, simulator: Simulator, merchant: Merchant
) -> None:
    accepted = push(mpesa, merchant, PAYS)
    assert accepted.is_successful()
    (heard,) = merchant.wait_for(1)
    callback = mpesa.process_stk_callback(heard["body"])
    assert callback.is_successful
    assert (callback.amount, callback.phone_number) == (1000, PAYS)
    assert callback.mpesa_receipt_number == simulator.truth()["movements"][0]["receipt"]
    found = query(mpesa, accepted.CheckoutRequestID)
    assert (found.is_successful(), str(found.ResultCode)) == (True, "0")


def test_a_declined_payment_is_told_and_found(mpesa: MpesaClient, merchant: Merchant) -> None:
    accepted = push(mpesa, merchant, DECLINES)
    (heard,) = merchant.wait_for(1)
    callback = mpesa.process_stk_callback(heard["body"])
    assert not callback.is_successful
    assert callback.mpesa_receipt_number is None
    assert str(query(mpesa, accepted.CheckoutRequestID).ResultCode) == "1032"


def test_wrong_credentials_are_refused(
    simulator: Simulator, mpesa: MpesaClient, merchant: Merchant
) -> None:
    with pytest.raises(MpesaApiException) as refused:
        push(mpesa, merchant, PAYS, passkey="wrong")
    assert refused.value.error.error_message == "Wrong credentials"
    stranger = MpesaClient("fake-key", "wrong")
    stranger.http_client.base_url = simulator.url
    with pytest.raises(MpesaApiException) as unknown:
        push(stranger, merchant, PAYS)
    assert unknown.value.error_code == "AUTH_INVALID_CREDENTIALS"


def test_money_is_sent_and_a_number_without_an_account_is_refused(
    mpesa: MpesaClient, simulator: Simulator, merchant: Merchant
) -> None:
    assert send(mpesa, simulator, merchant, PAYS).is_successful()
    # It reads a result's parameters as a bare list, where fact sheet 2.6 has them one level deeper:
    # so of its own words about results, those of failures alone can be tried.
    (paid,) = merchant.wait_for(1)
    assert paid["body"]["Result"]["ResultCode"] == 0
    assert send(mpesa, simulator, merchant, NOT_REGISTERED).is_successful()
    result = mpesa.process_b2c_callback(merchant.wait_for(2)[1]["body"])
    assert (result.is_successful(), result.Result.ResultCode) == (False, 2040)


def test_a_status_is_promised_and_what_nobody_knows_is_told(
    mpesa: MpesaClient, simulator: Simulator, merchant: Merchant
) -> None:
    promised = mpesa.transactions.query_status(
        initiator=initiator.NAME,
        security_credential=initiator.credential(simulator.url),
        transaction_id="NOSUCHTHING",
        party_a=600100,
        identifier_type=4,
        result_url=f"{merchant.url}/result",
        queue_timeout_url=f"{merchant.url}/timeout",
    )
    assert promised.is_successful()
    (heard,) = merchant.wait_for(1)
    assert not mpesa.process_transactions_callback(heard["body"]).is_successful()


def test_a_payment_is_reversed_and_not_twice(
    mpesa: MpesaClient, simulator: Simulator, merchant: Merchant
) -> None:
    push(mpesa, merchant, PAYS)
    (heard,) = merchant.wait_for(1)
    receipt = mpesa.process_stk_callback(heard["body"]).mpesa_receipt_number
    results = []
    for count in (2, 3):
        promised = mpesa.reversal.reverse(
            initiator=initiator.NAME,
            security_credential=initiator.credential(simulator.url),
            transaction_id=receipt,
            amount=1000,
            receiver_party=600100,
            result_url=f"{merchant.url}/result",
            queue_timeout_url=f"{merchant.url}/timeout",
            remarks="Konektika",
        )
        assert promised.is_successful()
        heard = merchant.wait_for(count)[-1]
        results.append(mpesa.process_reversal_callback(heard["body"]))
    first, second = results
    assert (first.is_successful(), second.is_successful()) == (True, False)
    told = {each.Key: each.Value for each in first.Result.ResultParameters.ResultParameter}
    assert told["OriginalTransactionID"] == receipt


def test_urls_are_registered(mpesa: MpesaClient, merchant: Merchant) -> None:
    registered = mpesa.c2b.register_url(
        short_code=600100,
        response_type="Completed",
        confirmation_url=f"{merchant.url}/confirmation",
        validation_url=f"{merchant.url}/validation",
    )
    assert registered.is_successful()
