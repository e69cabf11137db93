"""python-pesa (`pypesa`), a client of M-Pesa's Open API, against the simulator."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pypesa
import pytest
import requests
from pypesa.mpesa_exceptions import AuthenticationError

from simulator.tests.conftest import Simulator

PAYS = "255754000001"
NO_FUNDS = "255754000003"
NOT_REGISTERED = "255754000020"


@pytest.fixture
def mpesa(simulator: Simulator) -> Any:
    return client(simulator)


def client(simulator: Simulator, api_key: str = "fake-api-key") -> Any:
    """Its addresses are attributes; it opens a session for each call."""
    keys = requests.get(f"{simulator.url}/control/keys", timeout=5).json()
    mpesa = pypesa()
    mpesa.api_key = api_key
    mpesa.public_key = keys["MPESA_OPENAPI_PUBLIC_KEY"]
    for name, address in vars(mpesa.urls).items():
        path = address.partition("/sandbox/")[2]
        setattr(mpesa.urls, name, f"{simulator.url}/sandbox/{path}")
    return mpesa


def order(phone: str, **changes: str) -> dict[str, str]:
    return {
        "input_Amount": "1000",
        "input_Country": "TZN",
        "input_Currency": "TZS",
        "input_CustomerMSISDN": phone,
        "input_ServiceProviderCode": "000000",
        "input_ThirdPartyConversationID": uuid4().hex,
        "input_TransactionReference": "REF1",
        "input_PurchasedItemsDesc": "Konektika",
        "input_PaymentItemsDesc": "Konektika",
        **changes,
    }


def status(mpesa: Any, reference: str) -> dict[str, str]:
    found: dict[str, str] = mpesa.query_transaction_status(
        {
            "input_QueryReference": reference,
            "input_ServiceProviderCode": "000000",
            "input_ThirdPartyConversationID": uuid4().hex,
            "input_Country": "TZN",
        }
    )
    return found


def test_a_payment_succeeds_is_found_and_reversed(mpesa: Any, simulator: Simulator) -> None:
    wish = order(PAYS)
    paid = mpesa.customer_to_bussiness(wish)
    assert paid["output_ResponseCode"] == "INS-0"
    assert paid["output_TransactionID"] == simulator.truth()["movements"][0]["receipt"]
    found = status(mpesa, wish["input_ThirdPartyConversationID"])
    assert found["output_ResponseTransactionStatus"] == "Completed"
    reversal = {
        "input_ReversalAmount": "1000",
        "input_Country": "TZN",
        "input_ServiceProviderCode": "000000",
        "input_ThirdPartyConversationID": uuid4().hex,
        "input_TransactionID": paid["output_TransactionID"],
    }
    assert mpesa.payment_reversal(reversal)["output_ResponseCode"] == "INS-0"
    found = status(mpesa, wish["input_ThirdPartyConversationID"])
    assert found["output_Reversed"] == "True"


def test_money_is_sent_and_a_number_without_an_account_is_refused(
    mpesa: Any, simulator: Simulator
) -> None:
    assert mpesa.bussiness_to_customer(order(PAYS))["output_ResponseCode"] == "INS-0"
    refused = mpesa.bussiness_to_customer(order(NOT_REGISTERED))
    assert refused["output_ResponseCode"] == "INS-2051"
    assert [each["amount"] for each in simulator.truth()["outgoing"]] == [-1000]


def test_refusals_are_answered_with_their_codes(mpesa: Any) -> None:
    poor = order(NO_FUNDS)
    assert mpesa.customer_to_bussiness(poor)["output_ResponseCode"] == "INS-2006"
    assert mpesa.customer_to_bussiness(poor)["output_ResponseCode"] == "INS-10"
    assert status(mpesa, uuid4().hex)["output_ResponseCode"] == "INS-23"


def test_a_wrong_key_opens_no_session(simulator: Simulator) -> None:
    with pytest.raises(AuthenticationError):
        client(simulator, api_key="wrong").get_session_id()
