"""The byte shapes of the fact sheets, as a client sees them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
import requests

from simulator.tests import clients
from simulator.tests.conftest import Merchant, Simulator

HAND = "255754123456"


def test_daraja_gives_a_token_for_the_right_credentials(simulator: Simulator) -> None:
    answer = clients.daraja_token(simulator.url)
    assert len(answer.json()["access_token"]) == 28
    assert int(answer.json()["expires_in"]) == 3599
    wrong = clients.daraja_token(simulator.url, password="wrong")
    assert wrong.status_code == 400


def test_a_new_daraja_token_ends_the_old(simulator: Simulator, merchant: Merchant) -> None:
    old = clients.daraja_token(simulator.url).json()["access_token"]
    clients.daraja_token(simulator.url)
    answer = clients.daraja_push(simulator.url, HAND, merchant.url, token=old)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "404.001.03")


def test_daraja_accepts_a_push_and_calls_back_with_metadata_by_name(
    simulator: Simulator, merchant: Merchant
) -> None:
    answer = clients.daraja_push(simulator.url, "255754000001", f"{merchant.url}/cb/token").json()
    assert answer["ResponseCode"] == "0"
    assert answer["CheckoutRequestID"].startswith("ws_CO_")
    (heard,) = merchant.wait_for(1)
    assert heard["path"] == "/cb/token"
    assert heard["headers"]["Businessshortcode"] == "600100"
    callback = heard["body"]["Body"]["stkCallback"]
    values = {item["Name"]: item.get("Value") for item in callback["CallbackMetadata"]["Item"]}
    assert callback["ResultCode"] == 0
    assert callback["CheckoutRequestID"] == answer["CheckoutRequestID"]
    assert values["Amount"] == 1000.0
    assert values["PhoneNumber"] == 255754000001
    assert values["MpesaReceiptNumber"] == simulator.truth()["movements"][0]["receipt"]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("Amount", "10.5", "400.002.02"),
        ("Amount", 0, "400.002.02"),
        ("PhoneNumber", "0754123456", "400.002.02"),
        ("CallBackURL", "not-a-url", "400.002.02"),
        ("AccountReference", "x" * 13, "400.002.02"),
        ("TransactionType", "Gift", "400.002.02"),
        ("Timestamp", "yesterday", "400.002.02"),
        ("Password", "d3Jvbmc=", "500.001.1001"),
        ("BusinessShortCode", "999999", "500.001.1001"),
    ],
)
def test_daraja_refuses_bad_fields(
    simulator: Simulator, merchant: Merchant, field: str, value: Any, code: str
) -> None:
    answer = clients.daraja_push(simulator.url, HAND, merchant.url, **{field: value})
    assert answer.json()["errorCode"] == code
    assert set(answer.json()) == {"requestId", "errorCode", "errorMessage"}


def test_daraja_prompts_twice_for_the_same_reference(
    simulator: Simulator, merchant: Merchant
) -> None:
    handles = {
        clients.daraja_push(simulator.url, HAND, merchant.url).json()["CheckoutRequestID"]
        for _ in range(2)
    }
    assert len(handles) == len(simulator.prompts()) == 2


def test_daraja_query_tells_the_end_as_text_and_no_receipt(
    simulator: Simulator, merchant: Merchant
) -> None:
    handle = clients.daraja_push(simulator.url, "255754000004", merchant.url).json()[
        "CheckoutRequestID"
    ]
    merchant.wait_for(1)
    path = "stkpushquery/v1/query"
    answer = clients.daraja(simulator.url, path, {"CheckoutRequestID": handle}).json()
    assert answer["ResultCode"] == "1032"
    assert not any("eceipt" in name for name in answer)


def test_tigo_token_takes_both_spellings_and_refuses_wrong_ones(simulator: Simulator) -> None:
    for name in ("username", "user_name"):
        form = {name: "fake-user", "password": "fake-password", "grant_type": "password"}
        answer = requests.post(f"{simulator.url}/tigo/token", data=form, timeout=5).json()
        assert answer["token_type"] == "bearer"
        assert isinstance(answer["expires_in"], int)
    form = {"username": "fake-user", "password": "wrong", "grant_type": "password"}
    answer = requests.post(f"{simulator.url}/tigo/token", data=form, timeout=5)
    assert answer.json()["error"] == "invalid_grant"


def test_each_callback_has_a_connection_of_its_own(
    simulator: Simulator, merchant: Merchant
) -> None:
    for number in (1, 2):
        clients.daraja_push(simulator.url, "255754000001", merchant.url)
        merchant.wait_for(number)
    first, second = merchant.heard
    assert first["from"] != second["from"]


def test_tigo_accepts_a_push_and_calls_back(simulator: Simulator, merchant: Merchant) -> None:
    answer = clients.tigo_push(simulator.url, "255714000001", ReferenceID="KNKABC1").json()
    assert answer["ResponseCode"] == "BILLER-18-0000-S"
    assert answer["ResponseStatus"] is True
    (heard,) = merchant.wait_for(1)
    assert heard["body"] == {
        "Status": True,
        "Description": "Purchase completed successfully",
        "MFSTransactionID": simulator.truth()["movements"][0]["receipt"],
        "ReferenceID": "KNKABC1",
        "Amount": "1000",
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"CustomerMSISDN": ""}, "DebitMandate-10-2002-E"),
        ({"CustomerMSISDN": "0714123456"}, "DebitMandate-10-2004-V"),
        ({"BillerMSISDN": ""}, "DebitMandate-10-2038-V"),
        ({"BillerMSISDN": "255710000999"}, "BILLER-18-3040-E"),
        ({"Amount": 0}, "BILLER-18-3019-E"),
        ({"ReferenceID": "XYZ1"}, "DebitMandate-10-2020-V"),
    ],
)
def test_tigo_refuses_bad_fields_with_http_200(
    simulator: Simulator, changes: dict[str, Any], code: str
) -> None:
    answer = clients.tigo_push(simulator.url, "255714123456", **changes)
    assert (answer.status_code, answer.json()["ResponseCode"]) == (200, code)
    assert answer.json()["ResponseStatus"] is False


def test_tigo_refuses_a_reference_twice_and_a_dead_token(simulator: Simulator) -> None:
    clients.tigo_push(simulator.url, "255714123456", ReferenceID="KNKTWICE")
    again = clients.tigo_push(simulator.url, "255714123457", ReferenceID="KNKTWICE")
    assert again.json()["ResponseCode"] == "DebitMandate-10-2020-V"
    dead = clients.tigo_push(simulator.url, "255714123456", token="dead")
    assert (dead.status_code, list(dead.json())) == (401, ["Message"])


def test_airtel_accepts_a_payment_and_signs_its_callback(
    simulator: Simulator, merchant: Merchant
) -> None:
    answer = clients.airtel_pay(simulator.url, "684000001", id="OURID123").json()
    assert answer["status"]["response_code"] == "DP00800001006"
    (heard,) = merchant.wait_for(1)
    assert heard["body"]["transaction"]["status_code"] == "TS"
    raw = heard["raw"].decode()
    signed = raw[len('{"transaction":') : raw.index(',"hash"')]
    digest = hmac.new(b"test-callback-key", signed.encode(), hashlib.sha256).digest()
    assert base64.b64encode(digest).decode() == heard["body"]["hash"]
    assert json.loads(signed)["id"] == "OURID123"
    assert (
        clients.airtel_enquiry(simulator.url, "OURID123")["data"]["transaction"]["status"] == "TS"
    )


@pytest.mark.parametrize(
    ("phone", "transaction", "code"),
    [
        ("255684123456", {}, "ESB000033"),
        ("684123456", {"amount": 0}, "ESB000008"),
        ("684123456", {"id": "a b"}, "ESB000008"),
    ],
)
def test_airtel_refuses_bad_fields(
    simulator: Simulator, phone: str, transaction: dict[str, Any], code: str
) -> None:
    answer = clients.airtel_pay(simulator.url, phone, **transaction)
    assert answer.json()["status"]["result_code"] == code


def test_airtel_refuses_an_id_twice_and_missing_headers(simulator: Simulator) -> None:
    clients.airtel_pay(simulator.url, "684123456", id="TWICE1")
    again = clients.airtel_pay(simulator.url, "684123456", id="TWICE1")
    assert again.json()["status"]["result_code"] == "ESB000041"
    headers = clients.airtel_headers(simulator.url)
    del headers["X-Country"]
    missing = clients.airtel_pay(simulator.url, "684123456", headers=headers)
    assert missing.json()["status_code"] == "ROUTER110"
    assert clients.airtel_enquiry(simulator.url, "NEVER1")["status"]["result_code"] == "ESB000045"


def beem_send(
    simulator: Simulator, recipients: dict[object, object], **changes: object
) -> requests.Response:
    """Recipients by what the client calls them."""
    simulator.configure(report_seconds=0, sms_credit=2)
    body: dict[str, object] = {
        "source_addr": "INFO",
        "schedule_time": "",
        "encoding": 0,
        "message": "Habari",
        "recipients": [{"recipient_id": name, "dest_addr": to} for name, to in recipients.items()],
    }
    return requests.post(
        f"{simulator.url}/beem/v1/send",
        json=body | changes,
        auth=("fake-key", "fake-secret"),
        timeout=5,
    )


def test_beem_counts_its_readers_and_reports_of_each_by_its_name(
    simulator: Simulator, merchant: Merchant
) -> None:
    readers: dict[object, object] = {
        7: HAND,
        8: HAND,
        "asha-9": "255714000072",
        10: "255714000077",
        11: "+255754123456",
    }
    told = beem_send(simulator, readers).json()
    counts = {name: told[name] for name in ("code", "valid", "invalid", "duplicates")}
    assert counts == {"code": 100, "valid": 2, "invalid": 2, "duplicates": 1}
    heard = [each["body"] for each in merchant.wait_for(2)]
    facts = {"request_id": told["request_id"], "recipient_id": 7, "dest_addr": HAND}
    assert heard == [{**facts, "Status": word} for word in ("PENDING", "DELIVERED")]


@pytest.mark.parametrize(
    ("to", "changes", "status", "code"),
    [
        (["255754000077"], {}, 400, 101),
        ([HAND, "255754000078"], {}, 400, 102),
        ([HAND, "255714123457"], {"message": "a" * 161}, 400, 102),  # credit for two, not four
        ([HAND], {"source_addr": "TWELVE CHARS"}, 400, 104),
        ([HAND], {"message": ""}, 400, 104),
        ([HAND], {"encoding": None}, 400, 104),
        ([HAND, "255754000106"], {}, 400, 106),
        (["255754000108"], {}, 401, 108),
        ([HAND], {"source_addr": "255754000999"}, 200, 100),
        ([HAND], {"encoding": 8, "message": "Habari \u2019"}, 200, 100),
    ],
)
def test_beem_refuses_a_request_whole(
    simulator: Simulator, to: list[str], changes: dict[str, object], status: int, code: int
) -> None:
    answer = beem_send(simulator, dict(enumerate(to)), **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    texts = requests.get(f"{simulator.url}/control/texts?msisdn={HAND}", timeout=5).json()["texts"]
    assert len(texts) == (code == 100)


def africas_talking_send(simulator: Simulator, **changes: str) -> requests.Response:
    form = {"username": "konektika", "to": f"+{HAND}", "message": "Habari", **changes}
    return requests.post(
        f"{simulator.url}/africastalking/version1/messaging",
        data=form,
        headers={"apiKey": "fake-key", "Accept": "application/json"},
        timeout=5,
    )


def test_africas_talking_answers_of_each_reader(simulator: Simulator) -> None:
    to = f"+{HAND}, 255754123457,+255754000406,+255754000502"
    answer = africas_talking_send(simulator, to=to)
    data = answer.json()["SMSMessageData"]
    assert answer.status_code == 201
    assert data["Message"].startswith("Sent to 1/4 ")
    codes = [(each["statusCode"], each["status"]) for each in data["Recipients"]]
    refused = [(403, "InvalidPhoneNumber"), (406, "UserInBlacklist"), (502, "RejectedByGateway")]
    assert codes == [(102, "Success"), *refused]


def test_africas_talking_has_a_sender_for_who_names_none(simulator: Simulator) -> None:
    assert africas_talking_send(simulator, **{"from": "SOMEBODY"}).json()["SMSMessageData"] == {
        "Message": "InvalidSenderId",
        "Recipients": [],
    }
    for changes in ({"from": "KONEKTIKA"}, {}):
        assert africas_talking_send(simulator, **changes).json()["SMSMessageData"]["Recipients"]
    texts = requests.get(f"{simulator.url}/control/texts?msisdn={HAND}", timeout=5).json()["texts"]
    assert [each["sender"] for each in texts] == ["KONEKTIKA", "AFRICASTKNG"]


def test_africas_talking_tells_of_who_opts_out(simulator: Simulator, merchant: Merchant) -> None:
    wish = {"msisdn": HAND}
    assert requests.post(f"{simulator.url}/control/opt-out", json=wish, timeout=5).ok
    (heard,) = merchant.wait_for(1)
    assert heard["body"] == f"senderId=KONEKTIKA&phoneNumber=%2B{HAND}"
    assert heard["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    (refused,) = africas_talking_send(simulator).json()["SMSMessageData"]["Recipients"]
    assert refused["statusCode"] == 406
