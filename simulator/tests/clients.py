"""Plain clients, written from the fact sheets as a merchant's programmer would."""

from __future__ import annotations

import base64
import functools
import re
from typing import Any
from uuid import uuid4

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

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


def daraja_pull(url: str, path: str, body: dict[str, Any], token: str) -> requests.Response:
    return requests.post(
        f"{url}/pulltransactions/v1/{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
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


@functools.cache
def public_key(url: str, name: str) -> rsa.RSAPublicKey:
    """The portal's key; all simulators of the tests have the same."""
    text = requests.get(f"{url}/control/keys", timeout=5).json()[name]
    public = serialization.load_der_public_key(base64.b64decode(text))
    assert isinstance(public, rsa.RSAPublicKey)
    return public


def encrypted(url: str, name: str, secret: str) -> str:
    """A secret as a client encrypts it: PKCS#1 v1.5 with the public key that the portal shows."""
    public = public_key(url, name)
    return base64.b64encode(public.encrypt(secret.encode(), padding.PKCS1v15())).decode()


def daraja_initiated(url: str, path: str, body: dict[str, Any]) -> requests.Response:
    """A request of the initiator; what the caller names wins."""
    token = daraja_token(url).json()["access_token"]
    credential = encrypted(url, "MPESA_PUBLIC_KEY", "fake-initiator-password")
    return requests.post(
        f"{url}/mpesa/{path}",
        json={"SecurityCredential": credential, "Remarks": "Konektika", **body},
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )


def daraja_b2c(
    url: str, phone: str, callback: str, version: str = "v3", **changes: Any
) -> requests.Response:
    body = {
        "OriginatorConversationID": uuid4().hex,
        "InitiatorName": "fake-initiator",
        "CommandID": "BusinessPayment",
        "Amount": 1000,
        "PartyA": "600100",
        "PartyB": phone,
        "QueueTimeOutURL": f"{callback}/timeout",
        "ResultURL": f"{callback}/result",
        "Occassion": "",
        **changes,
    }
    return daraja_initiated(url, f"b2c/{version}/paymentrequest", body)


def daraja_reversal(url: str, receipt: str, callback: str, **changes: Any) -> requests.Response:
    body = {
        "Initiator": "fake-initiator",
        "CommandID": "TransactionReversal",
        "TransactionID": receipt,
        "Amount": 1000,
        "ReceiverParty": "600100",
        "RecieverIdentifierType": "11",
        "QueueTimeOutURL": f"{callback}/timeout",
        "ResultURL": f"{callback}/result",
        **changes,
    }
    return daraja_initiated(url, "reversal/v1/request", body)


def daraja_status(url: str, callback: str, **reference: str) -> requests.Response:
    body = {
        "Initiator": "fake-initiator",
        "CommandID": "TransactionStatusQuery",
        "PartyA": "600100",
        "IdentifierType": "4",
        "QueueTimeOutURL": f"{callback}/timeout",
        "ResultURL": f"{callback}/result",
        "Occasion": "",
        **reference,
    }
    return daraja_initiated(url, "transactionstatus/v1/query", body)


def openapi(
    url: str, method: str, path: str, secret: str, fields: dict[str, Any], **headers: str
) -> requests.Response:
    """A call with the secret (API key or session) as its bearer."""
    bearer = encrypted(url, "MPESA_OPENAPI_PUBLIC_KEY", secret)
    return requests.request(
        method,
        f"{url}/sandbox/ipg/v2/vodacomTZN/{path}/",
        params=fields if method == "GET" else None,
        json=None if method == "GET" else fields,
        headers={"Authorization": f"Bearer {bearer}", "Origin": "*", **headers},
        timeout=20,
    )


def openapi_session(url: str) -> str:
    answer = openapi(url, "GET", "getSession", "fake-api-key", {})
    return str(answer.json()["output_SessionID"])


def openapi_call(url: str, method: str, path: str, **fields: Any) -> requests.Response:
    """A call in a session of its own, with the fields that are common to all."""
    common = {
        "input_Country": "TZN",
        "input_ServiceProviderCode": "000000",
        "input_ThirdPartyConversationID": uuid4().hex,
    }
    return openapi(url, method, path, openapi_session(url), {**common, **fields})


def openapi_pay(url: str, phone: str, **changes: Any) -> requests.Response:
    fields = {
        "input_Amount": "1000",
        "input_CustomerMSISDN": phone,
        "input_Currency": "TZS",
        "input_TransactionReference": "REF1",
        "input_PurchasedItemsDesc": "Konektika",
        **changes,
    }
    return openapi_call(url, "POST", "c2bPayment/singleStage", **fields)


def openapi_b2c(url: str, phone: str, **changes: Any) -> requests.Response:
    fields = {
        "input_Amount": "1000",
        "input_CustomerMSISDN": phone,
        "input_Currency": "TZS",
        "input_TransactionReference": "REF1",
        "input_PaymentItemsDesc": "Konektika",
        **changes,
    }
    return openapi_call(url, "POST", "b2cPayment", **fields)


def openapi_status(url: str, reference: str) -> requests.Response:
    return openapi_call(url, "GET", "queryTransactionStatus", input_QueryReference=reference)


def tigo_a2w(url: str, phone: str, **changes: str) -> requests.Response:
    fields = {
        "TYPE": "REQMFICI",
        "REFERENCEID": uuid4().hex[:20],
        "MSISDN": "255710000200",
        "PIN": "4321",
        "MSISDN1": phone,
        "AMOUNT": "1000",
        "LANGUAGE1": "en",
        **changes,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return requests.post(
        f"{url}/tigo/a2w",
        data=f'<?xml version="1.0"?><COMMAND>{inner}</COMMAND>',
        headers={"Content-Type": "text/xml"},
        timeout=20,
    )


def xml_fields(text: str) -> dict[str, str]:
    """The elements of a COMMAND that hold text or nothing."""
    filled = re.findall(r"<(\w+)>([^<]*)</\1>", text)
    return dict(filled) | dict.fromkeys(re.findall(r"<(\w+) ?/>", text), "")


def airtel_disburse(
    url: str,
    phone: str,
    version: str = "v2",
    pin: str = "1234",
    headers: dict[str, str] | None = None,
    **transaction: Any,
) -> requests.Response:
    body = {
        "payee": {"currency": "TZS", "msisdn": phone},
        "reference": "Konektika",
        "pin": encrypted(url, "AIRTEL_PUBLIC_KEY", pin),
        "transaction": {"amount": 1000, "id": uuid4().hex, "type": "B2C", **transaction},
    }
    return requests.post(
        f"{url}/standard/{version}/disbursements/",
        json=body,
        headers=headers or airtel_headers(url),
        timeout=20,
    )


def airtel_refund(url: str, airtel_money_id: str, version: str = "v1") -> requests.Response:
    return requests.post(
        f"{url}/standard/{version}/payments/refund",
        json={"transaction": {"airtel_money_id": airtel_money_id}},
        headers=airtel_headers(url),
        timeout=20,
    )


def airtel_get(url: str, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(
        f"{url}/{path}", headers=airtel_headers(url), timeout=5
    ).json()
    return answer
