"""Daraja beyond the push: B2C, status, reversal, C2B and pull, as a client sees them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from simulator.tests import clients
from simulator.tests.conftest import Merchant, Simulator

PAYEE = "255754123456"
PAYS = "255754000001"


def result_of(heard: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = heard["body"]["Result"]
    return found


def parameters_of(heard: dict[str, Any]) -> dict[str, Any]:
    items = result_of(heard)["ResultParameters"]["ResultParameter"]
    return {item["Key"]: item["Value"] for item in items}


def collected(simulator: Simulator, merchant: Merchant, phone: str = PAYS) -> str:
    """A receipt of money that came in; what was heard of it is forgotten."""
    clients.daraja_push(simulator.url, phone, merchant.url)
    merchant.wait_for(1)
    merchant.heard.clear()
    receipt: str = simulator.truth()["movements"][-1]["receipt"]
    return receipt


def registers_urls(simulator: Simulator, merchant: Merchant, **changes: Any) -> dict[str, Any]:
    body = {
        "ShortCode": "600100",
        "ResponseType": "Cancelled",
        "ConfirmationURL": f"{merchant.url}/confirmation",
        "ValidationURL": f"{merchant.url}/validation",
        **changes,
    }
    answer: dict[str, Any] = clients.daraja(simulator.url, "c2b/v2/registerurl", body).json()
    return answer


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_a_payout_is_acknowledged_and_told_by_its_result(
    simulator: Simulator, merchant: Merchant, version: str
) -> None:
    answer = clients.daraja_b2c(simulator.url, PAYEE, merchant.url, version).json()
    assert answer["ResponseCode"] == "0"
    (heard,) = merchant.wait_for(1)
    assert heard["path"] == "/result"
    assert result_of(heard)["ResultCode"] == 0
    assert result_of(heard)["ConversationID"] == answer["ConversationID"]
    assert result_of(heard)["OriginatorConversationID"] == answer["OriginatorConversationID"]
    assert isinstance(result_of(heard)["ReferenceData"]["ReferenceItem"], dict)
    (moved,) = simulator.truth()["outgoing"]
    assert parameters_of(heard)["TransactionReceipt"] == moved["receipt"]
    assert parameters_of(heard)["B2CUtilityAccountAvailableFunds"] == 9_999_000


def test_the_originators_id_counts_once(simulator: Simulator, merchant: Merchant) -> None:
    clients.daraja_b2c(simulator.url, PAYEE, merchant.url, OriginatorConversationID="OUT1")
    again = clients.daraja_b2c(simulator.url, PAYEE, merchant.url, OriginatorConversationID="OUT1")
    assert (again.status_code, again.json()["errorCode"]) == (500, "500.002.1001")
    assert len(simulator.truth()["outgoing"]) == 1
    merchant.wait_for(1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("OriginatorConversationID", ""),
        ("InitiatorName", ""),
        ("SecurityCredential", ""),
        ("CommandID", "Gift"),
        ("Amount", "10.5"),
        ("PartyA", "1"),
        ("PartyB", "0754123456"),
        ("Remarks", "x"),
        ("ResultURL", "not-a-url"),
        ("QueueTimeOutURL", "http://example.com/x"),
    ],
)
def test_a_payout_with_a_wrong_field_is_refused_at_once(
    simulator: Simulator, merchant: Merchant, field: str, value: str
) -> None:
    answer = clients.daraja_b2c(simulator.url, PAYEE, merchant.url, **{field: value})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.002.02")
    assert field in answer.json()["errorMessage"]


@pytest.mark.parametrize(
    ("phone", "changes", "code"),
    [
        ("255754000020", {}, 2040),
        ("255754902040", {}, 2040),
        ("255754900011", {}, 11),
        ("255754908006", {}, 8006),
        (PAYEE, {"InitiatorName": "somebody"}, 2001),
        (PAYEE, {"SecurityCredential": "bm9uc2Vuc2U="}, 2001),
        (PAYEE, {"PartyA": "999999"}, 2028),
        (PAYEE, {"Amount": 9}, 2),
        (PAYEE, {"Amount": 5_000_001}, 3),
    ],
)
def test_a_refused_payout_is_told_by_code_and_moves_nothing(
    simulator: Simulator, merchant: Merchant, phone: str, changes: dict[str, Any], code: int
) -> None:
    answer = clients.daraja_b2c(simulator.url, phone, merchant.url, **changes)
    assert answer.json()["ResponseCode"] == "0"
    (heard,) = merchant.wait_for(1)
    assert result_of(heard)["ResultCode"] == code
    assert result_of(heard)["TransactionID"]
    assert "ResultParameters" not in result_of(heard)
    assert simulator.truth()["outgoing"] == []


def test_an_empty_float_is_code_1_and_a_code_may_be_a_text(
    simulator: Simulator, merchant: Merchant
) -> None:
    simulator.configure(merchant_float=100, payees={PAYEE: "SFC_IC0003"})
    clients.daraja_b2c(simulator.url, PAYEE, merchant.url)
    clients.daraja_b2c(simulator.url, PAYS, merchant.url)
    heard = merchant.wait_for(2)
    assert {result_of(each)["ResultCode"] for each in heard} == {"SFC_IC0003", 1}


@pytest.mark.parametrize(("ending", "paid"), [("000051", 1), ("000052", 0)])
def test_a_time_out_is_told_at_its_own_url(
    simulator: Simulator, merchant: Merchant, ending: str, paid: int
) -> None:
    answer = clients.daraja_b2c(simulator.url, f"255754{ending}", merchant.url).json()
    (heard,) = merchant.wait_for(1)
    assert heard["path"] == "/timeout"
    assert heard["body"]["OriginatorConversationID"] == answer["OriginatorConversationID"]
    assert len(simulator.truth()["outgoing"]) == paid


def test_a_result_may_be_lost_come_twice_or_follow_an_error(
    simulator: Simulator, merchant: Merchant
) -> None:
    clients.daraja_b2c(simulator.url, "255754000055", merchant.url)
    clients.daraja_b2c(simulator.url, "255754000056", merchant.url)
    failed = clients.daraja_b2c(simulator.url, "255754000053", merchant.url)
    assert failed.status_code == 500
    heard = merchant.wait_for(3)
    receipts = [result_of(each)["TransactionID"] for each in heard]
    assert len(set(receipts)) == 2
    assert len(simulator.truth()["outgoing"]) == 3


@pytest.mark.parametrize("name", ["TransactionID", "OriginalConversationID"])
def test_a_payouts_status_is_told_by_receipt_and_by_conversation(
    simulator: Simulator, merchant: Merchant, name: str
) -> None:
    sent = clients.daraja_b2c(
        simulator.url, "255754000055", merchant.url, OriginatorConversationID="OUT1"
    ).json()
    (moved,) = simulator.truth()["outgoing"]
    reference = moved["receipt"] if name == "TransactionID" else "OUT1"
    answer = clients.daraja_status(simulator.url, merchant.url, **{name: reference}).json()
    (heard,) = merchant.wait_for(1)
    assert result_of(heard)["ConversationID"] == answer["ConversationID"]
    assert parameters_of(heard)["TransactionStatus"] == "Completed"
    assert parameters_of(heard)["ReceiptNo"] == moved["receipt"]
    assert parameters_of(heard)["OriginatorConversationID"] == "OUT1"
    assert parameters_of(heard)["ConversationID"] == sent["ConversationID"]


def test_the_status_of_a_collection_a_failure_and_nothing(
    simulator: Simulator, merchant: Merchant
) -> None:
    receipt = collected(simulator, merchant)
    clients.daraja_b2c(simulator.url, "255754902040", merchant.url, OriginatorConversationID="OUT1")
    merchant.wait_for(1)
    clients.daraja_status(simulator.url, merchant.url, TransactionID=receipt)
    assert parameters_of(merchant.wait_for(2)[-1])["TransactionStatus"] == "Completed"
    clients.daraja_status(simulator.url, merchant.url, OriginalConversationID="OUT1")
    assert parameters_of(merchant.wait_for(3)[-1])["TransactionStatus"] == "Failed"
    clients.daraja_status(simulator.url, merchant.url, TransactionID="NEVER1")
    assert result_of(merchant.wait_for(4)[-1])["ResultCode"] == "R000002"


def test_a_status_wants_its_fields_and_its_initiator(
    simulator: Simulator, merchant: Merchant
) -> None:
    refused = clients.daraja_status(simulator.url, merchant.url)
    assert refused.json()["errorCode"] == "400.002.02"
    clients.daraja_status(simulator.url, merchant.url, TransactionID="X1", Initiator="somebody")
    (heard,) = merchant.wait_for(1)
    assert result_of(heard)["ResultCode"] == 2001


def test_a_reversal_gives_a_part_back_and_is_refused_twice(
    simulator: Simulator, merchant: Merchant
) -> None:
    receipt = collected(simulator, merchant)
    clients.daraja_reversal(simulator.url, receipt, merchant.url, Amount=400)
    heard = merchant.wait_for(1)
    assert result_of(heard[-1])["ResultCode"] == "0"
    assert parameters_of(heard[-1])["Amount"] == "400"
    assert parameters_of(heard[-1])["OriginalTransactionID"] == receipt
    clients.daraja_reversal(simulator.url, receipt, merchant.url, Amount=600)
    assert result_of(merchant.wait_for(2)[-1])["ResultCode"] == "R000001"
    (moved,) = simulator.truth()["outgoing"]
    assert (moved["type"], moved["amount"], moved["original_receipt"]) == (
        "reversal",
        -400,
        receipt,
    )
    assert simulator.truth()["wallets"][PAYS] == 199_400


def test_a_reversal_knows_no_payout_and_no_more_than_was_paid(
    simulator: Simulator, merchant: Merchant
) -> None:
    receipt = collected(simulator, merchant)
    clients.daraja_b2c(simulator.url, PAYEE, merchant.url)
    merchant.wait_for(1)
    (payout,) = simulator.truth()["outgoing"]
    clients.daraja_reversal(simulator.url, payout["receipt"], merchant.url)
    assert result_of(merchant.wait_for(2)[-1])["ResultCode"] == "R000002"
    clients.daraja_reversal(simulator.url, receipt, merchant.url, Amount=1001)
    assert result_of(merchant.wait_for(3)[-1])["ResultCode"] == "3"
    clients.daraja_reversal(simulator.url, receipt, merchant.url, Initiator="somebody")
    assert result_of(merchant.wait_for(4)[-1])["ResultCode"] == "2001"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("CommandID", "Undo"),
        ("TransactionID", ""),
        ("Amount", 0),
        ("ReceiverParty", "999999"),
        ("RecieverIdentifierType", "1"),
        ("ResultURL", ""),
    ],
)
def test_a_reversal_with_a_wrong_field_is_refused_at_once(
    simulator: Simulator, merchant: Merchant, field: str, value: Any
) -> None:
    answer = clients.daraja_reversal(simulator.url, "RECEIPT1", merchant.url, **{field: value})
    assert answer.json()["errorCode"] == "400.002.02"


def test_the_result_of_a_reversal_may_be_lost(simulator: Simulator, merchant: Merchant) -> None:
    receipt = collected(simulator, merchant, "255754000051")
    clients.daraja_reversal(simulator.url, receipt, merchant.url)
    (heard,) = merchant.wait_for(1)
    assert heard["path"] == "/timeout"
    assert len(simulator.truth()["outgoing"]) == 1


@pytest.mark.parametrize(
    ("validation", "state"),
    [
        ('{"ResultCode": "0", "ResultDesc": "Accepted"}', "paid"),
        ('{"ResultCode": "C2B00012", "ResultDesc": "Rejected"}', "returned"),
        ("<html>", "returned"),
    ],
)
def test_the_validation_decides_who_has_the_money(
    simulator: Simulator, merchant: Merchant, validation: str, state: str
) -> None:
    assert registers_urls(simulator, merchant)["ResponseCode"] == "0"
    merchant.answers["/validation"] = [validation]
    bill = simulator.pays_bill("vodacom_mpesa", PAYEE, "BUNDLE1")
    assert bill["state"] == state
    paths = ["/validation", "/confirmation"][: 2 if state == "paid" else 1]
    assert [heard["path"] for heard in merchant.wait_for(len(paths))] == paths
    asked = merchant.heard[0]["body"]
    assert (asked["TransAmount"], asked["BillRefNumber"]) == ("1000.00", "BUNDLE1")
    assert asked["MSISDN"] == "2557 ***** 456"
    wallet = simulator.truth()["wallets"][PAYEE]
    assert wallet == (199_000 if state == "paid" else 200_000)


def test_without_an_answer_the_response_type_decides(
    simulator: Simulator, merchant: Merchant
) -> None:
    registers_urls(simulator, merchant, ResponseType="Completed")
    merchant.answers["/validation"] = ["nonsense"]
    assert simulator.pays_bill("vodacom_mpesa", PAYEE, "BUNDLE1")["state"] == "paid"


def test_validation_can_be_off_and_v1_hashes_the_phone(
    simulator: Simulator, merchant: Merchant
) -> None:
    simulator.configure(vodacom_mpesa={"validates_bills": False})
    body = {
        "ShortCode": 600100,
        "ResponseType": "Cancelled",
        "ConfirmationURL": f"{merchant.url}/confirmation",
        "ValidationURL": f"{merchant.url}/validation",
    }
    clients.daraja(simulator.url, "c2b/v1/registerurl", body)
    assert simulator.pays_bill("vodacom_mpesa", PAYEE, "BUNDLE1")["state"] == "paid"
    (heard,) = merchant.wait_for(1)
    assert heard["path"] == "/confirmation"
    assert heard["body"]["MSISDN"] == hashlib.sha256(PAYEE.encode()).hexdigest()


def test_a_payment_can_be_simulated(simulator: Simulator, merchant: Merchant) -> None:
    registers_urls(simulator, merchant)
    merchant.answers["/validation"] = ['{"ResultCode": 0, "ResultDesc": "Accepted"}']
    body = {
        "ShortCode": "600100",
        "CommandID": "CustomerPayBillOnline",
        "Amount": "700",
        "Msisdn": PAYEE,
        "BillRefNumber": "BUNDLE1",
    }
    assert clients.daraja(simulator.url, "c2b/v2/simulate", body).json()["ResponseCode"] == "0"
    merchant.wait_for(2)
    (bill,) = simulator.truth()["bills"]
    assert (bill["amount"], bill["our_reference"]) == (700, "BUNDLE1")


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("c2b/v2/registerurl", "ShortCode", "999999"),
        ("c2b/v2/registerurl", "ResponseType", "Maybe"),
        ("c2b/v2/registerurl", "ConfirmationURL", "https://example.com/mpesa/x"),
        ("c2b/v2/registerurl", "ValidationURL", "http://example.com/x"),
        ("c2b/v2/simulate", "Amount", 0),
        ("c2b/v2/simulate", "Msisdn", "0754123456"),
        ("c2b/v2/simulate", "CommandID", "Gift"),
    ],
)
def test_c2b_refuses_bad_fields(
    simulator: Simulator, merchant: Merchant, path: str, field: str, value: Any
) -> None:
    body = {
        "ShortCode": "600100",
        "ResponseType": "Completed",
        "ConfirmationURL": f"{merchant.url}/confirmation",
        "ValidationURL": f"{merchant.url}/validation",
        "CommandID": "CustomerPayBillOnline",
        "Amount": 1000,
        "Msisdn": PAYEE,
        field: value,
    }
    answer = clients.daraja(simulator.url, path, body).json()
    assert answer["errorCode"] == "400.002.02"
    assert field in answer["errorMessage"]


def test_a_push_may_raise_a_confirmation_too(simulator: Simulator, merchant: Merchant) -> None:
    registers_urls(simulator, merchant)
    simulator.configure(vodacom_mpesa={"stk_confirmation": True})
    clients.daraja_push(simulator.url, PAYS, f"{merchant.url}/cb")
    heard = merchant.wait_for(2)
    confirmation = next(each["body"] for each in heard if each["path"] == "/confirmation")
    assert confirmation["BillRefNumber"] == "REF1"
    assert confirmation["TransID"] == simulator.truth()["movements"][0]["receipt"]
    assert len(simulator.truth()["movements"]) == 1


def test_what_came_in_can_be_pulled(simulator: Simulator, merchant: Merchant) -> None:
    receipt = collected(simulator, merchant)
    token = clients.daraja_token(simulator.url).json()["access_token"]

    def pulls(path: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = clients.daraja_pull(simulator.url, path, body, token).json()
        return answer

    register = {
        "ShortCode": "600100",
        "RequestType": "Pull",
        "NominatedNumber": "255754123456",
        "CallBackURL": f"{merchant.url}/pull",
    }
    assert pulls("register", **register)["ResponseCode"] == "1000"
    assert pulls("register", **register)["ResponseCode"] == "1001"
    query = {"ShortCode": "600100", "EndDate": "2099-01-01 00:00:00", "OffSetValue": "0"}
    found = pulls("query", StartDate="2020-01-01 00:00:00", **query)
    assert [row["transactionId"] for row in found["Response"][0]] == [receipt]
    assert pulls("query", StartDate="2098-01-01 00:00:00", **query)["ResponseCode"] == "1001"
    assert pulls("query", StartDate="yesterday", **query)["errorCode"] == "400.002.02"
