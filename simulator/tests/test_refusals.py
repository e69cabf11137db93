"""Every refusal of the pushes, tokens and headers that has a code of its own, on the wire."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from simulator.tests import clients
from simulator.tests.conftest import Merchant, Simulator

HAND = "255754123456"


@pytest.mark.parametrize(
    ("params", "authorization", "code"),
    [
        ({"grant_type": "client_credentials"}, "Bearer x", "400.008.01"),
        ({"grant_type": "client_credentials"}, "Basic nonsense", "400.008.01"),
        ({"grant_type": "password"}, "Basic ZmFrZS1rZXk6ZmFrZS1zZWNyZXQ=", "400.008.02"),
    ],
)
def test_daraja_refuses_a_token(
    simulator: Simulator, params: dict[str, str], authorization: str, code: str
) -> None:
    answer = requests.get(
        f"{simulator.url}/oauth/v1/generate",
        params=params,
        headers={"Authorization": authorization},
        timeout=5,
    )
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [({}, 404, "404.001.04"), ({"Authorization": "Bearer dead"}, 404, "404.001.03")],
)
def test_daraja_wants_a_live_token(
    simulator: Simulator, headers: dict[str, str], status: int, code: str
) -> None:
    url = f"{simulator.url}/mpesa/b2c/v3/paymentrequest"
    answer = requests.post(url, json={}, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)


def test_daraja_refuses_what_is_no_json_no_path_and_no_method(simulator: Simulator) -> None:
    token = clients.daraja_token(simulator.url).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    for method, path, status, code in (
        ("POST", "/mpesa/stkpush/v1/processrequest", 400, "400.002.05"),
        ("POST", "/mpesa/nowhere", 404, "404.001.01"),
        ("GET", "/mpesa/stkpush/v1/processrequest", 405, "405.001"),
    ):
        url = f"{simulator.url}{path}"
        answer = requests.request(method, url, data="nonsense", headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["errorCode"]) == (status, code)


def test_daraja_does_not_permit_another_till(simulator: Simulator, merchant: Merchant) -> None:
    clients.daraja_push(simulator.url, HAND, merchant.url, PartyB="999999")
    (heard,) = merchant.wait_for(1)
    assert heard["body"]["Body"]["stkCallback"]["ResultCode"] == 2028


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"username": ""}, "DebitMandate-10-2001-E"),
        ({"password": ""}, "DebitMandate-10-2003-E"),
        ({"password": "wrong"}, "BILLER-18-3021-E"),
    ],
)
def test_tigo_wants_the_credentials_again(
    simulator: Simulator, headers: dict[str, str], code: str
) -> None:
    given = {
        "Authorization": f"bearer {clients.tigo_token(simulator.url)}",
        "username": "fake-user",
        "password": "fake-password",
        **headers,
    }
    url = f"{simulator.url}/tigo/API/BillerPayment/BillerPay"
    answer = requests.post(url, json={"Amount": 1}, headers=given, timeout=5)
    assert (answer.status_code, answer.json()["ResponseCode"]) == (200, code)


@pytest.mark.parametrize(
    "code",
    [
        "BILLER-18-3018-E",
        "BILLER-18-3020-E",
        "BILLER-18-3022-E",
        "DebitMandate-10-1000-E",
        "DebitMandate-10-3000-E",
        "DebitMandate-10-5000-E",
    ],
)
def test_tigos_other_codes_are_reached_by_control(simulator: Simulator, code: str) -> None:
    fault = {"error_rate": 1, "error_status": 200, "error_code": code}
    simulator.configure(tigo_pesa={"collect": fault})
    answer = clients.tigo_push(simulator.url, "255714123456")
    assert (answer.status_code, answer.json()["ResponseCode"]) == (200, code)
    assert answer.json()["ResponseStatus"] is False


def test_tigo_refuses_a_grant_a_body_a_path_and_a_method(simulator: Simulator) -> None:
    token = requests.post(f"{simulator.url}/tigo/token", data={"grant_type": "x"}, timeout=5)
    assert token.json()["error"] == "unsupported_grant_type"
    assert clients.tigo_push(simulator.url, "255714123456", Amount="many").status_code == 400
    for method, path, status in (("POST", "nowhere", 404), ("GET", "token", 405)):
        answer = requests.request(method, f"{simulator.url}/tigo/{path}", timeout=5)
        assert (answer.status_code, list(answer.json())) == (status, ["Message"])


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"X-Country": "KE"}, 400, "ROUTER006"),
        ({"X-Currency": "KES"}, 400, "ROUTER112"),
        ({"X-Country": ""}, 400, "ROUTER110"),
        ({"X-Currency": ""}, 200, "ESB000008"),
        ({"Authorization": "Bearer dead"}, 401, "invalid_token"),
    ],
)
def test_airtel_wants_its_headers(
    simulator: Simulator, headers: dict[str, str], status: int, code: str
) -> None:
    given = clients.airtel_headers(simulator.url) | headers
    answer = clients.airtel_pay(simulator.url, "684123456", given)
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status
    assert code in (
        body.get("error"),
        body.get("status_code"),
        body.get("status", {}).get("result_code"),
    )


@pytest.mark.parametrize(
    ("subscriber", "code"),
    [({"country": "KE"}, "ESB000034"), ({"currency": "KES"}, "ESB000035")],
)
def test_airtel_refuses_another_country_and_currency(
    simulator: Simulator, subscriber: dict[str, str], code: str
) -> None:
    body = {
        "reference": "Konektika",
        "subscriber": {"msisdn": "684123456", **subscriber},
        "transaction": {"amount": 1000, "id": "OURID1"},
    }
    url = f"{simulator.url}/merchant/v1/payments/"
    headers = clients.airtel_headers(simulator.url)
    answer = requests.post(url, json=body, headers=headers, timeout=5)
    assert answer.json()["status"]["result_code"] == code


def test_airtel_refuses_a_client_a_grant_a_body_and_a_path(simulator: Simulator) -> None:
    url = f"{simulator.url}/auth/oauth2/token"
    client = {"client_id": "fake-id", "client_secret": "fake-secret"}
    for body, error in (
        ({**client, "client_secret": "wrong"}, "invalid_client"),
        (client, "unsupported_grant_type"),
    ):
        assert requests.post(url, json=body, timeout=5).json()["error"] == error
    headers = clients.airtel_headers(simulator.url)
    pay = f"{simulator.url}/merchant/v1/payments/"
    for text in ("nonsense", '{"subscriber": 1}'):
        answer = requests.post(pay, data=text, headers=headers, timeout=5)
        assert answer.json()["status_code"] == "ROUTER003"
    nowhere = requests.get(f"{simulator.url}/standard/v9/nowhere", headers=headers, timeout=5)
    assert nowhere.status_code == 404
