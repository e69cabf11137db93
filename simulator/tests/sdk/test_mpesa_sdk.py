"""mpesa-sdk, a thin Daraja client, against the simulator."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import mpesa_sdk
import pytest
from mpesa_sdk import urls

from simulator.tests.conftest import Merchant, Simulator
from simulator.tests.sdk import initiator

PAYS = "255754000001"
NO_FUNDS = "255754000003"


@pytest.fixture
def mpesa(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> mpesa_sdk.Mpesa:
    monkeypatch.setattr(urls, "SANDBOX_BASE_URL", simulator.url)
    token, _ = mpesa_sdk.oauth_generate_token("fake-key", "fake-secret")
    return mpesa_sdk.Mpesa(token["access_token"])


def signed(passkey: str = "fake-passkey") -> dict[str, str]:
    timestamp = mpesa_sdk.generate_timestamp()
    password = mpesa_sdk.generate_mpesa_express_password("600100", passkey, timestamp)
    return {"BusinessShortCode": "600100", "Timestamp": timestamp, "Password": password}


def push(mpesa: mpesa_sdk.Mpesa, merchant: Merchant, phone: str, **changes: Any) -> dict[str, Any]:
    """What the client takes for accepted; anything else it raises."""
    body = {
        **signed(),
        "Amount": 1000,
        "PartyA": phone,
        "PartyB": "600100",
        "PhoneNumber": phone,
        "CallBackURL": f"{merchant.url}/stk",
        "AccountReference": "REF1",
        "TransactionDesc": "Konektika",
        **changes,
    }
    accepted, _ = mpesa.mpesa_express_payment(body)
    found: dict[str, Any] = accepted
    return found


def ordered(simulator: Simulator, merchant: Merchant) -> dict[str, str]:
    """What each order of the initiator says."""
    return {
        "SecurityCredential": initiator.credential(simulator.url),
        "Remarks": "Konektika",
        "Occasion": "Konektika",
        "ResultURL": f"{merchant.url}/result",
        "QueueTimeOutURL": f"{merchant.url}/timeout",
    }


@pytest.mark.parametrize(("phone", "code"), [(PAYS, "0"), (NO_FUNDS, "1")])
def test_a_payment_is_accepted_and_found(
    mpesa: mpesa_sdk.Mpesa, merchant: Merchant, phone: str, code: str
) -> None:
    accepted = push(mpesa, merchant, phone)
    merchant.wait_for(1)
    question = {**signed(), "CheckoutRequestID": accepted["CheckoutRequestID"]}
    found, _ = mpesa.mpesa_express_query(question)
    assert found["ResultCode"] == code


def test_refusals_are_raised_with_the_providers_words(
    mpesa: mpesa_sdk.Mpesa, merchant: Merchant
) -> None:
    with pytest.raises(mpesa_sdk.MpesaRequestError, match="Invalid Amount") as refused:
        push(mpesa, merchant, PAYS, Amount="ten")
    assert refused.value.status_code == 400
    with pytest.raises(mpesa_sdk.MpesaRequestError, match="Wrong credentials"):
        push(mpesa, merchant, PAYS, **signed("wrong"))
    with pytest.raises(mpesa_sdk.MpesaRequestError, match="Invalid Access Token"):
        push(mpesa_sdk.Mpesa("dead"), merchant, PAYS)


def test_money_is_sent_and_its_status_is_told(
    mpesa: mpesa_sdk.Mpesa, simulator: Simulator, merchant: Merchant
) -> None:
    payout = {
        **ordered(simulator, merchant),
        "OriginatorConversationID": uuid4().hex,
        "InitiatorName": initiator.NAME,
        "CommandID": "BusinessPayment",
        "Amount": 1000,
        "PartyA": "600100",
        "PartyB": PAYS,
    }
    mpesa.b2c_payment_request(payout)
    with pytest.raises(mpesa_sdk.MpesaRequestError, match="Duplicate"):
        mpesa.b2c_payment_request(payout)
    (result,) = merchant.wait_for(1)
    assert result["body"]["Result"]["ResultCode"] == 0
    question = {
        **ordered(simulator, merchant),
        "Initiator": initiator.NAME,
        "PartyA": "600100",
        "OriginalConversationID": payout["OriginatorConversationID"],
    }
    mpesa.transaction_status_request(question)
    status = merchant.wait_for(2)[1]["body"]["Result"]
    told = {each["Key"]: each["Value"] for each in status["ResultParameters"]["ResultParameter"]}
    assert told["TransactionStatus"] == "Completed"


def test_a_payment_is_reversed(
    mpesa: mpesa_sdk.Mpesa, simulator: Simulator, merchant: Merchant
) -> None:
    push(mpesa, merchant, PAYS)
    merchant.wait_for(1)
    receipt = simulator.truth()["movements"][0]["receipt"]
    mpesa.reversal_request(
        {
            **ordered(simulator, merchant),
            "Initiator": initiator.NAME,
            "TransactionID": receipt,
            "Amount": 1000,
            "ReceiverParty": "600100",
        }
    )
    result = merchant.wait_for(2)[1]["body"]["Result"]
    assert result["ResultCode"] == "0"
    assert [each["amount"] for each in simulator.truth()["outgoing"]] == [-1000]


def test_bills_are_registered_for_and_paid(mpesa: mpesa_sdk.Mpesa, merchant: Merchant) -> None:
    merchant.answers["/validation"] = ['{"ResultCode": "0", "ResultDesc": "Accepted"}']
    mpesa.c2b_register_url(
        {
            "ShortCode": "600100",
            "ResponseType": "Completed",
            "ConfirmationURL": f"{merchant.url}/confirmation",
            "ValidationURL": f"{merchant.url}/validation",
        }
    )
    mpesa.c2b_simulate_transaction(
        {"ShortCode": "600100", "Amount": 1000, "Msisdn": PAYS, "BillRefNumber": "KNK1"}
    )
    asked, confirmed = merchant.wait_for(2)
    assert (asked["path"], confirmed["path"]) == ("/validation", "/confirmation")
    assert confirmed["body"]["BillRefNumber"] == "KNK1"
