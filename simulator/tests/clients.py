"""Plain clients, written from the fact sheets as a merchant's programmer would."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import requests

STAMP = "20261124101500"


def daraja_token(url: str, password: str = "fake-secret") -> requests.Response:  # noqa: S107 - fake
    return requests.get(
        f"{url}/oauth/v1/generate",
        params={"grant_type": "client_credentials"},
        auth=("fake-key", password),
        timeout=5,
    )


def daraja(url: str, path: str, body: dict[str, Any], token: str = "") -> requests.Response:
    token = token or daraja_token(url).json()["access_token"]
    signed = {
        "BusinessShortCode": "600100",
        "Password": base64.b64encode(f"600100fake-passkey{STAMP}".encode()).decode(),
        "Timestamp": STAMP,
    }
    return requests.post(
        f"{url}/mpesa/{path}",
        json={**signed, **body},
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )


def daraja_push(
    url: str, phone: str, callback: str, token: str = "", **changes: Any
) -> requests.Response:
    body = {
        "TransactionType": "CustomerPayBillOnline",
        "Amount": 1000,
        "PartyA": phone,
        "PartyB": "600100",
        "PhoneNumber": phone,
        "CallBackURL": callback,
        "AccountReference": "REF1",
        "TransactionDesc": "Konektika",
        **changes,
    }
    return daraja(url, "stkpush/v1/processrequest", body, token)


def tigo_token(url: str) -> str:
    answer = requests.post(
        f"{url}/tigo/token",
        data={"username": "fake-user", "password": "fake-password", "grant_type": "password"},
        timeout=5,
    )
    return str(answer.json()["access_token"])


def tigo_push(url: str, phone: str, token: str = "", **changes: Any) -> requests.Response:
    body = {
        "CustomerMSISDN": phone,
        "BillerMSISDN": "255710000100",
        "Amount": 1000,
        "Remarks": "",
        "ReferenceID": f"KNK{uuid4().hex[:12]}",
        **changes,
    }
    return requests.post(
        f"{url}/tigo/API/BillerPayment/BillerPay",
        json=body,
        headers={
            "Authorization": f"bearer {token or tigo_token(url)}",
            "username": "fake-user",
            "password": "fake-password",
        },
        timeout=20,
    )


def airtel_headers(url: str) -> dict[str, str]:
    token = requests.post(
        f"{url}/auth/oauth2/token",
        json={
            "client_id": "fake-id",
            "client_secret": "fake-secret",
            "grant_type": "client_credentials",
        },
        timeout=5,
    ).json()["access_token"]
    return {"Authorization": f"Bearer {token}", "X-Country": "TZ", "X-Currency": "TZS"}


def airtel_pay(
    url: str, phone: str, headers: dict[str, str] | None = None, **transaction: Any
) -> requests.Response:
    body = {
        "reference": "Konektika",
        "subscriber": {"country": "TZ", "currency": "TZS", "msisdn": phone},
        "transaction": {
            "amount": 1000,
            "country": "TZ",
            "currency": "TZS",
            "id": uuid4().hex,
            **transaction,
        },
    }
    return requests.post(
        f"{url}/merchant/v1/payments/",
        json=body,
        headers=headers or airtel_headers(url),
        timeout=20,
    )


def airtel_enquiry(url: str, reference: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(
        f"{url}/standard/v1/payments/{reference}", headers=airtel_headers(url), timeout=5
    ).json()
    return answer
