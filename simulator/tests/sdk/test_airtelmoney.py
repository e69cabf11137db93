"""airtelmoney-py, a client of Airtel Money's Open API, against the simulator."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import airtelmoney
import pytest
from airtelmoney.errors import describe, is_pending, is_success

from simulator.tests.conftest import Merchant, Simulator

PAYS = "684000001"
WRONG_PIN = "684000002"
NOT_REGISTERED = "684000020"


@pytest.fixture
def airtel(simulator: Simulator) -> Any:
    """It signs what it sends by itself, so the simulator insists on that."""
    simulator.configure(airtel_money={"message_signing": True})
    return client(simulator)


def client(simulator: Simulator, secret: str = "fake-secret") -> Any:  # noqa: S107 - fake
    return airtelmoney.AirtelMoney(
        "fake-id", secret, base_url=simulator.url, country="TZ", currency="TZS"
    )


def pay(airtel: Any, phone: str, **more: Any) -> dict[str, Any]:
    wish = {"transaction_id": uuid4().hex, **more}
    answer: dict[str, Any] = airtel.collection.payment(
        reference="Konektika", msisdn=phone, amount=1000, **wish
    )
    return answer


def code(answer: dict[str, Any]) -> str:
    found: str = answer["status"]["response_code"]
    return found


def reason(answer: dict[str, Any]) -> str:
    """What the client's own table says of the code."""
    described = describe(code(answer))
    return described.reason if described else ""


def transaction(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["data"]["transaction"]
    return found


def test_a_signed_payment_is_pending_then_told_found_and_refunded(
    airtel: Any, simulator: Simulator, merchant: Merchant
) -> None:
    accepted = pay(airtel, PAYS)
    assert is_pending(code(accepted))
    (heard,) = merchant.wait_for(1)
    assert airtel.collection.verify_callback_hash(heard["body"], "test-callback-key")
    forged = json.loads(heard["raw"].replace(b"1,000", b"9,000"))
    assert not airtel.collection.verify_callback_hash(forged, "test-callback-key")
    found = airtel.collection.enquiry(transaction(accepted)["id"])
    assert is_success(code(found))
    assert transaction(found)["status"] == "TS"
    simulator.configure(airtel_money={"message_signing": False})  # it does not sign refunds
    refunded = airtel.collection.refund(transaction(found)["airtel_money_id"])
    assert transaction(refunded)["status"] == "SUCCESS"
    assert [each["amount"] for each in simulator.truth()["outgoing"]] == [-1000]


def test_a_failed_payment_is_found_with_its_code(airtel: Any, merchant: Merchant) -> None:
    accepted = pay(airtel, WRONG_PIN)
    merchant.wait_for(1)
    found = airtel.collection.enquiry(transaction(accepted)["id"])
    assert transaction(found)["status"] == "TF"
    assert reason(found) == "Incorrect Pin"


def test_what_is_not_signed_is_forbidden(airtel: Any) -> None:
    refused = pay(airtel, PAYS, sign=False)
    assert reason(refused) == "Forbidden"


def test_wrong_credentials_get_no_token(simulator: Simulator) -> None:
    with pytest.raises(airtelmoney.AirtelAuthError, match="Invalid client authentication"):
        client(simulator, "wrong").account.balance()


def test_money_is_sent_and_found(airtel: Any, simulator: Simulator) -> None:
    simulator.configure(airtel_money={"message_signing": False})  # it does not sign these either
    reference = uuid4().hex
    sent = airtel.disbursement.payment(
        msisdn=PAYS, amount=1000, reference="Konektika", pin="1234", transaction_id=reference
    )
    assert is_success(code(sent))
    assert is_success(code(airtel.disbursement.enquiry(reference)))
    refused = airtel.disbursement.payment(
        msisdn=NOT_REGISTERED, amount=1000, reference="Konektika", pin="1234"
    )
    assert reason(refused) == "Invalid mobile number"
    with pytest.raises(airtelmoney.AirtelAPIError, match="HTTP 400"):
        airtel.disbursement.payment(msisdn=PAYS, amount=1000, reference="Konektika", pin="9999")
    assert [each["amount"] for each in simulator.truth()["outgoing"]] == [-1000]


def test_balance_and_holder_are_told(airtel: Any) -> None:
    balance = airtel.account.balance()
    assert is_success(code(balance))
    assert int(balance["data"]["balance"]) >= 0
    known = airtel.kyc.user_enquiry(PAYS)
    assert is_success(code(known))
    assert known["data"]["msisdn"] == PAYS
    assert not is_success(code(airtel.kyc.user_enquiry(NOT_REGISTERED)))
