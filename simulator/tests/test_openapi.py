"""M-Pesa's Open API on the wire: sessions, both modes, payouts, reversal and the status query."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from simulator.tests import clients
from simulator.tests.conftest import Merchant, Simulator

PAYS = "255754000001"
HAND = "255754123456"


def status_of(simulator: Simulator, reference: str) -> dict[str, Any]:
    found: dict[str, Any] = clients.openapi_status(simulator.url, reference).json()
    return found


def test_a_session_is_given_for_the_encrypted_api_key(simulator: Simulator) -> None:
    answer = clients.openapi(simulator.url, "GET", "getSession", "fake-api-key", {})
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (200, "INS-0")
    assert len(answer.json()["output_SessionID"]) == 32


@pytest.mark.parametrize(
    ("secret", "headers"), [("wrong-key", {}), ("fake-api-key", {"Origin": ""})]
)
def test_no_session_for_another_key_or_without_an_origin(
    simulator: Simulator, secret: str, headers: dict[str, str]
) -> None:
    answer = clients.openapi(simulator.url, "GET", "getSession", secret, {}, **headers)
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (400, "INS-989")


def test_a_bearer_padded_by_oaep_is_refused(simulator: Simulator) -> None:
    public = clients.public_key(simulator.url, "MPESA_OPENAPI_PUBLIC_KEY")
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    bearer = base64.b64encode(public.encrypt(b"fake-api-key", scheme)).decode()
    answer = requests.get(
        f"{simulator.url}/sandbox/ipg/v2/vodacomTZN/getSession/",
        headers={"Authorization": f"Bearer {bearer}", "Origin": "*"},
        timeout=5,
    )
    assert answer.json()["output_ResponseCode"] == "INS-989"


@pytest.mark.parametrize(
    "life",
    [
        {"session_delay_seconds": 5},
        {"session_seconds": 0},
    ],
)
def test_a_session_works_neither_too_early_nor_too_late(
    simulator: Simulator, life: dict[str, float]
) -> None:
    simulator.configure(vodacom_mpesa=life)
    answer = clients.openapi_pay(simulator.url, PAYS)
    assert answer.status_code == 401
    assert "output_ResponseCode" not in answer.json()


def test_another_market_is_refused(simulator: Simulator) -> None:
    bearer = clients.encrypted(simulator.url, "MPESA_OPENAPI_PUBLIC_KEY", "fake-api-key")
    answer = requests.get(
        f"{simulator.url}/openapi/ipg/v2/vodafoneGHA/getSession/",
        headers={"Authorization": f"Bearer {bearer}", "Origin": "*"},
        timeout=5,
    )
    assert answer.json()["output_ResponseCode"] == "INS-998"


def test_a_synchronous_payment_is_answered_when_the_phone_is(
    simulator: Simulator, merchant: Merchant
) -> None:
    answer = clients.openapi_pay(simulator.url, PAYS, input_ThirdPartyConversationID="OURS1")
    body = answer.json()
    assert (answer.status_code, body["output_ResponseCode"]) == (201, "INS-0")
    assert body["output_ThirdPartyConversationID"] == "OURS1"
    assert body["output_TransactionID"] == simulator.truth()["movements"][0]["receipt"]
    assert merchant.heard == []


def test_a_synchronous_payment_holds_the_connection_until_the_pin(simulator: Simulator) -> None:
    with ThreadPoolExecutor() as threads:
        paying = threads.submit(clients.openapi_pay, simulator.url, HAND)
        while not simulator.prompts():
            pass
        assert not paying.done()
        (prompt,) = simulator.prompts()
        url = f"{simulator.url}/control/prompts/{prompt['id']}/answer"
        requests.post(url, json={"pin": "1234"}, timeout=5)
        assert paying.result(timeout=5).json()["output_ResponseCode"] == "INS-0"


@pytest.mark.parametrize(
    ("ending", "status", "code", "state"),
    [
        ("000002", 401, "INS-6", "Failed"),
        ("000003", 422, "INS-2006", "Failed"),
        ("000004", 401, "INS-6", "Cancelled"),
    ],
)
def test_a_refusing_customer_is_told_by_code(
    simulator: Simulator, ending: str, status: int, code: str, state: str
) -> None:
    answer = clients.openapi_pay(
        simulator.url, f"255754{ending}", input_ThirdPartyConversationID="OURS1"
    )
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (status, code)
    assert answer.json()["output_TransactionID"] == "N/A"
    assert status_of(simulator, "OURS1")["output_ResponseTransactionStatus"] == state


def test_too_little_money_may_look_like_an_internal_error(simulator: Simulator) -> None:
    simulator.configure(vodacom_mpesa={"no_funds_code": "INS-1"})
    answer = clients.openapi_pay(simulator.url, "255754000003")
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (400, "INS-1")
    assert simulator.truth()["movements"] == []


def test_a_late_customer_times_out_and_is_completed_later(simulator: Simulator) -> None:
    simulator.configure(prompt_seconds=0.1, late_seconds=0.1)
    answer = clients.openapi_pay(
        simulator.url, "255754000012", input_ThirdPartyConversationID="LATE1"
    )
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (408, "INS-9")
    states = set()
    while "Completed" not in states:
        states.add(status_of(simulator, "LATE1")["output_ResponseTransactionStatus"])
    assert states <= {"Expired", "Completed"}


@pytest.mark.parametrize("ending", ["000006", "000011"])
def test_a_lost_response_is_found_by_asking(simulator: Simulator, ending: str) -> None:
    with pytest.raises(requests.ConnectionError):
        clients.openapi_pay(
            simulator.url, f"255754{ending}", input_ThirdPartyConversationID="LOST1"
        )
    assert status_of(simulator, "LOST1")["output_ResponseTransactionStatus"] == "Completed"


def test_an_asynchronous_payment_is_told_by_a_call(
    simulator: Simulator, merchant: Merchant
) -> None:
    simulator.configure(vodacom_mpesa={"openapi_mode": "async"})
    accepted = clients.openapi_pay(simulator.url, PAYS).json()
    assert accepted["output_ResponseCode"] == "INS-0"
    assert "output_TransactionID" not in accepted
    (heard,) = merchant.wait_for(1)
    assert heard["path"] == "/openapi"
    assert heard["body"] == {
        "input_OriginalConversationID": accepted["output_ConversationID"],
        "input_TransactionID": simulator.truth()["movements"][0]["receipt"],
        "input_ResultCode": "INS-0",
        "input_ResultDesc": "Request processed successfully",
        "input_ThirdPartyConversationID": accepted["output_ThirdPartyConversationID"],
    }


def test_an_id_counts_once(simulator: Simulator) -> None:
    first = clients.openapi_pay(simulator.url, PAYS, input_ThirdPartyConversationID="SAME1")
    again = clients.openapi_pay(simulator.url, PAYS, input_ThirdPartyConversationID="SAME1")
    body = again.json()
    assert (again.status_code, body["output_ResponseCode"]) == (409, "INS-10")
    assert body["output_TransactionID"] == "N/A"
    assert body["output_ConversationID"] != first.json()["output_ConversationID"]
    assert len(simulator.truth()["movements"]) == 1


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("input_Amount", "", "INS-20"),
        ("input_Amount", "ten", "INS-15"),
        ("input_Amount", "0", "INS-15"),
        ("input_Amount", "10.5", "INS-15"),
        ("input_CustomerMSISDN", "0754123456", "INS-2051"),
        ("input_CustomerMSISDN", "255754000020", "INS-2051"),
        ("input_Country", "TZA", "INS-21"),
        ("input_Currency", "KES", "INS-26"),
        ("input_ServiceProviderCode", "1", "INS-13"),
        ("input_ServiceProviderCode", "999999", "INS-13"),
        ("input_TransactionReference", "has-hyphen", "INS-17"),
        ("input_ThirdPartyConversationID", "has-hyphen", "INS-28"),
        ("input_PurchasedItemsDesc", "a, b", "INS-30"),
    ],
)
def test_a_wrong_field_has_its_code(
    simulator: Simulator, field: str, value: str, code: str
) -> None:
    answer = clients.openapi_pay(simulator.url, HAND, **{field: value})
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (400, code)
    assert answer.json()["output_TransactionID"] == "N/A"
    assert simulator.prompts() == []


def test_a_body_that_is_no_json_is_refused(simulator: Simulator) -> None:
    session = clients.openapi_session(simulator.url)
    bearer = clients.encrypted(simulator.url, "MPESA_OPENAPI_PUBLIC_KEY", session)
    answer = requests.post(
        f"{simulator.url}/sandbox/ipg/v2/vodacomTZN/c2bPayment/singleStage/",
        data="nonsense",
        headers={"Authorization": f"Bearer {bearer}", "Origin": "*"},
        timeout=5,
    )
    assert answer.json()["output_ResponseCode"] == "INS-21"


@pytest.mark.parametrize("code", ["INS-990", "INS-992", "INS-994", "INS-995", "INS-996"])
def test_limits_are_reached_by_control(simulator: Simulator, code: str) -> None:
    simulator.configure(vodacom_mpesa={"collect": {"error_rate": 1, "error_code": code}})
    answer = clients.openapi_pay(simulator.url, PAYS)
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (400, code)


def test_what_was_not_granted_is_not_enabled(simulator: Simulator) -> None:
    answer = clients.openapi_call(simulator.url, "POST", "b2bPayment")
    assert answer.json()["output_ResponseCode"] == "INS-997"


def test_a_payment_is_known_by_each_of_its_three_names(simulator: Simulator) -> None:
    paid = clients.openapi_pay(simulator.url, PAYS).json()
    for name in ("TransactionID", "ConversationID", "ThirdPartyConversationID"):
        found = status_of(simulator, paid[f"output_{name}"])
        assert found["output_ResponseTransactionStatus"] == "Completed"
        assert found["output_OriginalTransactionID"] == paid["output_TransactionID"]
        assert found["output_Reversed"] == "False"


def test_an_unknown_payment_is_not_found(simulator: Simulator) -> None:
    answer = clients.openapi_status(simulator.url, "NEVER1")
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (400, "INS-23")


def test_the_index_may_lag_behind(simulator: Simulator) -> None:
    simulator.configure(vodacom_mpesa={"early_enquiry": "not_found", "early_enquiry_seconds": 5})
    clients.openapi_pay(simulator.url, PAYS, input_ThirdPartyConversationID="LAG1")
    assert status_of(simulator, "LAG1")["output_ResponseCode"] == "INS-23"
    simulator.configure(vodacom_mpesa={"early_enquiry_seconds": 0})
    assert status_of(simulator, "LAG1")["output_ResponseTransactionStatus"] == "Completed"


def test_a_reversal_gives_the_money_back_once(simulator: Simulator) -> None:
    receipt = clients.openapi_pay(simulator.url, PAYS).json()["output_TransactionID"]
    back = clients.openapi_call(simulator.url, "PUT", "reversal", input_TransactionID=receipt)
    assert (back.status_code, back.json()["output_ResponseCode"]) == (201, "INS-0")
    assert back.json()["output_TransactionID"] not in ("N/A", receipt)
    assert status_of(simulator, receipt)["output_Reversed"] == "True"
    again = clients.openapi_call(simulator.url, "PUT", "reversal", input_TransactionID=receipt)
    assert again.json()["output_ResponseCode"] == "INS-6"
    (moved,) = simulator.truth()["outgoing"]
    assert (moved["type"], moved["amount"]) == ("reversal", -1000)
    assert simulator.truth()["wallets"][PAYS] == 200_000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"input_TransactionID": "NEVER1"}, "INS-18"),
        ({"input_TransactionID": "no-id"}, "INS-18"),
        ({"input_ReversalAmount": "1001"}, "INS-15"),
        ({"input_ReversalAmount": "0"}, "INS-15"),
        ({"input_ReversalAmount": "400"}, "INS-0"),
    ],
)
def test_a_reversal_may_be_partial_but_not_more(
    simulator: Simulator, changes: dict[str, str], code: str
) -> None:
    receipt = clients.openapi_pay(simulator.url, PAYS).json()["output_TransactionID"]
    fields = {"input_TransactionID": receipt, **changes}
    answer = clients.openapi_call(simulator.url, "PUT", "reversal", **fields)
    assert answer.json()["output_ResponseCode"] == code
    assert sum(each["amount"] for each in simulator.truth()["outgoing"]) == (
        -400 if code == "INS-0" else 0
    )


def test_a_payout_is_done_at_once(simulator: Simulator) -> None:
    answer = clients.openapi_b2c(simulator.url, HAND)
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (201, "INS-0")
    (moved,) = simulator.truth()["outgoing"]
    assert moved["receipt"] == answer.json()["output_TransactionID"]
    assert simulator.truth()["wallets"][HAND] == 201_000
    assert simulator.truth()["accounts"]["vodacom_mpesa"]["disbursement"] == 9_999_000


@pytest.mark.parametrize(
    ("ending", "code", "paid", "state"),
    [
        ("000020", "INS-2051", 0, "Failed"),
        ("000051", "INS-9", 1, "Completed"),
        ("000052", "INS-9", 0, "Failed"),
        ("900990", "INS-990", 0, "Failed"),
        ("902006", "INS-2006", 0, "Failed"),
    ],
)
def test_a_payee_decides_what_a_payout_meets(
    simulator: Simulator, ending: str, code: str, paid: int, state: str
) -> None:
    phone = f"255754{ending}"
    answer = clients.openapi_b2c(simulator.url, phone, input_ThirdPartyConversationID="OUT1")
    assert answer.json()["output_ResponseCode"] == code
    assert answer.json()["output_TransactionID"] == ("N/A" if code != "INS-0" else "")
    assert len(simulator.truth()["outgoing"]) == paid
    assert status_of(simulator, "OUT1")["output_ResponseTransactionStatus"] == state


def test_a_payout_in_progress_is_told_later(simulator: Simulator, merchant: Merchant) -> None:
    answer = clients.openapi_b2c(simulator.url, "255754000057")
    assert answer.json()["output_ResponseCode"] == "INS-0"
    assert "output_TransactionID" not in answer.json()
    (heard,) = merchant.wait_for(1)
    assert heard["body"]["input_ResultCode"] == "INS-0"


def test_a_payout_has_a_text_of_its_own_and_an_id_that_counts_once(simulator: Simulator) -> None:
    wrong = clients.openapi_b2c(simulator.url, HAND, input_PaymentItemsDesc="a-b")
    assert wrong.json()["output_ResponseCode"] == "INS-31"
    for code in ("INS-0", "INS-10"):
        answer = clients.openapi_b2c(simulator.url, HAND, input_ThirdPartyConversationID="OUT1")
        assert answer.json()["output_ResponseCode"] == code


def test_an_empty_float_pays_nobody(simulator: Simulator) -> None:
    simulator.configure(merchant_float=500)
    answer = clients.openapi_b2c(simulator.url, HAND)
    assert (answer.status_code, answer.json()["output_ResponseCode"]) == (422, "INS-2006")
